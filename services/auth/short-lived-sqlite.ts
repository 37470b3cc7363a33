import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openSqlite, transaction } from "../../mixins/sqlite.ts";
import { type Claiming, type Count, type Counted, isFirstOf, type ShortLived } from "./short-lived.ts";

/** So much of what is over is removed with each call, which adds less than that. */
const REMOVED_MAX = 1_000;

/** In a file of its own, whose commits do not wait for the disk: see `ShortLived` for what that costs. */
export class SqliteShortLived implements ShortLived {
	readonly #db: DatabaseSync;
	readonly #claim: StatementSync;
	readonly #add: StatementSync;
	readonly #read: StatementSync;
	readonly #clear: StatementSync;
	readonly #removeOld: readonly StatementSync[];

	constructor(path: string) {
		this.#db = openSqlite(path, { synchronous: "NORMAL" });
		this.#db.exec(`
			CREATE TABLE IF NOT EXISTS claims (
				key TEXT PRIMARY KEY, until_ms INTEGER NOT NULL, question_id TEXT NOT NULL
			) STRICT, WITHOUT ROWID;
			CREATE INDEX IF NOT EXISTS claims_until ON claims (until_ms);
			CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, count INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
			CREATE INDEX IF NOT EXISTS counters_until ON counters (until_ms);
		`);
		this.#claim = this.#db.prepare(`
			INSERT INTO claims (key, until_ms, question_id) VALUES (?1, ?2, ?4) ON CONFLICT (key) DO UPDATE SET until_ms = ?2, question_id = ?4
				WHERE until_ms <= ?3 OR question_id = ?4
		`);
		this.#add = this.#db.prepare(`
			INSERT INTO counters VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET
				count = CASE WHEN until_ms <= ?4 THEN ?2 ELSE count + ?2 END,
				until_ms = CASE WHEN until_ms <= ?4 THEN ?3 ELSE until_ms END
			RETURNING count, until_ms AS untilMs
		`);
		this.#read = this.#db.prepare("SELECT count FROM counters WHERE key = ? AND until_ms > ?");
		this.#clear = this.#db.prepare("DELETE FROM counters WHERE key = ?");
		this.#removeOld = ["claims", "counters"].map((table) =>
			this.#db.prepare(
				`DELETE FROM ${table} WHERE key IN (SELECT key FROM ${table} WHERE until_ms <= ? ORDER BY until_ms LIMIT ${REMOVED_MAX})`,
			),
		);
	}

	async claim(keys: readonly string[], { nowMs, untilMs, questionId }: Claiming): Promise<boolean[]> {
		return transaction(this.#db, () => {
			this.#removeOld[0]?.run(nowMs);
			const isFirst = isFirstOf(keys);
			return keys.map(
				(key, index) => isFirst(key, index) && this.#claim.run(key, untilMs, nowMs, questionId).changes === 1,
			);
		});
	}

	async add(counts: readonly Count[]): Promise<Counted[]> {
		if (counts.length === 0) return [];
		return transaction(this.#db, () => {
			const [first] = counts;
			if (first) this.#removeOld[1]?.run(first.nowMs);
			return counts.map(({ key, amount, nowMs, untilMs }) => {
				const row = this.#add.get(key, amount, untilMs, nowMs);
				return { count: Number(row?.count), untilMs: Number(row?.untilMs) };
			});
		});
	}

	async read(keys: readonly string[], nowMs: number): Promise<number[]> {
		return keys.map((key) => Number(this.#read.get(key, nowMs)?.count ?? 0));
	}

	async clear(keys: readonly string[]): Promise<void> {
		transaction(this.#db, () => {
			for (const key of keys) this.#clear.run(key);
		});
	}

	async close(): Promise<void> {
		this.#db.close();
	}
}
