import fc from "fast-check";
import { AMOUNT_MAX } from "../../services/amount.ts";
import type { AccountState, Command, TransferKind } from "../../services/credit/model.ts";
import { Oracle } from "./ledger-oracle.ts";
import {
	AB,
	AS,
	cancel,
	FUNDING,
	idOf,
	jti,
	type Of,
	open,
	pay,
	post,
	refund,
	refuseEarly,
	release,
	SA,
	setState,
	T0,
} from "./ledger-script.ts";

// Commands at random, in whatever order, of which most fit what was asked before.

const ACCOUNTS = [FUNDING, "wallet:a", "wallet:b", "store:s", "wallet:late"];

/** Who pays whom: mostly into the store, often from where there is enough, seldom what must be refused. */
const SIDES = [
	...Array.from({ length: 8 }, () => AS),
	...Array.from({ length: 4 }, () => ({ from: "wallet:b", to: "store:s" })),
	...Array.from({ length: 4 }, () => ({ from: FUNDING, to: "wallet:a" })),
	...[
		{ from: FUNDING, to: "wallet:b" },
		{ from: FUNDING, to: "store:s" },
		AB,
		AB,
		SA,
		{ from: "store:s", to: FUNDING },
	],
	...[
		{ from: "wallet:late", to: "store:s" },
		{ from: "wallet:b", to: "wallet:late" },
	],
	{ from: "wallet:a", to: "wallet:a" },
];

const KINDS: TransferKind[] = ["sale", "sale", "sale", "p2p", "charge", "payout", "adjustment", "refund"];

export type Step = {
	readonly tickMs: number;
	readonly act: number;
	readonly repeat: { readonly nth: number; readonly sameFingerprint: boolean; readonly otherwise: boolean } | null;
	readonly target: { readonly among: string; readonly nth: number };
	readonly sides: { readonly from: string; readonly to: string };
	readonly account: number;
	readonly kind: number;
	readonly amount: number | undefined;
	readonly ttlMs: number;
	readonly code: { readonly nth: number; readonly leftMs: number; readonly cap: number } | null;
	readonly deadlineInMs: number | null;
	readonly state: AccountState;
};

/** Once in `times`, else null. */
const onceIn = <T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
	fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const amountLike = fc.oneof(
	{ weight: 20, arbitrary: fc.integer({ min: 1, max: 15 }) },
	{ weight: 6, arbitrary: fc.constant(undefined) },
	{ weight: 2, arbitrary: fc.constantFrom(0, -1, 0.5, -5, AMOUNT_MAX, AMOUNT_MAX + 1, 2 ** 53, Number.NaN) },
);

export const step: fc.Arbitrary<Step> = fc.record({
	tickMs: fc.constantFrom(0, 0, 0, 1, 1, 2),
	act: fc.integer({ min: 0, max: 99 }),
	repeat: onceIn(8, fc.record({ nth: fc.nat(99), sameFingerprint: fc.boolean(), otherwise: fc.boolean() })),
	target: fc.record({
		among: fc.constantFrom(...Array.from({ length: 8 }, () => "fitting"), "any", "later"),
		nth: fc.constantFrom(0, 0, 0, 1, 2, 5),
	}),
	sides: fc.constantFrom(...SIDES),
	account: fc.nat(ACCOUNTS.length - 1),
	kind: fc.integer({ min: 0, max: KINDS.length - 1 }),
	amount: amountLike,
	ttlMs: fc.constantFrom(1, 2, 3, 5, 8, 13, 20),
	code: onceIn(
		3,
		fc.record({ nth: fc.nat(30), leftMs: fc.integer({ min: 0, max: 9 }), cap: fc.integer({ min: 5, max: 15 }) }),
	),
	deadlineInMs: onceIn(12, fc.integer({ min: -1, max: 1 })),
	state: fc.constantFrom(...Array.from({ length: 12 }, () => "open" as const), "frozen", "frozen", "frozen", "closed"),
});

type Past = { readonly asked: readonly Command[]; readonly oracle: Oracle };

