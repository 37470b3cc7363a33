import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { MongoClient } from "mongodb";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { freePorts } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { Client, OPERATOR_TOKEN, operatorAt, PUBLIC_ORIGIN } from "./client.ts";
import { newPerson, newShop, PASSWORD, type Person, type Shop, sell } from "./people.ts";
import { secretsFor, unlimited } from "./platform.ts";

const free = { PORT: "0", INTERNAL_PORT: "0", PROBE_PORT: "0", LOG_LEVEL: "fatal", PUBLIC_ORIGIN, ...unlimited };

let folder: string;
/** Where nobody listens. */
let nowhere: string;
before(async () => {
	folder = mkdtempSync(join(tmpdir(), "hannip-backup-"));
	nowhere = `http://127.0.0.1:${(await freePorts(1))[0]}`;
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function run(
	name: "audit" | "backup" | "rebuild" | "restore",
	env: NodeJS.ProcessEnv,
	...args: readonly string[]
) {
	const script = join(import.meta.dirname, `../../scripts/${name}.ts`);
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
		env: { PATH: process.env.PATH, OPERATOR_TOKEN, ...env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
	const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
	return { code, all: out + err };
}

async function ran(...args: Parameters<typeof run>): Promise<string> {
	const { code, all } = await run(...args);
	assert.equal(code, 0, all);
	return all;
}

async function start(env: NodeJS.ProcessEnv) {
	const platform = await startPlatform(readSettings({ ...free, ...secretsFor(env), ...env }));
	const anyone = new Client(String(platform.urls.public), null);
	const operator = operatorAt(String(platform.urls.internal));
	return {
		anyone,
		operator,
		stop: async () => {
			for (const client of [anyone, operator]) client.close();
			await platform.stop();
		},
	};
}

/** Everybody pays everybody, until told to end. @returns how much had come to the store when */
function busy(shop: Shop, people: readonly Person[]) {
	const told = { acknowledged: 0, isOver: false };
	const ended = Promise.all(
		people.map(async (person, index) => {
			for (let count = 0; !told.isOver; count++) {
				await sell(shop, person, `sale-${index}-${count}`);
				told.acknowledged += 1_000;
			}
		}),
	);
	return {
		told,
		until: async (acknowledged: number) => {
			while (told.acknowledged < acknowledged)
				await Promise.race([new Promise((resolve) => setTimeout(resolve, 10)), ended]);
		},
		end: async () => {
			told.isOver = true;
			await ended;
		},
	};
}

/** Pays, backs up meanwhile, restores to another place, audits that, and goes on there. */
async function comesBack(from: NodeJS.ProcessEnv, to: NodeJS.ProcessEnv, file: string): Promise<void> {
	const before = await start(from);
	const people = await Promise.all(["Ada", "Bob"].map((name) => newPerson(before.anyone, { name, credit: 900_000 })));
	const eun = await newPerson(before.anyone, { name: "Eun" });
	const shop = await newShop(eun);
	const [ada] = people as [Person];
	const charge = { idempotencyKey: "before-the-backup", amount: 5 };
	const charged = await ada.api.ok("user.charge", charge);
	const paying = busy(shop, people);
	const operating = (async () => {
		for (let round = 0; !paying.told.isOver; round++)
			await before.operator.ok(round % 2 ? "operator.unfreeze" : "operator.freeze", {
				accountId: eun.wallet,
				reason: "while it is backed up",
			});
	})();
	await paying.until(5_000);
	const sure = paying.told.acknowledged;
	assert.match(await ran("backup", from, file), /log up to group \d+, [0-9a-f]{64}/);
	const most = paying.told.acknowledged + people.length * 1_000;
	await paying.until(most + 3_000);
	await paying.end();
	await operating;
	await before.stop();

	await ran("restore", to, file);
	const audited = await ran("audit", to, "--internal-url", nowhere);
	assert.match(audited, /^operator log: \d{2,} lines[\s\S]*^clean$/m);
	// As if only the read model had been damaged.
	assert.match(await ran("rebuild", to), /^rebuilt up to group \d+: /m);
	const again = await start(to);
	try {
		const taken = (await again.operator.ok("credit.account", { accountId: shop.account })).balance;
		assert.ok(taken >= sure && taken <= most, `${sure} <= ${taken} <= ${most}`);
		const phone = again.anyone.from(ada.prover);
		const { accessToken } = await phone.ok("auth.login", { handle: ada.handle, password: PASSWORD });
		// Whoever never heard of it asks again, and it is not booked again.
		const balance = async () => (await again.operator.ok("credit.account", { accountId: ada.wallet })).balance;
		const had = await balance();
		assert.equal((await phone.as(accessToken).ok("user.charge", charge)).id, charged.id);
		const other = await phone.as(accessToken).call("user.charge", { ...charge, amount: 6 });
		assert.deepEqual([other.status, await balance()], [422, had]);
		await phone.as(accessToken).ok("user.charge", { amount: 1 });
		assert.equal(await balance(), had + 1);
		const { items } = await phone.as(accessToken).ok("user.listTransactions", { limit: 1 });
		assert.equal(items[0]?.kind, "charge");
		assert.equal((await again.operator.ok("credit.audit", {})).clean, true);
	} finally {
		await again.stop();
	}
}

describe("a backup of the files, made while people pay,", () => {
	it("is restored, is clean, and goes on", async () => {
		const [DATA_DIR, other, file] = ["first", "second", "backup.sqlite"].map((name) => join(folder, name)) as [
			string,
			string,
			string,
		];
		// Secrets are kept apart from it.
		const secrets = { KEY_SECRET: "k".repeat(40), WEBHOOK_SECRET: "w".repeat(40) };
		await comesBack({ DATA_DIR, ...secrets }, { DATA_DIR: other, ...secrets }, file);
		const taken = await run("restore", { DATA_DIR: other }, file);
		assert.equal(taken.code, 1);
		assert.match(taken.all, /is there already; restore into an empty DATA_DIR/);
		const written = await run("backup", { DATA_DIR }, file);
		assert.equal(written.code, 1);
		assert.match(written.all, /is there already; nothing was written/);
	});

	it("is not restored when it is damaged, and nothing is left", async () => {
		const bytes = readFileSync(join(folder, "backup.sqlite"));
		const damaged = join(folder, "damaged.sqlite");
		const DATA_DIR = join(folder, "third");
		for (const broken of [bytes.subarray(0, bytes.length / 2), bytes.fill(7, 8_192, 12_288), Buffer.from("nothing")]) {
			writeFileSync(damaged, broken);
			const { code, all } = await run("restore", { DATA_DIR }, damaged);
			assert.equal(code, 1, all);
			assert.match(all, /is no whole backup/);
			assert.equal(existsSync(join(DATA_DIR, "hannip.sqlite")), false);
		}
		assert.match((await run("restore", { DATA_DIR }, join(folder, "none"))).all, /there is no/);
		assert.match((await run("backup", { DATA_DIR }, join(folder, "none"))).all, /there is no ledger/);
	});
});

describeOnMongo("a backup of MongoDB, made while people pay,", () => {
	let set: ReplicaSet;
	let client: MongoClient;
	const at = (name: string) => ({ MONGODB_URI: set.uri(name) });
	before(async () => {
		set = await ReplicaSet.start();
		client = await MongoClient.connect(set.uri("first"));
	});
	after(async () => {
		await client?.close();
		await set?.stop();
	});

	it("is restored, is clean, and goes on; not over anything, and not if it was cut off", async () => {
		const file = join(folder, "backup.gz");
		await comesBack(at("first"), at("second"), file);
		assert.match((await run("restore", at("second"), file)).all, /already; restore into an empty one/);
		const cut = join(folder, "cut.gz");
		writeFileSync(cut, readFileSync(file).subarray(0, -64));
		const { code, all } = await run("restore", at("third"), cut);
		assert.equal(code, 1, all);
		await client.db().collection<{ _id: number }>("ledger_groups").deleteOne({ _id: 3 });
		const holed = await run("backup", at("first"), join(folder, "holed.gz"));
		assert.match(holed.all, /the log lacks group 3/);
		assert.equal(existsSync(join(folder, "holed.gz")), false);
	});
});
