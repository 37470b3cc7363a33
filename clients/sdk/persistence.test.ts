import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { untilKnown } from "./persistence.ts";
import type { Outcome } from "./problem.ts";
import type { Wire } from "./request.ts";

const read: Wire = { method: "GET", path: "/v1/me" };
const write: Wire = { method: "POST", path: "/v1/stores" };
const money: Wire = { method: "POST", path: "/v1/me/charges", idempotencyKey: "k", statusUrl: "/v1/me/charges/k" };

const said =
	(status: number, body: object, headers: Record<string, string> = {}) =>
	() =>
		Promise.resolve(Response.json(body, { status, headers }));
const problem = (status: number, code: string, headers?: Record<string, string>) =>
	said(status, { code, status }, headers);
const done = said(201, { id: "1" });
const lost = () => Promise.reject(new TypeError("Failed to fetch"));
const cutShort = () => {
	const body = new ReadableStream({
		start: (stream) => {
			stream.enqueue(new TextEncoder().encode('{"id"'));
			stream.error(new TypeError("network error"));
		},
	});
	return Promise.resolve(new Response(body, { headers: { "content-type": "application/json" } }));
};

describe("a request is sent until it is known what became of it:", () => {
	beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
	afterEach(() => mock.timers.reset());

	/** What comes of these answers, the last of which goes on for ever; and how often it was asked. */
	async function outcomeOf(wire: Wire, ...answers: (() => Promise<Response>)[]) {
		let asked = 0;
		const attempt = () => (answers[Math.min(asked++, answers.length - 1)] ?? lost)();
		let outcome: Outcome<unknown> | undefined;
		const over = untilKnown(wire, attempt).then((found) => {
			outcome = found;
		});
		for (let turn = 0; outcome === undefined && turn < 1_000; turn++) {
			await new Promise(setImmediate);
			mock.timers.tick(1_000);
		}
		await over;
		return [outcome?.ok ? "done" : outcome?.problem.code, asked];
	}

	it("what may be repeated is, when the answer was lost or cut short", async () => {
		for (const wire of [read, money]) {
			assert.deepEqual(await outcomeOf(wire, lost, done), ["done", 2]);
			assert.deepEqual(await outcomeOf(wire, cutShort, lost, done), ["done", 3]);
			assert.deepEqual(await outcomeOf(wire, problem(503, "service_unavailable"), done), ["done", 2]);
		}
	});

	it("what may not be repeated is not", async () => {
		assert.deepEqual(await outcomeOf(write, lost, done), ["unreachable", 1]);
		assert.deepEqual(await outcomeOf(write, problem(503, "overloaded"), done), ["overloaded", 1]);
	});

	it("a refusal is an answer", async () => {
		assert.deepEqual(await outcomeOf(money, problem(409, "insufficient_credit"), done), ["insufficient_credit", 1]);
		assert.deepEqual(await outcomeOf(money, lost, problem(409, "account_frozen")), ["account_frozen", 2]);
	});

	it("credit that may have moved is never said not to have", async () => {
		assert.deepEqual(await outcomeOf(money, lost), ["outcome_unknown", 5]);
		assert.deepEqual(await outcomeOf(money, problem(503, "outcome_unknown")), ["outcome_unknown", 5]);
		// What refuses to take it now says nothing of the attempt before.
		assert.deepEqual(await outcomeOf(money, lost, problem(503, "ledger_busy")), ["outcome_unknown", 5]);
		assert.deepEqual(await outcomeOf(money, problem(503, "ledger_busy")), ["ledger_busy", 5]);
	});

	it("nor when it is to be asked for again much later", async () => {
		const later = problem(429, "rate_limited", { "retry-after": "60" });
		assert.deepEqual(await outcomeOf(money, lost, later), ["outcome_unknown", 2]);
		assert.deepEqual(await outcomeOf(money, later), ["rate_limited", 1]);
	});

	it("nor where somebody in between has answered in our place", async () => {
		const page = (status: number) => () =>
			Promise.resolve(new Response("<html>", { status, headers: { "content-type": "text/html" } }));
		assert.deepEqual(await outcomeOf(money, page(504), problem(503, "ledger_unavailable")), ["outcome_unknown", 5]);
		assert.deepEqual(await outcomeOf(money, page(201)), ["outcome_unknown", 5]);
		assert.deepEqual(await outcomeOf(money, page(200), done), ["done", 2]);
		assert.deepEqual(await outcomeOf(money, page(403)), ["not_understood", 1]);
		assert.deepEqual(await outcomeOf(read, page(504)), ["not_understood", 5]);
	});

	it("waits as long as it is asked to, if a person would", async () => {
		const later = { "retry-after": "3" };
		assert.deepEqual(await outcomeOf(money, problem(429, "rate_limited", later), done), ["done", 2]);
		assert.deepEqual(await outcomeOf(read, problem(429, "rate_limited", { "retry-after": "60" }), done), [
			"rate_limited",
			1,
		]);
	});

	it("says so when what answers is not Hannip", async () => {
		const page = () => Promise.resolve(new Response("<html>", { headers: { "content-type": "text/html" } }));
		assert.deepEqual(await outcomeOf(read, page), ["not_understood", 1]);
	});
});
