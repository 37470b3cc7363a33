import type { Result } from "../../services/actions.ts";
import { type Ask, Refused } from "./ask.ts";
import { age, facts, number, rows, time } from "./show.ts";

const RIGHT = { align: "right" } as const;

/** What needs a database that is away may be answered minutes later. */
const PATIENCE_MS = 5_000;

/** Each part by itself: it is asked for when something is away, and what is away must not hide what is there. */
export async function status(ask: Ask, patienceMs = PATIENCE_MS): Promise<string> {
	const parts = await Promise.allSettled([
		within(patienceMs, ask("operator.listProcesses", {})),
		within(patienceMs, ask("credit.status", {})),
		within(patienceMs, ask("auth.listKeys", {})),
		within(patienceMs, ask("credit.listHolds", { limit: 1 })),
		within(patienceMs, ask("operator.listAdjustments", {})),
	]);
	const [processes, ledger, keys, held, waiting] = parts;
	const told = facts({
		...(processes.status === "rejected" && { processes: silenceOf(processes) }),
		ledger: part(
			ledger,
			({ sequence, waiting, readModelSequence }) =>
				`group ${number(sequence)}, ${number(waiting)} waiting; read model ${number(sequence - readModelSequence)} behind`,
		),
		keys: part(keys, ({ keys, rotationDays }) => {
			const newest = keys.at(-1);
			return newest ? `newest ${age(newest.createdAtMs)} old, rotated every ${rotationDays} days` : "none";
		}),
		holds: part(held, ({ items: [oldest] }) => (oldest ? `oldest ${age(oldest.createdAtMs)} old` : "none")),
		adjustments: part(waiting, ({ items }) =>
			items.length === 0 ? "none waits" : `${items.length} wait for a second operator`,
		),
	});
	if (processes.status === "fulfilled") return [processTable(processes.value), "", told].join("\n");
	return parts.every(({ status }) => status === "rejected") ? `Nothing answers.\n${told}` : told;
}

async function within<Value>(patienceMs: number, answer: Promise<Value>): Promise<Value> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Refused(`nothing came within ${patienceMs} ms`)), patienceMs);
	});
	return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

const silenceOf = ({ reason }: PromiseRejectedResult): string =>
	`does not answer: ${(reason as Error).message.replaceAll("\n", " ")}`;

const part = <Value>(settled: PromiseSettledResult<Value>, say: (value: Value) => string): string =>
	settled.status === "fulfilled" ? say(settled.value) : silenceOf(settled);

function processTable({ items, silent }: Result<"operator.listProcesses">): string {
	const processes = items.map(({ nodeId, services, version, startedAtMs, memoryBytes, circuits }) => [
		nodeId,
		services.join(","),
		version,
		age(startedAtMs),
		`${Math.round(memoryBytes / 1e6)} MB`,
		String(circuits.length),
	]);
	const columns = [
		{ title: "process" },
		{ title: "services", widthMax: 60 },
		{ title: "version" },
		{ title: "up", ...RIGHT },
		{ title: "memory", ...RIGHT },
		{ title: "circuits open", ...RIGHT },
	];
	return rows(columns, [...processes, ...silent.map((nodeId) => [nodeId, "does not answer"])]);
}

export async function account(ask: Ask, id: string): Promise<string> {
	const { account, owner, store, frozenBy, isFrozenByOwner } = await ask("operator.account", { id });
	const freezers = [...frozenBy, ...(isFrozenByOwner ? ["its owner"] : [])];
	const { items } = await ask("credit.statement", { accountId: account.id, limit: 5 });
	const lines = items.map(({ postedAtMs, kind, amount, balanceAfter, transferId }) => [
		time(postedAtMs),
		kind,
		number(amount),
		number(balanceAfter),
		transferId,
	]);
	return [
		facts({
			account: account.id,
			...(store && { store: store.name }),
			owner: owner ? `@${owner.handle} (${owner.displayName}), ${owner.userId}` : account.owner,
			state:
				account.state + (account.state === "frozen" && freezers.length > 0 ? `, by ${freezers.join(" and ")}` : ""),
			balance: number(account.balance),
			available: number(account.available),
			held: number(account.pending),
		}),
		"",
		rows(
			[
				{ title: "when" },
				{ title: "what" },
				{ title: "amount", ...RIGHT },
				{ title: "balance", ...RIGHT },
				{ title: "id" },
			],
			lines,
		),
	].join("\n");
}

