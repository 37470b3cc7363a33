import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import type { Collection } from "../../mixins/database.ts";
import { compileQuery, orderSql, type Purpose, parseSort } from "../../mixins/document-query.ts";
import { openSqlite, transaction } from "../../mixins/sqlite.ts";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import { adapterConformance } from "./adapter-conformance.ts";

const root = mkdtempSync(join(tmpdir(), "hannip-database-"));
after(() => rmSync(root, { recursive: true }));

let folders = 0;
const newPath = () => join(root, String(++folders), "hannip.sqlite");

const sharedPath = newPath();
adapterConformance("SQLite", (collection) => new SqliteAdapter({ path: sharedPath, ...collection }));

async function opened(path: string, collection: Collection): Promise<SqliteAdapter> {
	const adapter = new SqliteAdapter({ path, ...collection });
	await adapter.connect();
	return adapter;
}

/** Another process that runs `script` with a connected `adapter`. */
function child({
	path,
	collection,
	script,
	stdout,
}: Record<"path" | "collection" | "script", string> & { stdout: "pipe" | "ignore" }) {
	const module = `
		import { SqliteAdapter } from ${JSON.stringify(new URL("../../mixins/sqlite-adapter.ts", import.meta.url).href)};
		const adapter = new SqliteAdapter(${JSON.stringify({ path, collection })});
		await adapter.connect();
		${script}`;
	return spawn(process.execPath, ["--input-type=module", "-e", module], { stdio: ["ignore", stdout, "inherit"] });
}

describe("SQLite: many writes at once", () => {
	const COUNT = 2_000;

	it("are prepared while others have their turn, and are all or none, also of what those have changed", async (t) => {
		const adapter = await opened(newPath(), { collection: "products" });
		const ids = Array.from({ length: COUNT }, (_, n) => `p_${n}`);
		await adapter.writeMany(ids.map((_id) => ({ insert: { _id, version: 1 } })));
		let turns = 0;
		let changing: Promise<unknown> | undefined;
		const count = () => {
			turns++;
			changing ??= adapter.updateById("p_0", { $inc: { version: 1 } });
			timer = setImmediate(count);
		};
		let timer = setImmediate(count);
		t.after(() => clearImmediate(timer));
		const updates = ids.map((_id) => ({ update: { _id, version: 1 }, inc: { version: 1 } }));
		await assert.rejects(adapter.writeMany(updates.toReversed()), { type: "WRITE_CONFLICT" });
		await changing;
		assert.ok(turns >= 7, `${turns} turns`);
		assert.equal(await adapter.count({ query: { version: 1 } }), COUNT - 1);
		await adapter.disconnect();
	});
});

