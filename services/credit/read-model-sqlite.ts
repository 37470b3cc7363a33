import type { DatabaseSync } from "node:sqlite";
import { openSqlite } from "../../mixins/sqlite.ts";
import { fail } from "../errors.ts";
import { emptyHead, type Group, type Head } from "./journal.ts";
import type { Account, AccountId, Details, Transfer, TransferId } from "./model.ts";
import { HOUR_MS, type ReadModel, type StatementLine, type StatementQuery, type Total } from "./read-model.ts";
import type { ReadModelHandlers } from "./read-model-sqlite-worker.ts";
import { WorkerLink } from "./worker-link.ts";

/** Written at once: the more, the more share a page, and the longer a reader waits who comes in the middle of it. */
const BATCH_GROUPS = 4_096;
const BATCH_BYTES = 16_000_000;
/** How long groups gather before they are written, while no reader waits for them. */
const GATHER_MS = 50;
/** Bytes of log that may wait in memory before the ledger is held back. */
const BACKLOG_BYTES_MAX = 64_000_000;
/** How long a reader waits for its own writes. */
const REACH_TIMEOUT_MS = 2_000;

const ACCOUNT = `id, kind, owner, floor, state, debits_posted AS debitsPosted, credits_posted AS creditsPosted,
	debits_pending AS debitsPending, credits_pending AS creditsPending`;
const TRANSFER = `t.id, t.kind, t.debit_account_id AS debitAccountId, t.credit_account_id AS creditAccountId, t.amount, t.state,
	t.refunded, t.reference, t.details, t.created_at_ms AS createdAtMs, t.expires_at_ms AS expiresAtMs`;

/**
 * The read model in an SQLite file of its own, which may be deleted at any time. A worker thread writes; reads are answered
 * here from a second connection, which in WAL mode neither waits for the writer nor holds it up.
 */
export class SqliteReadModel implements ReadModel {
	readonly #link: WorkerLink<ReadModelHandlers>;
	readonly #db: DatabaseSync;
	readonly #statements: ReturnType<typeof prepare>;
	#head: Head = emptyHead;
	#backlog: Group[] = [];
	#backlogBytes = 0;
	#writing: Promise<void> | null = null;
	#failure: unknown = null;
	#hurry: () => void = () => {};
	#waiting: { sequence: number; resolve: () => void }[] = [];

	private constructor(link: WorkerLink<ReadModelHandlers>, db: DatabaseSync, head: Head) {
		this.#link = link;
		this.#db = db;
		this.#head = head;
		this.#statements = prepare(db);
	}

	static async open(path: string): Promise<SqliteReadModel> {
		const link = new WorkerLink<ReadModelHandlers>(new URL("./read-model-sqlite-worker.ts", import.meta.url), { path });
		// The worker makes the file and its tables before it answers.
		const head = await link.call("progress", undefined);
		return new SqliteReadModel(link, openSqlite(path, { readOnly: true }), head);
	}

	get head(): Head {
		return this.#head;
	}
	get watermark(): number {
		return this.#head.sequence;
	}
	/** Bytes of log that are not written down yet. */
	get backlogBytes(): number {
		return this.#backlogBytes;
	}