export async function payment(ask: Ask, id: string, of: string | undefined): Promise<string> {
	const found = await ask("operator.payment", { id, ...(of !== undefined && { of }) });
	const { transfer, refusal, entries, refunds, traceId, traceUrl } = found;
	const told: Record<string, string> = {
		id: found.id,
		state: refusal ? `refused: ${refusal}` : (transfer?.state ?? found.state),
	};
	if (transfer) {
		told.kind = transfer.kind;
		told.amount =
			number(transfer.amount) + (transfer.refunded > 0 ? `, ${number(transfer.refunded)} of it given back` : "");
		told.from = transfer.debitAccountId;
		told.to = transfer.creditAccountId;
		told.at = time(transfer.createdAtMs);
		told.details = JSON.stringify(transfer.details);
		if (traceId) told.trace = traceUrl ?? traceId;
	}
	if (refunds.length > 0) told.refunds = refunds.map(({ id, amount }) => `${number(amount)} ${id}`).join(", ");
	const lines = entries.map(({ sequence, position, type, id, refusal, committedAtMs, hash }) => [
		`${sequence}.${position}`,
		time(committedAtMs),
		refusal ? `${type}: ${refusal}` : type,
		id,
		hash.slice(0, 16),
	]);
	return [
		facts(told),
		"",
		rows(
			[{ title: "group", ...RIGHT }, { title: "when" }, { title: "what" }, { title: "command" }, { title: "hash" }],
			lines,
		),
	].join("\n");
}

export function circuits({ items, silent }: Result<"operator.listProcesses">): string {
	const lines = items.flatMap(({ nodeId, circuits }) =>
		circuits.map((circuit) => [
			nodeId,
			circuit.state.replace("_", " "),
			circuit.action,
			circuit.nodeId,
			age(circuit.sinceMs),
		]),
	);
	const unheard = silent.map((nodeId) => `${nodeId} does not answer.`);
	const columns = [
		{ title: "process" },
		{ title: "circuit" },
		{ title: "action" },
		{ title: "at" },
		{ title: "for", ...RIGHT },
	];
	const told = lines.length > 0 ? rows(columns, lines) : `All circuits of ${items.length} processes are closed.`;
	return [told, ...unheard].join("\n");
}

export function adjustments(items: Result<"operator.listAdjustments">["items"]): string {
	if (items.length === 0) return "No adjustment waits.";
	const lines = items.map(({ id, change, accountId, by, reason, createdAtMs }) => [
		number(change),
		accountId,
		by,
		age(createdAtMs),
		reason,
		id,
	]);
	return rows(
		[
			{ title: "change", ...RIGHT },
			{ title: "account" },
			{ title: "by" },
			{ title: "for", ...RIGHT },
			{ title: "reason", widthMax: 40 },
			{ title: "id" },
		],
		lines,
	);
}

export function holds({ items, isAll }: Result<"credit.listHolds">): string {
	if (items.length === 0) return "Nothing is held.";
	const lines = items.map(({ id, kind, amount, debitAccountId, createdAtMs, expiresAtMs }) => [
		kind,
		number(amount),
		debitAccountId,
		age(createdAtMs),
		expiresAtMs === null ? "never" : time(expiresAtMs),
		id,
	]);
	const columns = [
		{ title: "kind" },
		{ title: "amount", ...RIGHT },
		{ title: "from" },
		{ title: "for", ...RIGHT },
		{ title: "until" },
		{ title: "id" },
	];
	return rows(columns, lines) + (isAll ? "" : "\nThere are more.");
}

export function operations(items: Result<"operator.listOperations">["items"]): string {
	if (items.length === 0) return "Nobody has changed anything.";
	const lines = items.map(({ sequence, atMs, by, operation, phase, target, reason, detail }) => [
		String(sequence),
		time(atMs),
		by,
		operation,
		phase,
		target,
		reason,
		detail,
	]);
	return rows(
		[
			{ title: "line", ...RIGHT },
			{ title: "when" },
			{ title: "by" },
			{ title: "what" },
			{ title: "" },
			{ title: "to", widthMax: 30 },
			{ title: "why", widthMax: 30 },
			{ title: "how", widthMax: 40 },
		],
		lines,
	);
}