describe("SQLite: durability", () => {
	it("finds everything after closing and opening again, indexes included", async () => {
		const path = newPath();
		const collection: Collection = { collection: "users", indexes: [{ fields: ["handle"], unique: true }] };
		const before = await opened(path, collection);
		await before.insert({ _id: "u_1", handle: "nip" });
		await before.disconnect();
		const again = await opened(path, collection);
		assert.deepEqual(await again.find(), [{ _id: "u_1", handle: "nip" }]);
		await assert.rejects(again.insert({ _id: "u_2", handle: "nip" }), { type: "DUPLICATE_KEY" });
		await again.disconnect();
	});

	it("keeps what was acknowledged when the process is killed", async () => {
		const path = newPath();
		const script = `
			for (let index = 1; ; index++) {
				await adapter.insert({ _id: "u_" + index });
				await new Promise((written) => process.stdout.write(index + "\\n", written));
			}`;
		const writer = child({ path, collection: "users", script, stdout: "pipe" });
		assert.ok(writer.stdout);
		let output = "";
		for await (const chunk of writer.stdout.setEncoding("utf8")) {
			output += chunk;
			if (output.split("\n").length > 20) writer.kill("SIGKILL");
		}
		if (writer.signalCode === null) await once(writer, "exit");
		assert.equal(writer.signalCode, "SIGKILL");
		// What follows the last line break was cut off by the kill.
		const acknowledged = output.slice(0, output.lastIndexOf("\n")).split("\n");
		const users = await opened(path, { collection: "users" });
		const found = await users.findByIds(acknowledged.map((index) => `u_${index}`));
		assert.equal(found.length, acknowledged.length);
		assert.ok((await users.count()) <= acknowledged.length + 1, "only the last may be unacknowledged");
		await users.disconnect();
	});

	it("lets several processes count with an optimistic lock and loses nothing", async () => {
		const path = newPath();
		const counters = await opened(path, { collection: "counters" });
		await counters.insert({ _id: "c_1", version: 0 });
		const script = `
			let won = 0;
			while (won < 50) {
				const { version } = await adapter.findById("c_1");
				await new Promise(setImmediate);
				won += await adapter.updateMany({ _id: "c_1", version }, { $inc: { version: 1 } });
			}`;
		const children = [1, 2].map(() => child({ path, collection: "counters", script, stdout: "ignore" }));
		const exits = await Promise.all(children.map((process) => once(process, "exit")));
		assert.deepEqual(exits, [
			[0, null],
			[0, null],
		]);
		assert.deepEqual(await counters.findById("c_1"), { _id: "c_1", version: 100 });
		await counters.disconnect();
	});

	it("waits for the disk at each commit", () => {
		const path = join(root, "settings.sqlite");
		const setting = (db: DatabaseSync, name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
		const db = openSqlite(path);
		const settings = ["journal_mode", "synchronous", "busy_timeout", "trusted_schema"].map((name) => setting(db, name));
		assert.deepEqual(settings, ["wal", 2, 5000, 0]);
		const relaxed = openSqlite(path, { synchronous: "NORMAL" });
		assert.equal(setting(relaxed, "synchronous"), 1);
		const reader = openSqlite(path, { readOnly: true });
		assert.throws(() => reader.exec("CREATE TABLE t (a)"), /readonly/);
		for (const each of [reader, relaxed, db]) each.close();
	});

	it("lets only this user into the folder", async () => {
		const path = newPath();
		const adapter = await opened(path, { collection: "users" });
		assert.equal(statSync(join(path, "..")).mode & 0o077, 0);
		await adapter.disconnect();
	});
});

describe("SQLite: transactions", () => {
	const withTable = () => {
		const db = openSqlite(join(root, `transactions-${++folders}.sqlite`));
		db.exec("CREATE TABLE t (a INTEGER PRIMARY KEY)");
		return db;
	};
	const count = (db: DatabaseSync) => db.prepare("SELECT count(*) AS n FROM t").get()?.n;

	it("commits all, or nothing when the work throws", () => {
		const db = withTable();
		assert.equal(
			transaction(db, () => db.prepare("INSERT INTO t VALUES (1), (2)").run().changes),
			2,
		);
		const failure = new Error("no");
		const work = () => {
			db.exec("INSERT INTO t VALUES (3)");
			throw failure;
		};
		assert.throws(
			() => transaction(db, work),
			(error) => error === failure,
		);
		assert.equal(count(db), 2);
		assert.equal(db.isTransaction, false);
		db.close();
	});

	it("does not hide the first error behind a rollback that fails", () => {
		const db = withTable();
		const failure = new Error("the first");
		const work = () => {
			// As SQLite itself does when the disk is full.
			db.exec("ROLLBACK");
			throw failure;
		};
		assert.throws(
			() => transaction(db, work),
			(error) => error === failure,
		);
		transaction(db, () => db.exec("INSERT INTO t VALUES (1)"));
		assert.equal(count(db), 1);
		db.close();
	});

	it("has the lock from its first moment", () => {
		const path = join(root, `lock-${++folders}.sqlite`);
		const db = openSqlite(path);
		const impatient = new DatabaseSync(path, { timeout: 0 });
		transaction(db, () => assert.throws(() => impatient.exec("BEGIN IMMEDIATE"), /locked/));
		impatient.exec("BEGIN IMMEDIATE; ROLLBACK");
		impatient.close();
		db.close();
	});

	it("refuses work that is not finished when it returns", () => {
		const db = withTable();
		const work = async () => db.exec("INSERT INTO t VALUES (1)");
		assert.throws(() => transaction(db, work), TypeError);
		assert.equal(count(db), 0);
		db.close();
	});

	it("lets a transaction inside of another fail, and the outer one with it", () => {
		const db = withTable();
		const nested = () => {
			db.exec("INSERT INTO t VALUES (1)");
			transaction(db, () => db.exec("INSERT INTO t VALUES (2)"));
		};
		assert.throws(() => transaction(db, nested), /within a transaction/);
		assert.equal(count(db), 0);
		db.close();
	});
});

describe("SQLite: indexes", () => {
	const collection: Collection = {
		collection: "products",
		indexes: [{ fields: ["storeId", "sku"], unique: true }, { fields: ["storeId", "createdAtMs"] }],
	};

	/** The plan for the SQL that find() would run. */
	function planOf(db: DatabaseSync, query: object, sort?: string, purpose: Purpose = "list"): string {
		const { text, parameters } = compileQuery(query, purpose);
		const sql = `EXPLAIN QUERY PLAN SELECT doc FROM "products" WHERE ${text} ORDER BY ${orderSql(parseSort(sort))} LIMIT ?`;
		return db
			.prepare(sql)
			.all(...parameters, 10)
			.map(({ detail }) => detail)
			.join("; ");
	}

	it("serve equality, ranges, lists, null and order", async () => {
		const path = newPath();
		const adapter = await opened(path, collection);
		const db = openSqlite(path, { readOnly: true });
		const uses = (index: string, query: object, sort?: string) => {
			const plan = planOf(db, query, sort);
			assert.match(plan, new RegExp(`SEARCH products USING INDEX ${index}`), JSON.stringify(query));
			assert.doesNotMatch(plan, /SCAN products/);
			return plan;
		};
		const unique = "products unique storeId, sku \\(<expr>=\\? AND <expr>=\\?\\)";
		uses(unique, { storeId: "s_1", sku: "A" });
		uses(unique, { storeId: "s_1", sku: { $in: ["A", "B"] } });
		uses(unique, { storeId: "s_1", sku: "A", price: { $gt: 1 } });
		const byTime = "products by storeId, createdAtMs";
		uses("products (unique|by) storeId, ", { storeId: "s_1" });
		assert.doesNotMatch(uses("products unique", { storeId: "s_1" }, "sku"), /TEMP B-TREE FOR ORDER BY/);
		uses(`${byTime} \\(<expr>=\\? AND <expr>>\\? AND <expr><\\?\\)`, {
			storeId: "s_1",
			createdAtMs: { $gte: 1, $lt: 2 },
		});
		uses(byTime, { storeId: "s_1", createdAtMs: null });
		for (const sort of ["createdAtMs", "-createdAtMs"]) {
			assert.doesNotMatch(uses(byTime, { storeId: "s_1" }, sort), /TEMP B-TREE/, "the index has the order");
		}
		assert.doesNotMatch(planOf(db, { _id: { $gt: "p_1" } }, "_id"), /SCAN|TEMP B-TREE/);
		const nextPage = { storeId: "s_1", createdAtMs: 5, _id: { $gt: "p_9" } };
		uses(`${byTime} \\(<expr>=\\? AND <expr>=\\? AND _id>\\?\\)`, nextPage, "_id");
		assert.match(planOf(db, { _id: "p_1" }, undefined, "address"), /SEARCH .*\(_id=\?\)/);
		assert.match(planOf(db, { _id: { $in: ["p_1", "p_2"] } }), /SEARCH .*\(_id=\?\)/);
		assert.match(planOf(db, { price: 1 }), /SCAN products/, "the check can fail");
		db.close();
		await adapter.disconnect();
	});

	it("count texts without reading a document", async () => {
		const path = newPath();
		const adapter = await opened(path, collection);
		const db = openSqlite(path, { readOnly: true });
		const { text, parameters } = compileQuery({ storeId: "s_1" }, "list");
		const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT count(*) FROM "products" WHERE ${text}`).all(...parameters);
		assert.match(JSON.stringify(plan), /USING COVERING INDEX products/);
		db.close();
		await adapter.disconnect();
	});

	it("refuse names that are not fields", async () => {
		for (const field of ["a') --", "a b", "__proto__", "", "_id.x"]) {
			const adapter = new SqliteAdapter({ path: newPath(), collection: "products", indexes: [{ fields: [field] }] });
			await assert.rejects(adapter.connect(), TypeError);
		}
		for (const name of ['a"; --', "", "Users", "sqlite x", "a.b"]) {
			assert.throws(() => new SqliteAdapter({ path: newPath(), collection: name }), TypeError);
		}
	});
});

/** How often this process has a file open (Linux only). */
const openFiles = (path: string) =>
	readdirSync("/proc/self/fd").filter((descriptor) => {
		const link = join("/proc/self/fd", descriptor);
		// The descriptor that lists the folder is gone by now.
		return existsSync(link) && readlinkSync(link) === realpathSync(path);
	}).length;

describe("SQLite: one file", () => {
	it("holds several collections and is closed by the last that leaves", async () => {
		const path = newPath();
		const [users, stores] = [await opened(path, { collection: "users" }), await opened(path, { collection: "stores" })];
		await stores.connect();
		await users.insert({ _id: "same" });
		if (process.platform === "linux") assert.equal(openFiles(path), 1, "one connection for both");
		await stores.insert({ _id: "same", name: "Nip" });
		assert.deepEqual(await users.find(), [{ _id: "same" }]);
		await users.disconnect();
		await users.disconnect();
		await assert.rejects(users.find(), /not connected/);
		await stores.insert({ _id: "another" });
		assert.ok(existsSync(`${path}-wal`), "open");
		await stores.disconnect();
		assert.ok(!existsSync(`${path}-wal`), "closed: SQLite folds the log into the file then");
		const db = new DatabaseSync(path);
		assert.deepEqual({ ...db.prepare("SELECT count(*) AS n FROM stores").get() }, { n: 2 });
		db.close();
	});

	it("gives the connection back when connecting fails", async () => {
		const path = newPath();
		const users = await opened(path, { collection: "users" });
		await users.insertMany([
			{ _id: "u_1", handle: "nip" },
			{ _id: "u_2", handle: "nip" },
		]);
		const strict = new SqliteAdapter({ path, collection: "users", indexes: [{ fields: ["handle"], unique: true }] });
		await assert.rejects(strict.connect(), /UNIQUE/);
		await strict.disconnect();
		assert.equal(await users.count(), 2);
		await users.disconnect();
		assert.ok(!existsSync(`${path}-wal`), "closed");
	});
});

it("what nobody asked to have back is not read again", async (t) => {
	const adapter = await opened(newPath(), { collection: "products" });
	const parse = t.mock.method(JSON, "parse");
	await adapter.writeMany(Array.from({ length: 100 }, (_, n) => ({ insert: { _id: `p_${n}` } })));
	assert.equal(parse.mock.callCount(), 0);
	await adapter.disconnect();
});
