import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate as othersTurn } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { AdapterBase, checkedDocument } from "./adapter-base.ts";
import type { Adapter, Collection, Index, StoredDocument } from "./database.ts";
import { duplicateKey, writeConflict } from "./document-errors.ts";
import {
	applyChanges,
	type Change,
	checkId,
	checkIds,
	compileQuery,
	fieldSql,
	type Listing,
	orderSql,
	parseListing,
	parseUpdate,
	parseWrite,
	type Sql,
} from "./document-query.ts";
import { openSqlite, transaction } from "./sqlite.ts";

const STATEMENTS_MAX = 500;
/** So many writes are prepared before others have their turn. */
const PREPARED_AT_ONCE = 250;

/**
 * A moleculer-db adapter on SQLite: one collection is one table of JSON documents. An answer to a write means that it is on the
 * disk; everything that writes several documents is one transaction.
 *
 * Reads and transactions are synchronous inside (a read takes microseconds, a commit one fsync) and hence one after the other: no call ever sees
 * half of another. `async` turns whatever they throw into a rejection, as callers of an adapter expect.
 *
 * Hand it to Moleculer only by the `database` mixin: merging schemas clones what is in them, and a clone of this fails.
 */
export class SqliteAdapter extends AdapterBase implements Adapter {
	readonly #path: string;
	readonly #table: string;
	readonly #collection: Collection;
	#connection: Connection | undefined;

	constructor({ path, ...collection }: Collection & { readonly path: string }) {
		super(collection.collection);
		this.#path = resolve(path);
		this.#table = `"${collection.collection}"`;
		this.#collection = collection;
	}