/** The command that a step asks, given what was asked before. */
function commandOf(step: Step, past: Past, nowMs: number): Command {
	const { asked } = past;
	const earlier = step.repeat && asked[step.repeat.nth % Math.max(asked.length, 1)];
	if (earlier) return againOf(earlier, { step, past, nowMs });
	const id = `i${asked.length}`;
	if (step.act < 24) return paymentOf(step, past, id, nowMs);
	if (step.act < 42) return { ...paymentOf(step, past, id, nowMs), hold: { ttlMs: step.ttlMs } };
	if (step.act < 52) return post(id, targetOf(step, past, "hold"), step.amount);
	if (step.act < 57) return release(id, "void", targetOf(step, past, "hold"));
	if (step.act < 64) return release(id, "expire", targetOf(step, past, "hold"));
	if (step.act < 80) return refund(id, targetOf(step, past, "sale"), step.amount);
	if (step.act < 92) return cancel(id, targetOf(step, past, "transfer"));
	const account = ACCOUNTS[step.account] ?? FUNDING;
	if (step.act < 96) return setState(id, account, step.state);
	if (step.act < 97) return refuseEarly(idOf(id));
	return { ...open(step.act < 98 ? account : "wallet:late"), ...idOf(id) };
}

/** The same once more, or, of a transfer, what one process refuses and another one submits. */
function againOf(earlier: Command, given: { step: Step; past: Past; nowMs: number }): Command {
	const { sameFingerprint, otherwise } = given.step.repeat ?? {};
	const again = otherwise ? otherwiseOf(earlier, given) : earlier;
	return sameFingerprint ? again : { ...again, fingerprint: "something else" };
}

function otherwiseOf(earlier: Command, { step, past, nowMs }: { step: Step; past: Past; nowMs: number }): Command {
	if (earlier.type === "transfer") return refuseEarly(earlier);
	return earlier.type === "refuse" ? paymentOf(step, past, earlier.id, nowMs) : earlier;
}

/** Mostly one of the last that fit, sometimes any of the last, sometimes one that is only asked later. */
function targetOf({ target }: Step, { asked, oracle }: Past, fitting: "hold" | "sale" | "transfer"): string {
	if (target.among === "later") return `i${asked.length + target.nth}`;
	const those = target.among === "any" ? asked.map(({ id }) => id as string) : oracle.fitting(fitting);
	return those[those.length - 1 - target.nth] ?? those.at(-1) ?? "nothing";
}

/** Without an amount it is of all that the payer has, so that accounts become empty and can be closed. */
function paymentOf(step: Step, { oracle }: Past, id: string, nowMs: number): Of<"transfer"> {
	const { sides, code, deadlineInMs } = step;
	return pay(id, sides, step.amount ?? Math.max(7, oracle.available(sides.from)), {
		kind: KINDS[step.kind] ?? "sale",
		...(code && { redeem: { jti: jti(`code-${code.nth}`), expiresAtMs: nowMs + code.leftMs, cap: code.cap } }),
		...(deadlineInMs !== null && { deadlineMs: nowMs + deadlineInMs }),
	});
}

const OPENING: Command[] = [
	...[open(FUNDING, "system"), open("wallet:a"), open("wallet:b"), open("store:s", "store")],
	pay("charge a", { from: FUNDING, to: "wallet:a" }, 30, { kind: "charge" }),
	pay("charge b", { from: FUNDING, to: "wallet:b" }, 15, { kind: "charge" }),
];

export type Script = readonly { readonly command: Command; readonly nowMs: number }[];

/** All the commands of some steps with their times. */
export function scriptOf(steps: readonly Step[]): Script {
	const oracle = new Oracle();
	const script: { readonly command: Command; readonly nowMs: number }[] = [];
	let nowMs = T0;
	const add = (command: Command) => {
		script.push({ command, nowMs });
		oracle.ask(command, nowMs);
	};
	for (const command of OPENING) add(command);
	const asked: Command[] = [];
	for (const step of steps) {
		nowMs += step.tickMs;
		const command = commandOf(step, { asked, oracle }, nowMs);
		asked.push(command);
		add(command);
	}
	return script;
}
