import type { DatabaseSync } from "node:sqlite";
import { openSqlite } from "../../mixins/sqlite.ts";
import type { Group, Head } from "./journal.ts";
import { LogTimes } from "./log-times.ts";
import type { Account, AccountId, Details, Transfer, TransferId } from "./model.ts";
import { ProjectionQueue, QueuedReadModel } from "./projection-queue.ts";
import {
	HOUR_MS,
	type Locate,
	type LookingBack,
	type Place,
	POSITIONS,
	placeAt,
	placeNumber,
	type ReadModel,
	type StatementLine,
	type StatementQuery,
	type Total,
} from "./read-model.ts";
import type { ReadModelHandlers } from "./read-model-sqlite-worker.ts";
import { WorkerLink } from "./worker-link.ts";

const limits = {
	batchGroups: 4_096,
	batchBytes: 4_000_000,
	gatherMs: 50,
	backlogBytesMax: 16_000_000,
	reachTimeoutMs: 2_000,
} as const;

/** That are asked of the journal in one question. */
const IDS_AT_ONCE = 256;

const ACCOUNT = `id, kind, owner, floor, state, debits_posted AS debitsPosted, credits_posted AS creditsPosted,
	debits_pending AS debitsPending, credits_pending AS creditsPending`;
const TRANSFER = `t.id, t.kind, t.debit_account_id AS debitAccountId, t.credit_account_id AS creditAccountId, t.amount, t.state,
	t.refunded, t.reference, t.details, t.created_at_ms AS createdAtMs, t.expires_at_ms AS expiresAtMs`;

/**
 * The read model in an SQLite file of its own, which may be deleted at any time. A worker thread writes; reads are answered
 * here from a second connection, which in WAL mode neither waits for the writer nor holds it up.
 */
export class SqliteReadModel extends QueuedReadModel implements ReadModel {
	readonly #link: WorkerLink<ReadModelHandlers>;
	readonly #db: DatabaseSync;
	readonly #statements: ReturnType<typeof prepare>;
	readonly #locate: Locate;
	readonly #times = new LogTimes(async (sequence) => this.#groupFrom(sequence));
	protected readonly queue: ProjectionQueue;

