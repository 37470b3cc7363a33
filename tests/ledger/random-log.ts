import { claimsOf, emptyHead, entriesOf, type Group, headOf, makeGroup } from "../../services/credit/journal.ts";
import { apply, decide } from "../../services/credit/ledger.ts";
import type { AccountId, Command, CommandId, Jti, TransferId, TransferKind } from "../../services/credit/model.ts";
import { ResidentBook } from "../../services/credit/resident-book.ts";
import { MemoryLog } from "./memory-journal.ts";

// 1. Logs: random ones that the real core decided.

/** A small generator that gives the same numbers for the same seed everywhere (mulberry32). */
export function seeded(seed: number) {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	const below = (bound: number): number => Math.floor(next() * bound);
	return {
		below,
		/** True once in `times`. */
		once: (times: number): boolean => below(times) === 0,
		pick: <T>(of: readonly T[]): T => {
			if (of.length === 0) throw new RangeError("there is nothing to pick from");
			return of[below(of.length)] as T;
		},
	};
}

export type Random = ReturnType<typeof seeded>;

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export const idOf = (id: string) => ({ id: id as CommandId, fingerprint: `asked ${id}` });

export const openCommand = (id: string): Of<"open"> => ({
	...idOf(`open.${id}`),
	type: "open",
	accountId: id as AccountId,
	kind: id.startsWith("system:") ? "system" : id.startsWith("store:") ? "store" : "wallet",
	owner: `owner of ${id}`,
});

export const payCommand = (
	id: string,
	kind: TransferKind,
	{ from, to, amount }: { from: string; to: string; amount: number },
): Of<"transfer"> => ({
	...idOf(id),
	type: "transfer",
	kind,
	debitAccountId: from as AccountId,
	creditAccountId: to as AccountId,
	amount,
	details: { note: `한닢 🪙 ${id}`, items: [{ name: "라떼", count: 2 }] },
});

export const FUNDING = "system:funding";

export const WALLETS = ["wallet:u_1", "wallet:u_2", "wallet:u_3"];

export const STORES = ["store:s_1", "store:s_2"];

export const ACCOUNTS = [FUNDING, "system:settlement", ...WALLETS, ...STORES];

/** What was asked lately: so that commands meet. */
export class Asked {
	count = 0;
	readonly #holds: string[] = [];
	readonly #payments: string[] = [];

	add({ id, hold }: Of<"transfer">): void {
		for (const ids of hold ? [this.#payments, this.#holds] : [this.#payments]) {
			ids.push(id);
			if (ids.length > 6) ids.shift();
		}
	}

	pick(random: Random, which: "hold" | "payment"): TransferId {
		const ids = which === "hold" ? this.#holds : this.#payments;
		return (ids.length === 0 ? "none" : random.pick(ids)) as TransferId;
	}
}

/** Any command, about few accounts and what was asked lately. */
export function anyCommand(
	random: Random,
	asked: Asked,
	{ nowMs, scope = "r" }: { nowMs: number; scope?: string },
): Command {
	const id = `${scope}.${++asked.count}`;
	const dice = random.below(100);
	if (dice < 60) {
		const payment = anyPayment(random, { id, dice, nowMs });
		asked.add(payment);
		return payment;
	}
	const part = random.once(3) ? {} : { amount: 1 + random.below(random.pick([9, 60])) };
	if (dice < 68) return { ...idOf(id), type: "post", transferId: asked.pick(random, "hold"), ...part };
	if (dice < 71) return { ...idOf(id), type: "void", transferId: asked.pick(random, "hold") };
	if (dice < 76) return { ...idOf(id), type: "expire", transferId: asked.pick(random, "hold") };
	const transferId = asked.pick(random, "payment");
	if (dice < 90) return { ...idOf(id), type: "refund", transferId, details: { reason: `back ${id}` }, ...part };
	if (dice < 97) {
		// Now and then an id that was never seen, and may come later.
		const targetId = (random.once(3) ? `${scope}.${asked.count + 1 + random.below(4)}` : transferId) as CommandId;
		return { ...idOf(id), type: "cancel", targetId, details: {} };
	}
	const accountId = random.pick([...WALLETS, ...STORES]) as AccountId;
	const state = random.once(8) ? "frozen" : "open";
	return { ...idOf(id), type: "set-state", accountId, state, reason: "at random" };
}

function anyPayment(random: Random, { id, dice, nowMs }: { id: string; dice: number; nowMs: number }): Of<"transfer"> {
	const amount = 1 + random.below(60);
	const [wallet, store] = [random.pick(WALLETS), random.pick(STORES)];
	if (dice < 12) return payCommand(id, "charge", { from: FUNDING, to: wallet, amount: amount * 3 });
	if (dice < 16) return payCommand(id, "p2p", { from: wallet, to: random.pick(WALLETS), amount });
	if (dice < 18) return payCommand(id, "payout", { from: store, to: "system:settlement", amount });
	const sale = payCommand(id, "sale", { from: wallet, to: store, amount });
	const redeem = {
		jti: `code ${random.below(500)} of ${id.length}` as Jti,
		expiresAtMs: nowMs + 1 + random.below(9),
		cap: 55,
	};
	return {
		...sale,
		...(dice < 36 && { hold: { ttlMs: random.pick([1, 300, 2_000_000, 6_000_000]) } }),
		...(random.once(3) && { redeem }),
		...(random.once(20) && { deadlineMs: nowMs - 1 + random.below(3) }),
	};
}

export const OPENING: readonly Command[] = ACCOUNTS.map(openCommand);

/** A log as the ledger writes it, with everything in it that can happen; the time goes on by up to half an hour a group. */
export function randomLog({
	seed,
	groups,
	entriesMax = 4,
}: {
	seed: number;
	groups: number;
	entriesMax?: number;
}): Group[] {
	const random = seeded(seed);
	const log = new LogMaker();
	const asked = new Asked();
	log.add(OPENING);
	while (log.groups.length < groups) {
		const nowMs = log.nowMs + random.pick([0, 0, 1, 5, 400, 600_000, 1_800_000]);
		const count = 1 + random.below(entriesMax);
		log.add(
			Array.from({ length: count }, () => anyCommand(random, asked, { nowMs })),
			nowMs,
		);
	}
	return log.groups;
}

/** A log in memory with these groups in it. */
export function memoryOf(groups: readonly Group[]): MemoryLog {
	const memory = new MemoryLog();
	for (const group of groups) memory.append(group, entriesOf(group).flatMap(claimsOf));
	return memory;
}

/** Makes groups from commands through the real core. */
export class LogMaker {
	readonly groups: Group[];
	readonly #book = new ResidentBook();
	nowMs: number;

	/** @param groups what there is already */
	constructor(groups: readonly Group[] = []) {
		this.groups = [...groups];
		this.nowMs = groups.at(-1)?.committedAtMs ?? 1_700_000_000_000;
		for (const entry of groups.flatMap(entriesOf)) apply(this.#book, entry);
	}

	with(commands: readonly Command[]): Group[] {
		this.add(commands);
		return this.groups;
	}

	add(commands: readonly Command[], nowMs = this.nowMs): Group | undefined {
		this.nowMs = nowMs;
		const entries = commands.flatMap((command) => {
			const decision = decide(this.#book, command, nowMs);
			if (decision.kind !== "new") return [];
			apply(this.#book, decision.entry);
			return [decision.entry];
		});
		if (entries.length === 0) return undefined;
		const last = this.groups.at(-1);
		const group = makeGroup({ lane: 0, previous: last ? headOf(last) : emptyHead, nowMs, entries });
		this.groups.push(group);
		return group;
	}
}
