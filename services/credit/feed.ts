import { entriesOf } from "./journal.ts";
import type { AccountId, Entry, Transfer, TransferId } from "./model.ts";
import type { Place } from "./read-model.ts";
import type { RunningLedger } from "./running-ledger.ts";
import { endOf } from "./statement-cursor.ts";

/** Read for one page at most, whether they are of anybody's concern or not. */
const GROUPS_AT_ONCE = 256;
/** A page is one message of NATS, which takes a megabyte; a transfer with the largest receipt is a fifth of one. */
const PAGE_CHARACTERS = 400_000;
const PAGE_ITEMS = 200;

/** What an entry of the log did to transfers, as they were after it. */
export type FeedItem = Place & {
	readonly committedAtMs: number;
	readonly accountIds: readonly AccountId[];
	readonly created: Transfer | null;
	readonly changed: Transfer | null;
};

export type FeedPage = { readonly items: readonly FeedItem[]; readonly end: Place; readonly isAll: boolean };

/**
 * What the log says of stores' accounts, in its order, from behind a place on: of all of them, since a list of those that somebody
 * follows would have an end, and what is beyond it would be left out for good. The log is the outbox of everything that others are told: an
 * item is in it if, and only if, it happened, and it is there again for whoever asks again.
 */
export async function readFeed(ledger: RunningLedger, after: Place): Promise<FeedPage> {
	const { sequence: last } = ledger;
	const from = isEnd(after) ? after.sequence + 1 : after.sequence;
	// Mostly there is nothing new. And a log that ends before this place was restored since: it goes on from where it is.
	if (from > last) return { items: [], end: endOf(last), isAll: true };
	const groups = await ledger.journal.read({ fromSequence: from, groupsMax: GROUPS_AT_ONCE });
	const page: FeedItem[] = [];
	let characters = 0;
	let end = after;
	for (const group of groups.filter(({ sequence }) => sequence <= last)) {
		const { sequence, committedAtMs } = group;
		for (const [position, entry] of entriesOf(group).entries()) {
			const isPast = sequence === after.sequence && position <= after.position;
			if (isPast || !concernsStore(entry)) continue;
			const item = await itemOf(ledger, entry, { sequence, position, committedAtMs });
			page.push(item);
			characters += JSON.stringify(item).length;
			if (page.length >= PAGE_ITEMS || characters >= PAGE_CHARACTERS)
				return { items: page, end: { sequence, position }, isAll: false };
		}
		end = endOf(sequence);
	}
	return { items: page, end, isAll: end.sequence >= last };
}

const isEnd = ({ sequence, position }: Place): boolean => position === endOf(sequence).position;

const concernsStore = ({ created, changed, counters = [] }: Entry): boolean =>
	(created !== undefined || changed !== undefined) && counters.some(([id]) => id.startsWith("store:"));

async function itemOf(
	ledger: RunningLedger,
	{ created, changed, counters = [] }: Entry,
	at: Place & { committedAtMs: number },
): Promise<FeedItem> {
	const before = changed && (await existing(ledger, changed.id));
	return {
		...at,
		accountIds: counters.map(([id]) => id),
		created: created ?? null,
		changed: before ? { ...before, ...changed } : null,
	};
}

async function existing(ledger: RunningLedger, id: TransferId): Promise<Transfer> {
	const transfer = await ledger.transfer(id);
	if (!transfer) throw new Error(`the log changes the transfer ${id}, which is not there`);
	return transfer;
}
