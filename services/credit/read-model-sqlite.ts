import type { DatabaseSync } from "node:sqlite";
import { openSqlite } from "../../mixins/sqlite.ts";
import type { Head } from "./journal.ts";
import type { Account, AccountId, Details, Transfer, TransferId } from "./model.ts";
import { ProjectionQueue, QueuedReadModel } from "./projection-queue.ts";
import { HOUR_MS, type ReadModel, type StatementLine, type StatementQuery, type Total } from "./read-model.ts";
import type { ReadModelHandlers } from "./read-model-sqlite-worker.ts";
import { WorkerLink } from "./worker-link.ts";

const limits = {
	batchGroups: 4_096,
	batchBytes: 4_000_000,
	gatherMs: 50,
	backlogBytesMax: 16_000_000,
	reachTimeoutMs: 2_000,
} as const;

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
	protected readonly queue: ProjectionQueue;

	private constructor(link: WorkerLink<ReadModelHandlers>, db: DatabaseSync, head: Head) {
		super();
		this.#link = link;
		this.#db = db;
		this.queue = new ProjectionQueue({ head, write: (groups) => link.call("project", groups), limits });
		this.#statements = prepare(db);
	}

	static async open(path: string): Promise<SqliteReadModel> {
		const link = new WorkerLink<ReadModelHandlers>(new URL("./read-model-sqlite-worker.ts", import.meta.url), { path });
		// The worker makes the file and its tables before it answers.
		const head = await link.call("progress", undefined);
		return new SqliteReadModel(link, openSqlite(path, { readOnly: true }), head);
	}

	async clear(): Promise<void> {
		this.queue.restart(await this.#link.call("clear", undefined));
	}

	async accounts(ids: readonly AccountId[]): Promise<Account[]> {
		return ids.flatMap((id) => (this.#statements.account.get(id) as Account | undefined) ?? []);
	}

	async transfers(ids: readonly TransferId[]): Promise<Transfer[]> {
		return ids.flatMap((id) => (this.#statements.transfer.all(id) as TransferRow[]).map(toTransfer));
	}

	async holds(): Promise<Transfer[]> {
		return (this.#statements.holds.all() as TransferRow[]).map(toTransfer);
	}

	async refundsOf(id: TransferId): Promise<Transfer[]> {
		return (this.#statements.refunds.all(id) as TransferRow[]).map(toTransfer);
	}

	async statement(query: StatementQuery): Promise<StatementLine[]> {
		const { accountId, before, after, kinds, fromMs, toMs, limit } = query;
		const start = after?.place ?? { sequence: 0, position: 0 };
		const end = before ?? { sequence: after ? after.lastSequence + 1 : Number.MAX_SAFE_INTEGER, position: 0 };
		const { newestFirst, oldestFirst } = this.#statements;
		const rows = (after ? oldestFirst : newestFirst).all({
			accountId,
			startSequence: start.sequence,
			startPosition: start.position,
			sequence: end.sequence,
			position: end.position,
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

const lines = (order: "ASC" | "DESC"): string =>
	`SELECT p.account_id AS accountId, p.sequence, p.position, t.id AS transferId, p.amount,
		p.balance_after AS balanceAfter, p.posted_at_ms AS postedAtMs, t.kind, t.state, t.refunded, t.reference, t.details,
		iif(t.debit_account_id = p.account_id, t.credit_account_id, t.debit_account_id) AS counterpartyId
	 FROM postings p JOIN transfers t ON t.place = p.transfer_place
	 WHERE p.account_id = $accountId AND (p.sequence, p.position) > ($startSequence, $startPosition)
		AND (p.sequence, p.position) < ($sequence, $position)
		AND p.posted_at_ms >= $fromMs AND p.posted_at_ms < $toMs
		AND ($kinds IS NULL OR t.kind IN (SELECT value FROM json_each($kinds)))
	 ORDER BY p.sequence ${order}, p.position ${order} LIMIT $limit`;

const prepare = (db: DatabaseSync) => ({
	account: db.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id = ?`),
	everyAccount: db.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id > ? ORDER BY id LIMIT ?`),
	transfer: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.id = ?`),
	holds: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.state = 'pending'`),
	refunds: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.reference = ? ORDER BY t.created_at_ms, t.id`),
	newestFirst: db.prepare(lines("DESC")),
	oldestFirst: db.prepare(lines("ASC")),
	totals: db.prepare(
		`SELECT kind, side, sum(count) AS count, sum(amount) AS amount FROM hours
		 WHERE account_id = ? AND hour >= ? AND hour < ? GROUP BY kind, side ORDER BY kind, side`,
	),
	count: db.prepare(
		"SELECT (SELECT count(*) FROM transfers) AS transfers, (SELECT count(*) FROM postings) AS postings",
	),
});

type TransferRow = Omit<Transfer, "details"> & { details: string };

const toTransfer = (row: TransferRow): Transfer => ({ ...row, details: JSON.parse(row.details) as Details });
