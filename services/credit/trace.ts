import type { Result } from "../actions.ts";
import { entriesOf, type Group } from "./journal.ts";
import type { CommandId, Entry, Transfer, TransferId } from "./model.ts";
import type { RunningLedger } from "./running-ledger.ts";

type Line = Result<"credit.trace">["entries"][number];

/** Between two pages payments are answered. */
const GROUPS_AT_ONCE = 64;
/** Read in search of the end of a hold, which has an id that does not say of which. */
const GROUPS_MAX = 10_000;
const LINES_MAX = 1_000;

/** What the log says of a command and of the transfer that it made, in the log's order. */
export async function traceOf(ledger: RunningLedger, id: string): Promise<Line[]> {
	const transfer = await ledger.transfer(id as TransferId);
	await ledger.readModel.reached(ledger.sequence);
	const refunds = transfer?.refunded ? await ledger.readModel.refundsOf(transfer.id, LINES_MAX) : [];
	const places = await ledger.journal.find([id, ...refunds.map(({ id }) => id as string)]);
	const sequences = new Set(places.values());
	const first = places.get(id);
	if (transfer && first !== undefined) {
		const end = await endOfHold(ledger, transfer, first);
		if (end !== undefined) sequences.add(end);
	}
	const lines: Line[] = [];
	for (const fromSequence of [...sequences].sort((left, right) => left - right)) {
		const [group] = await ledger.journal.read({ fromSequence, groupsMax: 1 });
		if (group) lines.push(...linesIn(group, (entry) => concerns(entry, id)));
	}
	return lines.slice(0, LINES_MAX);
}

const concerns = ({ id, tombstone, created, changed }: Entry, wanted: string): boolean =>
	[id, tombstone, created?.reference, changed?.id].some((each) => each === (wanted as CommandId & TransferId));

function linesIn({ sequence, hash, committedAtMs, ...group }: Group, isWanted: (entry: Entry) => boolean): Line[] {
	return entriesOf({ sequence, hash, committedAtMs, ...group }).flatMap((entry, position) =>
		isWanted(entry)
			? [{ sequence, position, hash, committedAtMs, id: entry.id, type: entry.type, refusal: entry.refusal ?? null }]
			: [],
	);
}

/** Where a hold was posted, voided or expired. */
async function endOfHold(ledger: RunningLedger, transfer: Transfer, first: number): Promise<number | undefined> {
	if (transfer.expiresAtMs === null || transfer.state === "pending") return undefined;
	for (let next = first; next < first + GROUPS_MAX; ) {
		const groups = await ledger.journal.read({ fromSequence: next, groupsMax: GROUPS_AT_ONCE });
		const last = groups.at(-1);
		if (!last) return undefined;
		// Most groups have nothing of it, and are not read for that: this is the thread that books.
		const mention = groups.filter(({ body }) => body.includes(transfer.id));
		const end = mention.find((group) =>
			entriesOf(group).some(({ id, changed }) => changed?.id === transfer.id && (id as string) !== transfer.id),
		);
		if (end) return end.sequence;
		next = last.sequence + 1;
	}
	return undefined;
}