	async connect(): Promise<void> {
		if (this.#connection) return;
		const connection = acquire(this.#path);
		try {
			transaction(connection.db, () => {
				for (const statement of definitions(this.#collection)) connection.db.exec(statement);
			});
		} catch (error) {
			release(connection);
			throw error;
		}
		this.#connection = connection;
	}

	async disconnect(): Promise<void> {
		if (this.#connection) release(this.#connection);
		this.#connection = undefined;
	}

	async find(listing: Listing = {}): Promise<StoredDocument[]> {
		const { query, order, limit, offset } = parseListing(listing);
		const { text, parameters } = compileQuery(query, "list");
		const sql = `SELECT doc FROM ${this.#table} WHERE ${text} ORDER BY ${orderSql(order)} LIMIT ? OFFSET ?`;
		return this.#statement(sql)
			.all(...parameters, limit ?? -1, offset)
			.map(parseRow);
	}

	async findOne(query: object): Promise<StoredDocument | null> {
		return this.#first(compileQuery(query, "address"));
	}

	async findById(id: string): Promise<StoredDocument | null> {
		return this.#first(byId(id));
	}

	async findByIds(ids: readonly string[]): Promise<StoredDocument[]> {
		return checkIds(ids).flatMap((id) => this.#first(byId(id)) ?? []);
	}

	async count(listing: Listing = {}): Promise<number> {
		const { query, limit } = parseListing(listing);
		const { text, parameters } = compileQuery(query, "list");
		const those = `SELECT 1 FROM ${this.#table} WHERE ${text} LIMIT ?`;
		const row = this.#statement(`SELECT count(*) AS count FROM (${those})`).get(...parameters, limit ?? -1);
		return Number(row?.count);
	}

	/** @returns the document as it is stored, with its id */
	async insert(doc: object): Promise<StoredDocument> {
		return parseText(this.#write(() => this.#put(doc)));
	}

	async insertMany(docs: readonly object[]): Promise<StoredDocument[]> {
		return this.#write(() => docs.map((doc) => this.#put(doc))).map(parseText);
	}

	/** @returns how many documents matched. With a version in the query it is an optimistic lock: exactly one caller gets 1. */
	async updateMany(query: object, update: object): Promise<number> {
		const where = compileQuery(query, "address");
		const changes = parseUpdate(update);
		return this.#write(() => this.#update(where, changes).length);
	}

	async updateById(id: string, update: object): Promise<StoredDocument | null> {
		const changes = parseUpdate(update);
		const [text] = this.#write(() => this.#update(byId(id), changes));
		return text === undefined ? null : parseText(text);
	}

	/** @returns how many documents there were */
	async removeMany(query: object): Promise<number> {
		const { text, parameters } = compileQuery(query, "address");
		return Number(this.#statement(`DELETE FROM ${this.#table} WHERE ${text}`).run(...parameters).changes);
	}

	/**
	 * All or nothing.
	 *
	 * @throws WRITE_CONFLICT when an update finds no document that is still as its query says
	 */
	async writeMany(operations: readonly object[]): Promise<void> {
		// Others have their turn while it is prepared. The transaction itself cannot be left in between: what they write would be a part of it.
		const steps: Step[] = [];
		for (const operation of operations) {
			if (steps.length > 0 && steps.length % PREPARED_AT_ONCE === 0) await othersTurn();
			steps.push(stepOf(operation));
		}
		this.#write(() => {
			for (const step of steps) {
				if ("insert" in step) this.#insert(step.insert);
				else if (this.#update(step.where, step.changes).length === 0) throw writeConflict();
			}
		});
	}

	#first({ text, parameters }: Sql): StoredDocument | null {
		const row = this.#statement(`SELECT doc FROM ${this.#table} WHERE ${text} LIMIT 1`).get(...parameters);
		return row ? parseRow(row) : null;
	}

	/** @returns what is stored */
	#put(doc: unknown): string {
		return this.#insert(prepared(doc));
	}

	#insert({ _id, text }: Prepared): string {
		this.#statement(`INSERT INTO ${this.#table} (_id, doc) VALUES (?, ?)`).run(_id, text);
		return text;
	}

	/** @returns what is stored, of each that matched: most who write it know what it is, and need not have it read */
	#update({ text, parameters }: Sql, changes: readonly Change[]): string[] {
		const rows = this.#statement(`SELECT doc FROM ${this.#table} WHERE ${text}`).all(...parameters);
		return rows.map((row) => {
			const doc = parseRow(row);
			applyChanges(doc, changes);
			const changed = JSON.stringify(doc);
			this.#statement(`UPDATE ${this.#table} SET doc = ? WHERE _id = ?`).run(changed, doc._id);
			return changed;
		});
	}

	#write<T>(work: () => T): T {
		try {
			return transaction(this.#open.db, work);
		} catch (error) {
			const fields = duplicateFieldsIn(error);
			throw fields ? duplicateKey(this.#collection.collection, fields) : error;
		}
	}

	#statement(sql: string): StatementSync {
		const { db, statements } = this.#open;
		const cached = statements.get(sql);
		if (cached) return cached;
		const statement = db.prepare(sql);
		statements.set(sql, statement);
		return statement;
	}

	get #open(): Connection {
		if (!this.#connection) throw new Error(`the collection ${this.#table} is not connected`);
		return this.#connection;
	}
}

/** What `compileQuery` makes of it, of which there are several in each request. */
const BY_ID = compileQuery({ _id: "" }, "address").text;
const byId = (id: string): Sql => ({ text: BY_ID, parameters: [JSON.stringify(checkId(id))] });

const parseText = (text: string): StoredDocument => JSON.parse(text);
const parseRow = (row: Record<string, unknown>): StoredDocument => parseText(String(row.doc));

type Prepared = { readonly _id: string; readonly text: string };

function prepared(doc: unknown): Prepared {
	const stored = checkedDocument(doc);
	return { _id: stored._id, text: JSON.stringify(stored) };
}

type Step = { readonly insert: Prepared } | { readonly where: Sql; readonly changes: readonly Change[] };

function stepOf(operation: object): Step {
	const write = parseWrite(operation);
	if ("insert" in write) return { insert: prepared(write.insert) };
	return { where: compileQuery(write.query, "address"), changes: parseUpdate(write.update) };
}

// Tables and indexes

const definitions = ({ collection, indexes = [] }: Collection): string[] => [
	`CREATE TABLE IF NOT EXISTS "${collection}" (_id TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT`,
	...indexes.map((index) => indexDefinition(collection, index)),
];

function indexDefinition(collection: string, { fields, unique }: Index): string {
	const columns = fields.map(fieldSql);
	// The name has all that defines the index, so that another definition never hides behind a name that exists.
	const name = `"${collection} ${unique ? "unique" : "by"} ${fields.join(", ")}"`;
	if (!unique) return `CREATE INDEX IF NOT EXISTS ${name} ON "${collection}" (${columns.join(", ")}, _id)`;
	// SQL's NULL equals nothing, so documents that lack one of the fields do not count. A partial index would say the same in more
	// words, and could not serve a query for the first fields alone.
	return `CREATE UNIQUE INDEX IF NOT EXISTS ${name} ON "${collection}" (${columns.join(", ")})`;
}

const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** SQLite tells only by its message what was violated: "…: index 'users unique handle'" or "…: users._id". */
function duplicateFieldsIn(error: unknown): string[] | undefined {
	const { errcode, message } = error as { errcode?: number; message: string };
	if (errcode !== SQLITE_CONSTRAINT_PRIMARYKEY && errcode !== SQLITE_CONSTRAINT_UNIQUE) return undefined;
	return /index '\S+ unique (.+)'$/.exec(message)?.[1]?.split(", ") ?? ["_id"];
}

// Connections

/** One connection for all collections of a file in this process: they share its cache, its lock and its statements. */
type Connection = {
	readonly path: string;
	readonly db: DatabaseSync;
	readonly statements: LRUCache<string, StatementSync>;
	users: number;
};

const connections = new Map<string, Connection>();

function acquire(path: string): Connection {
	const connection = connections.get(path) ?? open(path);
	connection.users += 1;
	return connection;
}

function open(path: string): Connection {
	// It holds people's data and password hashes: no business of other users of the machine.
	mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
	const statements = new LRUCache<string, StatementSync>({ max: STATEMENTS_MAX });
	const connection = { path, db: openSqlite(path), statements, users: 0 };
	connections.set(path, connection);
	return connection;
}

function release(connection: Connection) {
	connection.users -= 1;
	if (connection.users > 0) return;
	connections.delete(connection.path);
	connection.db.close();
}
