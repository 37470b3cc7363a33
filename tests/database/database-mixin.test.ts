import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Service, ServiceBroker, type ServiceSchema } from "moleculer";
import {
	type Address,
	database,
	documents,
	type Query,
	type Update,
	type WriteOperation,
} from "../../mixins/database.ts";

const root = mkdtempSync(join(tmpdir(), "hannip-database-"));
after(() => rmSync(root, { recursive: true }));

let folders = 0;
const newFolder = () => join(root, String(++folders));

type User = {
	readonly _id: string;
	readonly handle: string;
	readonly passwordHash: string;
	readonly version: number;
	readonly note?: string;
};

describe("database mixin in a broker", () => {
	const generated = ["find", "count", "list", "create", "insert", "get", "update", "remove"];

	const usersService = (dataDir: string): ServiceSchema => ({
		name: "user",
		mixins: [database({ dataDir }, { collection: "users", indexes: [{ fields: ["handle"], unique: true }] })],
		actions: {
			signUp(this: Service, ctx) {
				return documents<User>(this).insert(ctx.params);
			},
			// The name of a generated action, with nothing of it.
			get(this: Service, ctx) {
				return documents<User>(this).findById(ctx.params.id);
			},
		},
		async started(this: Service) {
			assert.equal(await documents<User>(this).count(), 0, "connected before the service's own `started`");
		},
		async stopped(this: Service) {
			assert.equal(await documents<User>(this).count(), 1, "still connected in the service's own `stopped`");
		},
	});

	function newBroker(events: unknown[] = []) {
		const logged =
			(next: (...call: unknown[]) => unknown) =>
			(...call: unknown[]) => {
				events.push(call);
				return next(...call);
			};
		const middlewares = [{ name: "EventLog", emit: logged, broadcast: logged } as never];
		return new ServiceBroker({ logger: false, cacher: "Memory", middlewares });
	}

	it("connects, serves, broadcasts nothing, and closes the file", async () => {
		const dataDir = newFolder();
		const events: unknown[] = [];
		const broker = newBroker(events);
		const service = broker.createService(usersService(dataDir));
		broker.createService({ name: "store", mixins: [database({ dataDir }, { collection: "stores" })] });
		await broker.start();
		const user = { _id: "u_1", handle: "nip", passwordHash: "secret", version: 1 };
		assert.deepEqual(await broker.call("user.signUp", user), user);
		assert.deepEqual(await broker.call("user.get", { id: "u_1" }), user);
		await assert.rejects(broker.call("user.signUp", { ...user, _id: "u_2" }), {
			type: "DUPLICATE_KEY",
			data: { fields: ["handle"] },
		});
		assert.deepEqual(events, []);
		// moleculer-db's own way, which a service could still take: it tells that something changed, never what.
		const { _create, _remove } = service as unknown as Record<
			string,
			(ctx: unknown, params: unknown) => Promise<unknown>
		>;
		await _create?.call(service, null, { ...user, _id: "u_2", handle: "other" });
		assert.equal(await _remove?.call(service, null, { id: "u_2" }), 1);
		assert.deepEqual(events, [["cache.clean.user"], ["cache.clean.user"]]);
		await broker.stop();
		assert.ok(existsSync(join(dataDir, "hannip.sqlite")));
		assert.ok(!existsSync(join(dataDir, "hannip.sqlite-wal")), "closed");
	});

	it("has all that moleculer-db's own methods ask of an adapter", async () => {
		const broker = newBroker();
		const mixin = database({ dataDir: newFolder() }, { collection: "users" });
		const service = broker.createService({ name: "user", mixins: [mixin] });
		await broker.start();
		const ask = (method: string, params: object) =>
			(service as unknown as Record<string, (ctx: null, params: object) => Promise<unknown>>)[method]?.(null, params);
		const [ada, bob] = [
			{ _id: "u_1", handle: "ada" },
			{ _id: "u_2", handle: "bob" },
		];
		assert.deepEqual(await ask("_insert", { entities: [ada, bob] }), [ada, bob]);
		assert.deepEqual(await ask("_find", { query: { handle: "bob" }, sort: "-_id", limit: 1, offset: 0 }), [bob]);
		assert.deepEqual(await ask("_list", { page: 1, pageSize: 1 }), {
			rows: [ada],
			total: 2,
			page: 1,
			pageSize: 1,
			totalPages: 2,
		});
		assert.equal(await ask("_count", { limit: 1, offset: 1 }), 2);
		assert.deepEqual(await ask("_get", { id: ["u_2", "u_1"], mapping: true }), { u_1: ada, u_2: bob });
		assert.deepEqual(await ask("_update", { id: "u_1", handle: "eve" }), { _id: "u_1", handle: "eve" });
		assert.equal(await ask("_remove", { id: "u_1" }), 1);
		await broker.stop();
	});

	it("gives a service several collections, each by its name", async () => {
		const dataDir = newFolder();
		const broker = newBroker();
		const mixin = database({ dataDir }, { collection: "stores" }, { collection: "products" });
		const store = broker.createService({ name: "store", mixins: [mixin] });
		const other = broker.createService({ name: "other", mixins: [mixin] });
		await broker.start();
		await documents(store, "stores").insert({ _id: "s_1" });
		await documents(store, "products").insertMany([{ _id: "p_1" }, { _id: "p_2" }]);
		await broker.destroyService(other);
		assert.deepEqual([await documents(store, "stores").count(), await documents(store, "products").count()], [1, 2]);
		assert.throws(() => documents(store, "sales"), /no documents sales/);
		assert.throws(() => documents(store), /no documents/, "which one?");
		await broker.stop();
		assert.ok(!existsSync(join(dataDir, "hannip.sqlite-wal")), "closed");
	});

	it("has none of the generated actions, for anybody", async () => {
		const broker = newBroker();
		const dataDir = newFolder();
		const user = broker.createService({ name: "user", mixins: [database({ dataDir }, { collection: "users" })] });
		const store = broker.createService(usersService(dataDir));
		assert.deepEqual(Object.keys(user.actions), []);
		assert.deepEqual(Object.keys(store.actions).toSorted(), ["get", "signUp"]);
		assert.deepEqual(Object.keys(store.schema.actions?.get ?? {}), ["handler"]);
		for (const name of generated) {
			if (name !== "get") await assert.rejects(broker.call(`user.${name}`), { type: "SERVICE_NOT_FOUND" });
		}
	});

	it("fails the start when the file cannot be opened", async () => {
		const dataDir = join(root, "a-file");
		writeFileSync(dataDir, "not a folder");
		const broker = newBroker();
		broker.createService({ name: "user", mixins: [database({ dataDir }, { collection: "users" })] });
		await assert.rejects(broker.start(), /EEXIST|ENOTDIR/);
		await broker.stop();
	});

	it("knows a service without documents", () => {
		const broker = newBroker();
		assert.throws(() => documents(broker.createService({ name: "plain" })), /no documents/);
	});

	it("knows the fields of a document type", () => {
		const queries: Query<User>[] = [
			{ handle: { $in: ["nip"] }, version: { $gt: 1 }, note: null, _id: { $gt: "u_1" } },
			// @ts-expect-error a field that a User does not have
			{ name: "Nip" },
			// @ts-expect-error a type that a handle does not have
			{ handle: 1 },
			// @ts-expect-error an operator that is not in the subset
			{ handle: { $ne: "nip" } },
		];
		const updates: Update<User>[] = [
			{ $set: { handle: "nip" }, $inc: { version: 1 } },
			// @ts-expect-error an id that changes
			{ $set: { _id: "u_2" } },
			// @ts-expect-error an increment of a text
			{ $inc: { handle: 1 } },
			// @ts-expect-error an operator that is not in the subset
			{ $unset: { note: true } },
		];
		const address: Address<User>[] = [
			{ _id: "u_1", version: 1 },
			// @ts-expect-error an operator instead of an id
			{ _id: { $gt: "u_1" } },
		];
		const writes: WriteOperation<User>[] = [
			{ insert: { handle: "nip", passwordHash: "", version: 1 } },
			{ update: { _id: "u_1", version: 1 }, set: { handle: "nip" }, inc: { version: 1 } },
			// @ts-expect-error an update of nobody in particular
			{ update: { version: 1 }, set: { handle: "nip" } },
			// @ts-expect-error an insert without all fields
			{ insert: { handle: "nip" } },
		];
		assert.equal([...queries, ...updates, ...address, ...writes].length, 14);
	});
});
