import { randomUUID } from "node:crypto";
import { bar } from "../audit-view.ts";
import { type Ask, Refused } from "./ask.ts";
import { account, adjustments, circuits, holds, operations, payment, status } from "./reports.ts";
import { age, facts, number, type Print, rows, time } from "./show.ts";
import { watch } from "./top.ts";

type Args = Readonly<Record<string, string | undefined>>;

/** What a terminal can do beside printing lines. */
export type Screen = {
	/** Takes the place of what it drew before. */
	draw(text: string): void;
	/** Aborted by the next key. */
	untilKey(): AbortSignal;
};

export type Command = {
	/** With its arguments, as commander writes them: `freeze <account>`. */
	readonly usage: string;
	readonly help: string;
	readonly options?: Readonly<Record<string, string>>;
	run(args: Args): Promise<void>;
};

const RIGHT = { align: "right" } as const;
const reason = { "--reason <text>": "why; it stays in the operator log, and is needed" };

/** Everything that operators do by typing, over one way to ask. */
export function operatorCommands(ask: Ask, print: Print, screen: Screen): readonly Command[] {
	return [
		{
			usage: "status",
			help: "Who is up, how far the ledger is, and what waits for somebody",
			run: async () => print(await status(ask)),
		},
		{
			usage: "audit",
			help: "Read the whole ledger and the operator log, and hold them against the rules",
			run: () => audit(ask, print, screen),
		},
		{
			usage: "account <id>",
			help: "An account with its owner and its last movements; by account, person, store or @handle",
			run: async ({ id = "" }) => print(await account(ask, id)),
		},
		{
			usage: "payment <id> [of]",
			help: "A payment and what the log says of it; by its whole id, or by its key and whose it is (store, person or handle)",
			run: async ({ id = "", of }) => print(await payment(ask, id, of)),
		},
		{
			usage: "freeze <id>",
			help: "Freeze an account; its owner cannot open it",
			options: reason,
			run: (args) => setState(ask, print, "operator.freeze", args),
		},
		{
			usage: "unfreeze <id>",
			help: "Lift what you froze; --lift all opens an account whoever froze it, its owner too",
			options: { ...reason, "--lift <whose>": "own, which is usual, or all" },
			run: (args) => setState(ask, print, "operator.unfreeze", args),
		},
		{
			usage: "adjust <id> <direction> <amount>",
			help: 'Give an account credit, or take some: adjust @ada give 500 --reason "…". Beyond what one may adjust in a day a second operator confirms it',
			options: { ...reason, "--key <key>": "repeat an adjustment whose answer never came, with the key that it had" },
			run: (args) => adjust(ask, print, args),
		},
		{
			usage: "adjustments",
			help: "Adjustments that wait for a second operator",
			run: async () => print(adjustments((await ask("operator.listAdjustments", {})).items)),
		},
		{
			usage: "confirm <id>",
			help: "Confirm an adjustment that another operator asked for",
			options: reason,
			run: (args) => decide(ask, print, "confirm", args),
		},
		{
			usage: "decline <id>",
			help: "Decline an adjustment, or take your own back",
			options: reason,
			run: (args) => decide(ask, print, "decline", args),
		},
		{
			usage: "holds",
			help: "What is held and not decided yet, oldest first",
			run: async () => print(holds(await ask("credit.listHolds", { limit: 50 }))),
		},
		{
			usage: "keys [rotate]",
			help: 'The signing keys and their age; keys rotate --reason "…" makes a new one',
			options: reason,
			run: (args) => keys(ask, print, args),
		},
		{
			usage: "circuits",
			help: "Who does not call whom at the moment, as each process sees it",
			run: async () => print(circuits(await ask("operator.listProcesses", {}))),
		},
		{
			usage: "top",
			help: "Calls, failures and load as they are, every second, until a key is pressed",
			options: { "--seconds <n>": "stop after so long" },
			run: ({ seconds = "86400" }) =>
				watch({ ask, draw: screen.draw, seconds: Number(seconds) || 0, stop: screen.untilKey() }),
		},
		{
			usage: "drain <node>",
			help: "End a process in good order; whatever supervises it starts another one",
			options: reason,
			run: async ({ node = "", reason }) => {
				await ask("operator.drain", { nodeId: node, reason: needed(reason) });
				print(`${node} finishes what it began and ends.`);
			},
		},
		{
			usage: "operations [count]",
			help: "What operators did, newest first",
			run: async ({ count = "20" }) =>
				print(operations((await ask("operator.listOperations", { limit: Number(count) })).items)),
		},
	];
}

