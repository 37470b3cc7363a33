import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { forEach } from "./load.ts";
import { launch, startProcess } from "./process.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-start-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const newDataDir = (): string => join(folder, String(++folders));

/** Starts it and expects that it gives up. @returns what it wrote to stderr */
async function givesUp(env: NodeJS.ProcessEnv): Promise<string> {
	const startedAt = performance.now();
	const { child, exited, stderr, stdout } = launch({ LOG_LEVEL: "error", DATA_DIR: newDataDir(), ...env });
	const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
	const exit = await exited;
	clearTimeout(late);
	assert.deepEqual(exit, { code: 1, signal: null }, `${JSON.stringify(env)} ${stdout()} ${stderr()}`);
	assert.ok(performance.now() - startedAt < 10_000);
	return stderr();
}

function assertOneClearLine(stderr: string, ...words: readonly (string | RegExp)[]): void {
	assert.match(stderr, /^hannip: [^\n]+\n$/);
	assert.doesNotMatch(stderr, /\n\s+at |\\n\s+at |node_modules|\.ts:\d/);
	for (const word of words) assert.match(stderr, typeof word === "string" ? new RegExp(RegExp.escape(word)) : word);
}

async function somebodyElse() {
	const server = createServer((_, response) => response.end("mine"));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { port: String((server.address() as AddressInfo).port), close: () => server.close() };
}

describe("a start that cannot be says why in one line, and ends with 1:", () => {
	const wrong = [
		{ PORT: "http" },
		{ PORT: "65536" },
		{ PORT: "-1" },
		{ PORT: "80.5" },
		{ INTERNAL_PORT: "x" },
		{ PROBE_PORT: "1e9" },
		{ LOG_LEVEL: "loud" },
		{ LOG_LEVEL: "ERROR" },
		{ PUBLIC_ORIGIN: "hannip.test" },
		{ PUBLIC_ORIGIN: "https://hannip.test/" },
		{ PUBLIC_ORIGIN: "https://hannip.test/path" },
		{ PUBLIC_ORIGIN: "ftp//x" },
		{ SERVICES: "credits" },
		{ SERVICES: "credit,nobody" },
		{ CHARGE_MAX: "0" },
	];
	it("settings that are wrong", async () => {
		await forEach(wrong, 2, async (env) => {
			const [[name, value]] = Object.entries(env) as [[string, string]];
			assertOneClearLine(await givesUp(env), `${name}=`, value.split(",").at(-1) as string);
		});
	});

	it("names what is wrong with an address and never says the password in it", async () => {
		for (const env of [
			{ MONGODB_URI: "mongodb://bob:geheim@host" },
			{ MONGODB_URI: "mongo://bob:geheim@host/hannip" },
			{ MONGODB_URI: "mongodb://bob:gehe im:geheim@:99999/hannip" },
			{ TRANSPORTER: "nats//bob:geheim@host", MONGODB_URI: "mongodb://host/hannip" },
			{ TRANSPORTER: "nats://bob:geheim@host" },
		]) {
			const stderr = await givesUp(env);
			assert.match(stderr, env.TRANSPORTER ? /TRANSPORTER/ : /MONGODB_URI/);
			assert.doesNotMatch(stderr, /geheim/);
		}
	});

	it("several at once: each is named", async () => {
		const stderr = await givesUp({ PORT: "x", LOG_LEVEL: "y", SERVICES: "z" });
		for (const name of ["PORT=x", "LOG_LEVEL=y", "SERVICES=z"]) assert.ok(stderr.includes(name), stderr);
	});

	it("a data directory that cannot be written", async () => {
		const file = join(folder, "a-file");
		writeFileSync(file, "");
		for (const DATA_DIR of [join(file, "below"), file]) {
			assertOneClearLine(await givesUp({ DATA_DIR }), "DATA_DIR", DATA_DIR);
		}
	});

	it("the probes' port in use", async () => {
		const other = await somebodyElse();
		assertOneClearLine(await givesUp({ PROBE_PORT: other.port }), other.port, "EADDRINUSE", "PROBE_PORT");
		other.close();
	});

	it("a gateway's port in use", async () => {
		const other = await somebodyElse();
		try {
			for (const name of ["PORT", "INTERNAL_PORT"]) {
				assertOneClearLine(await givesUp({ [name]: other.port }), other.port, "EADDRINUSE", name);
			}
		} finally {
			other.close();
		}
	});

	it("an address that is not this machine's", async () => {
		assertOneClearLine(await givesUp({ HOST: "203.0.113.7" }), "203.0.113.7");
	});

	it("services that need others, which nobody can bring", async () => {
		for (const SERVICES of ["api", "user,store", "auth"]) assertOneClearLine(await givesUp({ SERVICES }), "SERVICES");
	});

	it("a data directory that another process has: that one goes on", async () => {
		const DATA_DIR = newDataDir();
		const first = await startProcess({ DATA_DIR });
		try {
			assertOneClearLine(await givesUp({ DATA_DIR }), "DATA_DIR", DATA_DIR, /in use/);
			assert.equal((await fetch(`${first.publicUrl}/openapi.json`)).status, 200);
		} finally {
			first.child.kill("SIGTERM");
		}
		assert.deepEqual(await first.exited, { code: 0, signal: null });
		// And whoever comes after it can have it.
		const next = await startProcess({ DATA_DIR });
		next.child.kill("SIGKILL");
		await next.exited;
	});

	it("a data file that is none", async () => {
		const DATA_DIR = mkdtempSync(join(folder, "broken-"));
		writeFileSync(join(DATA_DIR, "hannip.sqlite"), "this is no database, and long enough to be told from one");
		const lines = (await givesUp({ DATA_DIR })).trimEnd().split("\n");
		assert.match(String(lines.at(-1)), /^hannip: .*hannip\.sqlite: .*not a database$/);
	});
});
