import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, newProver } from "../api/client.ts";
import { newPerson } from "../api/people.ts";
import { type Running, startProcess } from "../api/process.ts";

type Line = {
	readonly traceId?: string;
	readonly message: string;
	readonly level: string;
	readonly [field: string]: unknown;
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there.
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
/** What pretends to be a line of its own, moves the cursor, or turns the text around. */
const NASTY = '\r\n{"level":"fatal","message":"forged"}\n\u001b[2J\u009b2K\u0085\u2028\u2029\u202eforged';

describe("the log of a process that is no terminal", () => {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-logs-"));
	let server: Running;
	let anyone: Client;
	const lines = (): Line[] =>
		server
			.stdout()
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
	/** The lines with this trace id, when there is one. */
	const linesOf = async (traceId: string): Promise<Line[]> => {
		for (let found: Line[] = []; ; await sleep(10)) {
			found = lines().filter((line) => line.traceId === traceId);
			if (found.length > 0) return found;
		}
	};

	before(async () => {
		server = await startProcess({ DATA_DIR: dataDir, LOG_LEVEL: "info" });
		anyone = new Client(server.publicUrl, null);
	});
	after(async () => {
		anyone.close();
		server.child.kill("SIGTERM");
		// Rejects when a secret was logged.
		await server.exited;
		rmSync(dataDir, { recursive: true, force: true });
	});

	it("has one line for each request: its route, and never its address", async () => {
		const ada = await newPerson(anyone, { credit: 100 });
		const { headers } = await ada.api.call("user.me", {});
		const [line, ...more] = await linesOf(String(headers["x-request-id"]));
		assert.equal(more.length, 0);
		assert.equal(line?.message, "GET /v1/me");
		assert.deepEqual([line?.level, line?.status, line?.caller], ["info", 200, "person"]);
		assert.equal(typeof line?.ms, "number");
		const { headers: lost } = await anyone.raw({ method: "GET", path: `/v1/users/${ada.handle}/made-up?token=abc` });
		const [refused] = await linesOf(String(lost["x-request-id"]));
		assert.deepEqual([refused?.message, refused?.status, refused?.code], ["OTHER (none)", 404, "not_found"]);
		for (const id of [ada.userId, ada.handle, ada.sessionId, "token=abc"]) assert.ok(!server.stdout().includes(id), id);
	});

	it("cannot be forged by anything that a client says", async () => {
		const path = encodeURIComponent(NASTY);
		const body = (fields: object) => JSON.stringify(fields);
		const json = { "content-type": "application/json" };
		const wires = [
			{ method: "GET", path: `/${path}?q=${path}` },
			{ method: "GET", path: `/v1/users/${path}` },
			{
				method: "GET",
				path: "/v1/me",
				headers: { authorization: `DPoP ${path}`, dpop: path, "user-agent": "\u009b2Kforged" },
			},
			{
				method: "POST",
				path: "/v1/me/charges",
				headers: { ...json, "idempotency-key": path },
				body: body({ amount: NASTY }),
			},
			{
				method: "POST",
				path: "/v1/users",
				headers: json,
				body: body({ handle: NASTY, password: NASTY, displayName: NASTY }),
			},
			{ method: "POST", path: "/v1/users", headers: json, body: body({ [NASTY]: NASTY }) },
			{ method: "POST", path: "/v1/users", headers: json, body: `{${NASTY}` },
			{ method: "POST", path: "/v1/users", headers: { "content-type": `text/${path}` }, body: NASTY },
		];
		const traceIds: string[] = [];
		for (const wire of wires) {
			const { status, headers } = await anyone.raw(wire);
			assert.ok(status >= 400 && status < 500, `${wire.path} ${status}`);
			traceIds.push(String(headers["x-request-id"]));
		}
		const login = await anyone
			.from(await newProver())
			.call("auth.login", { handle: "nobody", password: "forged forged" });
		traceIds.push(String(login.headers["x-request-id"]));
		for (const traceId of traceIds) assert.equal((await linesOf(traceId)).length, 1);
		assert.doesNotMatch(server.stdout(), UNSAFE);
		assert.doesNotMatch(server.stdout(), /forged/);
	});
});