/** @throws when there is none, before anything is asked */
function needed(reason: string | undefined): string {
	if (!reason) throw new Refused('Say why: --reason "…"');
	return reason;
}

async function audit(ask: Ask, print: Print, screen: Screen): Promise<void> {
	const look = async () => {
		const { auditing } = await ask("credit.status", {});
		if (auditing) screen.draw(bar(auditing));
	};
	const looking = setInterval(() => void look().catch(() => undefined), 250);
	const result = await ask("credit.audit", {}).finally(() => clearInterval(looking));
	const { groups, transfers, accounts, inCirculation, headHash, discrepancy, operations: log, tookMs } = result;
	print(
		facts({
			ledger: discrepancy ? `WRONG at group ${discrepancy.sequence}: ${discrepancy.what}` : "clean",
			read: `${number(groups)} groups, ${number(transfers)} transfers, ${number(accounts)} accounts in ${number(tookMs)} ms`,
			"in circulation": `${number(inCirculation)} credit`,
			head: headHash,
			"operator log": log.discrepancy ? `WRONG: ${log.discrepancy}` : `clean, ${number(log.lines)} lines`,
			"its head": log.headHash,
		}),
	);
}

async function setState(
	ask: Ask,
	print: Print,
	name: "operator.freeze" | "operator.unfreeze",
	{ id = "", reason, lift }: Args,
) {
	const why = needed(reason);
	if (lift !== undefined && lift !== "own" && lift !== "all") throw new Refused(`${lift} is neither own nor all`);
	const { account, owner, store } = await ask("operator.account", { id });
	const { state } = await ask(name, { accountId: account.id, reason: why, ...(lift && { lift }) });
	print(`${account.id} (${store?.name ?? `@${owner?.handle}`}) is ${state}.`);
}

async function adjust(ask: Ask, print: Print, { id = "", direction = "", amount = "", reason, key }: Args) {
	const why = needed(reason);
	if (direction !== "give" && direction !== "take") throw new Refused(`${direction} is neither give nor take`);
	if (!/^(\d+|\d{1,3}([,_]\d{3})+)$/.test(amount)) throw new Refused(`${amount} is not a whole number of credits`);
	const { account } = await ask("operator.account", { id });
	const idempotencyKey = key ?? randomUUID();
	print(`Key ${idempotencyKey}: if no answer comes, repeat it with --key ${idempotencyKey}`);
	const said = { accountId: account.id, direction, amount: Number(amount.replace(/[,_]/g, "")), reason: why } as const;
	const made = await ask("operator.adjust", { ...said, idempotencyKey });
	print(
		made.state === "pending"
			? `It waits for a second operator: confirm ${made.id}`
			: `${number(made.change)} for ${account.id}: ${made.state}, ${made.id}`,
	);
}

async function decide(
	ask: Ask,
	print: Print,
	decision: "confirm" | "decline",
	{ id = "", reason }: Args,
): Promise<void> {
	const decided = await ask("operator.decideAdjustment", { id, decision, reason: needed(reason) });
	print(`${number(decided.change)} for ${decided.accountId}: ${decided.state}`);
}

async function keys(ask: Ask, print: Print, { rotate, reason }: Args): Promise<void> {
	if (rotate !== undefined && rotate !== "rotate") throw new Refused(`keys ${rotate}: there is only keys rotate`);
	const found = rotate ? await ask("operator.rotateKeys", { reason: needed(reason) }) : await ask("auth.listKeys", {});
	const lines = found.keys.map(({ kid, state, createdAtMs }) => [kid, state, time(createdAtMs), age(createdAtMs)]);
	print(rows([{ title: "key" }, { title: "state" }, { title: "made" }, { title: "age", ...RIGHT }], lines));
}