	private constructor(link: WorkerLink<ReadModelHandlers>, { path, locate, head }: Parts) {
		super();
		this.#link = link;
		this.#db = openSqlite(path, { readOnly: true });
		this.#locate = locate;
		this.queue = new ProjectionQueue({ head, write: (groups) => this.#write(groups), limits });
		this.#statements = prepare(this.#db);
	}

	static async open(path: string, locate: Locate): Promise<SqliteReadModel> {
		const link = new WorkerLink<ReadModelHandlers>(new URL("./read-model-sqlite-worker.ts", import.meta.url), { path });
		// The worker makes the file and its tables before it answers.
		return new SqliteReadModel(link, { path, locate, head: await link.call("progress", undefined) });
	}

	async #write(groups: readonly Group[]): Promise<Head> {
		// Most change nothing, and to know that they need not be read.
		const changing = groups.filter(({ body }) => body.includes('"changed":'));
		const changed = changing.length > 0 ? await this.#link.call("changed", changing) : [];
		const sources = new Map<string, number>();
		// Some at a time: payments wait meanwhile.
		for (let from = 0; from < changed.length; from += IDS_AT_ONCE) {
			const ids = changed.slice(from, from + IDS_AT_ONCE) as TransferId[];
			for (const [id, sequence] of await this.#locate(ids)) sources.set(id, sequence);
		}
		return this.#link.call("project", { groups, sources });
	}

	async clear(): Promise<void> {
		this.#times.clear();
		this.queue.restart(await this.#link.call("clear", undefined));
	}

	async accounts(ids: readonly AccountId[]): Promise<Account[]> {
		return ids.flatMap((id) => (this.#statements.account.get(id) as Account | undefined) ?? []);
	}

	async transfers(ids: readonly TransferId[]): Promise<Transfer[]> {
		const groups = await this.#locate(ids);
		return ids.flatMap((id) => {
			const group = groups.get(id);
			if (group === undefined) return [];
			const rows = this.#statements.transfer.all(group, id);
			return (rows as TransferRow[]).map(toTransfer);
		});
	}

	async holds(): Promise<Transfer[]> {
		return (this.#statements.holds.all() as TransferRow[]).map(toTransfer);
	}

	async refundsOf(id: TransferId, limit: number): Promise<Transfer[]> {
		return (this.#statements.refunds.all(id, limit) as TransferRow[]).map(toTransfer).reverse();
	}

	async statement(query: StatementQuery): Promise<StatementLine[]> {
		const { accountId, before, downTo, after, kinds, fromMs, toMs, limit } = query;
		const end = after ? { sequence: after.lastSequence + 1, position: 0 } : before;
		const { newestFirst, oldestFirst } = this.#statements;
		const within = await this.#times.placesOf({ fromMs, toMs }, this.head.sequence);
		const rows = (after ? oldestFirst : newestFirst).all({
			accountId,
			start: Math.max(within.start, after ? placeNumber(after.place) : 0, downTo ? placeNumber(downTo) - 1 : 0),
			end: Math.min(within.end, end ? placeNumber(end) : Number.MAX_SAFE_INTEGER),
			kinds: kinds ? JSON.stringify(kinds) : null,
			fromMs: fromMs ?? 0,
			toMs: toMs ?? Number.MAX_SAFE_INTEGER,
			limit,
		});
		return (rows as (StatementLine & { details: string })[]).map((row) => ({
			...row,
			details: JSON.parse(row.details),
		}));
	}

	async lookBack({ accountId, before, lines, fromMs, toMs }: LookingBack): Promise<Place | null> {
		const { start, end } = await this.#times.placesOf({ fromMs, toMs }, this.head.sequence);
		const asked = { accountId, start, end: Math.min(end, placeNumber(before)), lines };
		const found = this.#statements.lineBack.get(asked) as { place: number } | undefined;
		return found ? placeAt(found.place) : null;
	}

	#groupFrom(sequence: number): { number: number; atMs: number } | null {
		const row = this.#statements.madeFrom.get(placeNumber({ sequence, position: 0 }));
		return (row as { number: number; atMs: number } | undefined) ?? null;
	}

	async totals({ accountId, fromMs, toMs }: { accountId: AccountId; fromMs: number; toMs: number }): Promise<Total[]> {
		return this.#statements.totals.all(accountId, fromMs / HOUR_MS, toMs / HOUR_MS) as Total[];
	}

	async everyAccount({ afterId, limit }: { afterId: string; limit: number }): Promise<Account[]> {
		return this.#statements.everyAccount.all(afterId, limit) as Account[];
	}

	async count(): Promise<{ transfers: number; postings: number }> {
		return this.#statements.count.get() as { transfers: number; postings: number };
	}

	async close(): Promise<void> {
		await this.queue.close();
		this.#db.close();
		await this.#link.call("close", undefined).finally(() => this.#link.close());
	}
}

/** The newest, or the oldest, of each side, and of these the newest, or the oldest. */
const lines = (order: "ASC" | "DESC"): string =>
	`SELECT accountId, place / ${POSITIONS} AS sequence, place % ${POSITIONS} AS position, transferId, amount, balanceAfter, postedAtMs,
		kind, state, refunded, reference, details, counterpartyId
	 FROM (SELECT * FROM (${linesOf("debit", "credit", order)}) UNION ALL SELECT * FROM (${linesOf("credit", "debit", order)}))
	 ORDER BY place ${order} LIMIT $limit`;

const linesOf = (side: "debit" | "credit", other: "debit" | "credit", order: "ASC" | "DESC"): string =>
	`SELECT ${side}_account_id AS accountId, moved_place AS place, id AS transferId, ${side === "debit" ? "-amount" : "amount"} AS amount,
		${side}_balance AS balanceAfter, posted_at_ms AS postedAtMs, kind, state, refunded, reference, details,
		${other}_account_id AS counterpartyId
	 FROM transfers
	 WHERE ${side}_account_id = $accountId AND moved_place > $start AND moved_place < $end
		AND posted_at_ms >= $fromMs AND posted_at_ms < $toMs AND ($kinds IS NULL OR kind IN (SELECT value FROM json_each($kinds)))
	 ORDER BY moved_place ${order} LIMIT $limit`;

/** Of the index only. */
const placesOf = (side: "debit" | "credit"): string =>
	`SELECT moved_place AS place FROM transfers
	 WHERE ${side}_account_id = $accountId AND moved_place > $start AND moved_place < $end ORDER BY moved_place DESC LIMIT $lines`;

const prepare = (db: DatabaseSync) => ({
	account: db.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id = ?`),
	everyAccount: db.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id > ? ORDER BY id LIMIT ?`),
	transfer: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.place / ${POSITIONS} = ? AND t.id = ?`),
	holds: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.state = 'pending'`),
	refunds: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.reference = ? ORDER BY t.place DESC LIMIT ?`),
	newestFirst: db.prepare(lines("DESC")),
	oldestFirst: db.prepare(lines("ASC")),
	lineBack: db.prepare(
		`SELECT place FROM (SELECT * FROM (${placesOf("debit")}) UNION ALL SELECT * FROM (${placesOf("credit")}))
		 ORDER BY place DESC LIMIT 1 OFFSET $lines - 1`,
	),
	madeFrom: db.prepare(
		`SELECT place / ${POSITIONS} AS number, created_at_ms AS atMs FROM transfers WHERE place >= ? ORDER BY place LIMIT 1`,
	),
	totals: db.prepare(
		`SELECT hour * ${HOUR_MS} AS hourMs, kind, side, count, amount FROM hours
		 WHERE account_id = ? AND hour >= ? AND hour < ? ORDER BY hour, kind, side`,
	),
	count: db.prepare("SELECT count(*) AS transfers, 2 * count(moved_place) AS postings FROM transfers"),
});

type Parts = { readonly path: string; readonly locate: Locate; readonly head: Head };
type TransferRow = Omit<Transfer, "details"> & { details: string };

const toTransfer = (row: TransferRow): Transfer => ({ ...row, details: JSON.parse(row.details) as Details });