	project(group: Group): void {
		if (group.sequence <= (this.#backlog.at(-1)?.sequence ?? this.#head.sequence)) return;
		this.#backlog.push(group);
		this.#backlogBytes += group.body.length;
		this.#writing ??= this.#write();
	}

	async #write(): Promise<void> {
		try {
			while (this.#backlog.length > 0) {
				await this.#pause();
				const batch = this.#nextBatch();
				this.#head = await this.#link.call("project", batch);
				this.#failure = null;
				this.#backlog.splice(0, batch.length);
				for (const { body } of batch) this.#backlogBytes -= body.length;
				this.#tell();
			}
		} catch (error) {
			// The next group tries again.
			this.#failure = error;
		} finally {
			this.#writing = null;
			this.#tell();
		}
	}

	/** While nobody waits, groups gather: many of them touch the same pages, which are then written once. */
	#pause(): Promise<void> | undefined {
		if (this.#waiting.length > 0 || this.#backlogBytes > BATCH_BYTES) return undefined;
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, GATHER_MS);
			this.#hurry = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	#wait(sequence: number): Promise<void> {
		if (sequence <= this.watermark) return Promise.resolve();
		return new Promise((resolve) => {
			this.#waiting.push({ sequence, resolve });
			this.#hurry();
			// After a failure nothing is being written; whoever asks makes it try again.
			if (this.#backlog.length > 0) this.#writing ??= this.#write();
		});
	}

	#nextBatch(): Group[] {
		let bytes = 0;
		const end = this.#backlog.findIndex((group, index) => {
			bytes += group.body.length;
			return index === BATCH_GROUPS || bytes > BATCH_BYTES;
		});
		return this.#backlog.slice(0, end === -1 ? undefined : Math.max(end, 1));
	}

	#tell(): void {
		const reached = this.#waiting.filter(({ sequence }) => sequence <= this.watermark);
		this.#waiting = this.#waiting.filter(({ sequence }) => sequence > this.watermark);
		for (const { resolve } of reached) resolve();
	}

	async notTooFarBehind(): Promise<void> {
		while (this.#backlogBytes > BACKLOG_BYTES_MAX) {
			if (this.#failure) throw this.#failure;
			await this.#writing;
		}
	}

	async clear(): Promise<void> {
		this.#head = await this.#link.call("clear", undefined);
	}

	async drained(): Promise<void> {
		const last = this.#backlog.at(-1);
		if (!last) return;
		const failed = async () => {
			while (this.#writing) await this.#writing;
			if (this.#failure) throw this.#failure;
		};
		await Promise.race([this.#wait(last.sequence), failed()]);
	}

	async reached(sequence: number): Promise<void> {
		if (sequence <= this.watermark) return;
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(fail("read_model_behind", undefined, { retryAfterS: 1 })), REACH_TIMEOUT_MS);
		});
		await Promise.race([this.#wait(sequence), late]).finally(() => clearTimeout(timer));
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
		const { accountId, before, kinds, fromMs, toMs, limit } = query;
		const end = before ?? { sequence: Number.MAX_SAFE_INTEGER, position: 0 };
		const rows = this.#statements.lines.all({
			accountId,
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
		this.#hurry();
		await this.#writing;
		this.#db.close();
		await this.#link.call("close", undefined);
		await this.#link.close();
	}
}

const prepare = (db: DatabaseSync) => ({
	account: db.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id = ?`),
	everyAccount: db.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id > ? ORDER BY id LIMIT ?`),
	transfer: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.id = ?`),
	holds: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.state = 'pending'`),
	refunds: db.prepare(`SELECT ${TRANSFER} FROM transfers t WHERE t.reference = ? ORDER BY t.created_at_ms, t.id`),
	lines: db.prepare(
		`SELECT p.account_id AS accountId, p.sequence, p.position, t.id AS transferId, p.amount,
			p.balance_after AS balanceAfter, p.posted_at_ms AS postedAtMs, t.kind, t.state, t.refunded, t.reference, t.details,
			iif(t.debit_account_id = p.account_id, t.credit_account_id, t.debit_account_id) AS counterpartyId
		 FROM postings p JOIN transfers t ON t.place = p.transfer_place
		 WHERE p.account_id = $accountId AND (p.sequence, p.position) < ($sequence, $position)
			AND p.posted_at_ms >= $fromMs AND p.posted_at_ms < $toMs
			AND ($kinds IS NULL OR t.kind IN (SELECT value FROM json_each($kinds)))
		 ORDER BY p.sequence DESC, p.position DESC LIMIT $limit`,
	),
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
