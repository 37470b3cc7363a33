import { DatabaseSync } from "node:sqlite";
import { LRUCache } from "lru-cache";
import { keyOf } from "./journal.ts";

/** SQLite's pages in memory, those of all maps and sets together. */
const PAGES_KB_MAX = 64_000;
/** Values of one map in memory. */
const LATELY_MAX = 16_384;

/**
 * What grows with the log, in a file: memory stays as it is, whatever the size of the log.
 *
 * The file is one of SQLite's own temporary ones, which have no name and are gone with the process, however that ends. They lie in
 * `SQLITE_TMPDIR`, or else in `TMPDIR`, `/var/tmp` or `/tmp`; a small log is never written there.
 */
export class Scratch {
	readonly #db = new DatabaseSync("");
	#tables = 0;

	constructor() {
		// One transaction without end: nothing here is ever committed, let alone synced.
		this.#db.exec(`PRAGMA cache_size = -${PAGES_KB_MAX}; BEGIN`);
	}

	map<Value extends Named>(): ScratchMap<Value> {
		return new ScratchMap(this.#db, `map${++this.#tables}`);
	}

	set(): ScratchSet {
		return new ScratchSet(this.#db, `set${++this.#tables}`);
	}

	close(): void {
		this.#db.close();
	}
}

/** Strings, of which only a digest is kept: two that meet in 128 bits are taken for one. */
class ScratchSet {
	readonly #add: ReturnType<DatabaseSync["prepare"]>;

	constructor(db: DatabaseSync, table: string) {
		db.exec(`CREATE TABLE ${table} (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID`);
		this.#add = db.prepare(`INSERT INTO ${table} VALUES (?) ON CONFLICT DO NOTHING`);
	}

	/** @returns whether it was not there before */
	add(id: string): boolean {
		return this.#add.run(keyOf(id)).changes === 1;
	}
}

type Named = { readonly id: string };
/** Also what is known not to be there. */
type Lately<Value> = { readonly value: Value | undefined; readonly isWritten: boolean };

/** Values that JSON can carry. Those used lately are in memory, too, so a value that was taken out must not be changed, but set anew. */
export class ScratchMap<Value extends Named> {
	readonly #sql: ReturnType<typeof prepare>;
	readonly #lately = new LRUCache<Value["id"], Lately<Value>>({
		max: LATELY_MAX,
		dispose: (lately, _, reason) => {
			if (reason === "evict") this.#write(lately);
		},
	});
	#size = 0;

	constructor(db: DatabaseSync, table: string) {
		// Not sorted by the key, which is random: new values go to the end, and only the small index is written all over.
		db.exec(`CREATE TABLE ${table} (key BLOB PRIMARY KEY, value TEXT NOT NULL) STRICT`);
		this.#sql = prepare(db, table);
	}

	get size(): number {
		return this.#size;
	}

	get(id: Value["id"]): Value | undefined {
		const lately = this.#lately.get(id);
		if (lately) return lately.value;
		const row = this.#sql.get.get(keyOf(id)) as Row | undefined;
		const value = row && (JSON.parse(row.value) as Value);
		this.#lately.set(id, { value, isWritten: true });
		return value;
	}

	has(id: Value["id"]): boolean {
		return this.get(id) !== undefined;
	}

	/** @param value whose id is new here */
	add(value: Value): void {
		this.#size++;
		this.set(value);
	}

	/** @param value whose id is here */
	set(value: Value): void {
		this.#lately.set(value.id, { value, isWritten: false });
	}

	/** @param id is here */
	delete(id: Value["id"]): void {
		this.#size--;
		this.#lately.delete(id);
		this.#sql.delete.run(keyOf(id));
	}

	/** In no order. */
	*[Symbol.iterator](): Generator<[Value["id"], Value]> {
		for (const lately of this.#lately.values()) this.#write(lately);
		for (const row of this.#sql.all.iterate() as Iterable<Row>) {
			const value = JSON.parse(row.value) as Value;
			yield [value.id, value];
		}
	}

	#write({ value, isWritten }: Lately<Value>): void {
		if (value && !isWritten) this.#sql.set.run(keyOf(value.id), JSON.stringify(value));
	}
}

type Row = { readonly value: string };

const prepare = (db: DatabaseSync, table: string) => ({
	get: db.prepare(`SELECT value FROM ${table} WHERE key = ?`),
	set: db.prepare(`INSERT INTO ${table} VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`),
	delete: db.prepare(`DELETE FROM ${table} WHERE key = ?`),
	all: db.prepare(`SELECT value FROM ${table}`),
});
