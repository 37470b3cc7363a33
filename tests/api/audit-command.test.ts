import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { freePorts } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { operatorsAreAudited } from "./audit-operators.ts";
import { OPERATOR_TOKEN } from "./client.ts";
import { secretsFor } from "./platform.ts";

const script = join(import.meta.dirname, "../../scripts/audit.ts");
const SECRET = "geheim";
const free = { OPERATOR_TOKEN, PORT: "0", INTERNAL_PORT: "0", PROBE_PORT: "0", LOG_LEVEL: "fatal" };

let folder: string;
/** Where nobody listens. */
let nowhere: string;
before(async () => {
	folder = mkdtempSync(join(tmpdir(), "hannip-audit-"));
	nowhere = `http://127.0.0.1:${(await freePorts(1))[0]}`;
});
after(() => rmSync(folder, { recursive: true, force: true }));

type Ended = { readonly code: number | null; readonly out: string; readonly all: string };

async function audit(internalUrl: string, env: NodeJS.ProcessEnv): Promise<Ended> {
	const child = spawn(
		process.execPath,
		["--disable-warning=ExperimentalWarning", script, "--internal-url", internalUrl],
		{ env: { PATH: process.env.PATH, OPERATOR_TOKEN, ...env }, stdio: ["ignore", "pipe", "pipe"] },
	);
	const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
	const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
	return { code, out, all: out + err };
}

/** The first line says who was asked; `clean` comes last. */
function assertClean({ code, out, all }: Ended, whom: string): void {
	assert.equal(code, 0, all);
	const lines = out.trimEnd().split("\n");
	assert.deepEqual([lines[0], lines.at(-1)], [`audit of ${whom}`, "clean"]);
}

describe("the audit's command says whom it asks:", () => {
	it("the platform, if one runs there, and that it passes over DATA_DIR", async () => {
		const platform = await startPlatform(readSettings({ ...free, DATA_DIR: join(folder, "running") }));
		try {
			const url = String(platform.urls.internal);
			assertClean(await audit(url, {}), `the running platform at ${url}`);
			const other = { DATA_DIR: join(folder, "another"), MONGODB_URI: `mongodb://ada:${SECRET}@127.0.0.1:1/hannip` };
			const asked = await audit(`${url}/`, other);
			assertClean(asked, `the running platform at ${url}; MONGODB_URI and DATA_DIR would be asked if it did not run`);
			assert.ok(!asked.all.includes(SECRET));
		} finally {
			await platform.stop();
		}
	});

	it("the data directory, if none runs", async () => {
		const DATA_DIR = join(folder, "stopped");
		await (await startPlatform(readSettings({ ...free, DATA_DIR }))).stop();
		const whom = `the stopped ledger in DATA_DIR ${DATA_DIR}, since no platform runs at ${nowhere}`;
		assertClean(await audit(nowhere, { DATA_DIR }), whom);
	});

	it("and finds what was changed in the operator log, where nothing is wrong with the ledger", async () => {
		const DATA_DIR = join(folder, "edited");
		const { broker, stop } = await startPlatform(readSettings({ ...free, DATA_DIR }));
		await broker.call(
			"operator.rotateKeys",
			{ reason: "kim's idea" },
			{ meta: { caller: { kind: "operator", name: "lee" } } },
		);
		await stop();
		const whole = await audit(nowhere, { DATA_DIR });
		assert.equal(whole.code, 0, whole.all);
		assert.match(whole.out, /^operator log: 2 lines; head [0-9a-f]{64}$/m);
		const database = new DatabaseSync(join(DATA_DIR, "hannip.sqlite"));
		const { changes } = database.prepare("UPDATE operator_log SET doc = replace(doc, 'kim', 'lee')").run();
		database.close();
		assert.equal(changes, 2);
		const edited = await audit(nowhere, { DATA_DIR });
		assert.equal(edited.code, 1, edited.all);
		assert.match(edited.all, /^WRONG in the operator log: line 1 is not what was hashed$/m);
		assert.doesNotMatch(edited.out, /^clean$/m);
	});

	it("and holds what operators wrote down and what the ledger has of it against each other", () =>
		operatorsAreAudited(readSettings({ ...free, ADJUST_ALONE_MAX: "1000", DATA_DIR: join(folder, "operated") })));

	it("also when it fails, and never a password", async () => {
		const lacking = await audit(nowhere, { DATA_DIR: join(folder, "empty") });
		assert.equal(lacking.code, 1);
		assert.match(lacking.out, /^audit of the stopped ledger in DATA_DIR .*empty, since/);
		const [port] = await freePorts(1);
		const addresses = {
			[`ada:${SECRET}@127.0.0.1:${port}/hannip?tlsCertificateKeyFilePassword=${SECRET}`]: `hannip at 127.0.0.1:${port},`,
			[`ada:${SECRET}@127.0.0.1:${port},127.0.0.1:1/hannip?replicaSet=x`]: `hannip at 127.0.0.1:${port},127.0.0.1:1,`,
			[`ada:x/${SECRET}@127.0.0.1:${port}/hannip`]: `hannip at 127.0.0.1:${port},`,
			[`ada:x?${SECRET}@127.0.0.1:${port}/hannip`]: "of MONGODB_URI,",
		};
		for (const [address, place] of Object.entries(addresses)) {
			const { code, out, all } = await audit(nowhere, { MONGODB_URI: `mongodb://${address}` });
			assert.equal(code, 1, all);
			assert.ok(out.startsWith(`audit of the stopped ledger in the database ${place} since`), out);
			assert.ok(!all.includes(SECRET), all);
		}
		const nameless = await audit(nowhere, { MONGODB_URI: `mongodb://ada:${SECRET}@127.0.0.1:${port}/?replicaSet=x` });
		assert.equal(nameless.code, 1);
		assert.match(nameless.all, /MONGODB_URI is not like/);
		assert.ok(!nameless.all.includes(SECRET), nameless.all);
		const withPassword = await audit(nowhere.replace("://", `://ada:${SECRET}@`), {});
		assert.equal(withPassword.code, 1);
		assert.ok(!withPassword.all.includes(SECRET), withPassword.all);
	});

	it("somebody else on that port is no platform, and no ledger is opened instead", async () => {
		const platform = await startPlatform(readSettings({ ...free, DATA_DIR: join(folder, "other") }));
		try {
			const { code, out, all } = await audit(String(platform.urls.public), { DATA_DIR: join(folder, "stopped") });
			assert.equal(code, 1, all);
			assert.equal(out, "");
			assert.match(all, new RegExp(`^audit: ${RegExp.escape(String(platform.urls.public))} answered 404`));
		} finally {
			await platform.stop();
		}
	});
});

describeOnMongo("the audit's command on MongoDB", () => {
	it("names the database if no platform runs, and what is wrong between both logs", async () => {
		const set = await ReplicaSet.start();
		try {
			const uri = set.uri("audited");
			await (
				await startPlatform(readSettings({ ...free, MONGODB_URI: uri, ...secretsFor({ MONGODB_URI: uri }) }))
			).stop();
			const [, hosts] = /\/\/([^/]+)\//.exec(uri) ?? [];
			const whom = `the stopped ledger in the database audited at ${hosts}, since no platform runs at ${nowhere}`;
			assertClean(await audit(nowhere, { MONGODB_URI: uri }), whom);
			const operated = { MONGODB_URI: set.uri("operated"), ...secretsFor({ MONGODB_URI: uri }) };
			await operatorsAreAudited(readSettings({ ...free, ADJUST_ALONE_MAX: "1000", ...operated }));
		} finally {
			await set.stop();
		}
	});
});
