import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import { MongoClient } from "mongodb";
import type { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { claimsOf, entriesOf, type Group, type Journal } from "../../services/credit/journal.ts";
import { MongoJournal } from "../../services/credit/journal-mongo.ts";
import { SqliteJournal } from "../../services/credit/journal-sqlite.ts";
import { ledgerFiles } from "../../services/credit/storage.ts";

/** Where a ledger lies, and what is in its log, read past the service, while it runs. */
export interface Storage {
	/** What the settings must say so that the service uses it. */
	readonly env: NodeJS.ProcessEnv;
	/** What a process must be started by to see it. */
	readonly launcher: readonly string[];
	/** The log as the database has it, every field of it. */
	groups(): Promise<Group[]>;
	/** From now on the database notes what is done to groups that are in the log. */
	watch(): Promise<void>;
	/** What was done to groups that were in the log, in the database's own words. */
	changes(): Promise<unknown[]>;
	/** An empty one of the same kind. */
	another(): Storage;
	journal(): Journal;
	remove(): Promise<void>;
}

/** Puts a log, and nothing that is made from it, into an empty storage. */
export async function fill(storage: Storage, groups: readonly Group[]): Promise<Storage> {
	const journal = storage.journal();
	try {
		for (const group of groups) {
			const answer = await journal.append(group, entriesOf(group).flatMap(claimsOf));
			assert.deepEqual(answer, { result: "appended" }, `group ${group.sequence}`);
		}
	} finally {
		await journal.close();
	}
	return storage;
}

export class SqliteStorage implements Storage {
	readonly #dataDir = mkdtempSync(join(tmpdir(), "hannip-invariants-"));
	readonly #path = ledgerFiles({ dataDir: this.#dataDir }).journal;
	readonly env = { DATA_DIR: this.#dataDir };
	readonly launcher: readonly string[] = [];

	async groups(): Promise<Group[]> {
		return this.#with((db) => {
			const rows = db.prepare("SELECT * FROM ledger_groups ORDER BY sequence").all();
			return rows.map(({ previous_hash: previousHash, committed_at_ms: committedAtMs, body, ...rest }) => ({
				...(rest as Pick<Group, "sequence" | "lane" | "hash">),
				body: body instanceof Uint8Array ? zstdDecompressSync(body).toString() : String(body),
				previousHash: String(previousHash),
				committedAtMs: Number(committedAtMs),
			}));
		});
	}

	async watch(): Promise<void> {
		this.#with((db) =>
			db.exec(`
				CREATE TABLE test_changes (what TEXT, sequence INTEGER);
				CREATE TRIGGER test_update BEFORE UPDATE ON ledger_groups
					BEGIN INSERT INTO test_changes VALUES ('update', OLD.sequence); END;
				CREATE TRIGGER test_delete BEFORE DELETE ON ledger_groups
					BEGIN INSERT INTO test_changes VALUES ('delete', OLD.sequence); END;
			`),
		);
	}

	async changes(): Promise<unknown[]> {
		return this.#with((db) => db.prepare("SELECT * FROM test_changes").all());
	}

	another(): Storage {
		return new SqliteStorage();
	}

	journal(): Journal {
		return new SqliteJournal(this.#path);
	}

	async remove(): Promise<void> {
		rmSync(this.#dataDir, { recursive: true, force: true });
	}

	/** A connection for each look: an open one would keep the file from being closed properly. */
	#with<T>(look: (db: DatabaseSync) => T): T {
		const db = new DatabaseSync(this.#path, { timeout: 5_000 });
		try {
			return look(db);
		} finally {
			db.close();
		}
	}
}

export class MongoStorage implements Storage {
	static #databases = 0;
	readonly #set: ReplicaSet;
	readonly #database = `ledger-${++MongoStorage.#databases}`;
	readonly env: { readonly MONGODB_URI: string };
	readonly launcher = [];

	constructor(set: ReplicaSet) {
		this.#set = set;
		this.env = { MONGODB_URI: set.uri(this.#database) };
	}

	groups(): Promise<Group[]> {
		return this.#with(async (client) => {
			const stored = client.db(this.#database).collection<Omit<Group, "sequence"> & { _id: number }>("ledger_groups");
			const found = await stored.find({}, { sort: { _id: 1 }, readConcern: { level: "majority" } }).toArray();
			return found.map(({ _id: sequence, ...rest }) => ({ sequence, ...rest }));
		});
	}

	/** Nothing to do: it always notes everything. */
	async watch(): Promise<void> {}

	/** The replica set's own log names every document that was ever written, in transactions too, and how. */
	changes(): Promise<unknown[]> {
		return this.#with(async (client) => {
			const oplog = client.db("local").collection("oplog.rs");
			const ns = `${this.#database}.ledger_groups`;
			const found = await oplog.find({ $or: [{ ns }, { "o.applyOps.ns": ns }] }).toArray();
			const operations = found.flatMap((each) => each.o.applyOps ?? [each]).filter((each) => each.ns === ns);
			assert.ok(operations.length > 0, "the oplog does not say how the log was written");
			return operations.filter(({ op }) => op !== "i");
		});
	}

	another(): Storage {
		return new MongoStorage(this.#set);
	}

	journal(): Journal {
		return new MongoJournal(this.env.MONGODB_URI);
	}

	/** Goes with its server. */
	async remove(): Promise<void> {}

	async #with<T>(look: (client: MongoClient) => Promise<T>): Promise<T> {
		const client = new MongoClient(this.env.MONGODB_URI);
		try {
			return await look(client);
		} finally {
			await client.close();
		}
	}
}
