import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { problemOf } from "../errors.ts";
import { onceAnswered } from "./answered.ts";
import { UNANSWERED_MAX } from "./connections.ts";
import { openServer } from "./server.ts";

/** More than what the kernel takes on behalf of a client that reads nothing. */
const LONG = Buffer.alloc(24_000_000);

/** Without what is tested here a connection would never be closed. */
const OR_NEVER = { timeout: 60_000 };

let server: Server;
const opened: Socket[] = [];
afterEach(async () => {
	for (const socket of opened.splice(0)) socket.destroy();
	await new Promise((resolve) => server.close(resolve));
});

/** @param answer gets each request's path */
async function listen(
	answer: (path: string, response: ServerResponse) => void,
	{ stalledAfterMs = 60_000 } = {},
): Promise<void> {
	server = await openServer(
		{
			answer: ({ url = "" }, response) => answer(url, response),
			refuse: (_, response, error) => void response.end(problemOf(error)),
			seeUnreadable: () => {},
			headers: [],
		},
		{ port: 0, host: "127.0.0.1", stalledAfterMs },
	);
}

/** Sends these in one packet, and reads nothing. @returns both ends of the connection; it is before the first request was read */
async function send(...paths: string[]): Promise<{ there: Socket; here: Socket }> {
	const there = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port }).pause();
	there.on("error", () => {});
	opened.push(there);
	there.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: hannip.test\r\n\r\n`).join(""));
	const [here] = (await once(server, "connection")) as [Socket];
	return { there, here };
}

/** Not `once`: it rejects when a client is gone before it has its answer. */
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));
it(
	"a connection that takes nothing of its answer is destroyed; one that waits, or takes it slowly, is not",
	OR_NEVER,
	async () => {
		const answer = (path: string, response: ServerResponse) => {
			// Like a stream of events of which there are none yet.
			if (path === "/quiet") response.write("so far");
			else if (path !== "/later") response.end(LONG);
		};
		await listen(answer, { stalledAfterMs: 800 });
		const waiting = [await send("/quiet"), await send("/later")];
		const { there: slow } = await send("/slow");
		let byteCount = 0;
		const reading = async () => {
			for await (const chunk of slow) {
				byteCount += (chunk as Buffer).length;
				if (byteCount > LONG.length) return;
				await sleep(3);
			}
		};
		const isRead = reading();
		for (let n = 0; n < 2; n++) await closed((await send("/unread")).here);
		await isRead;
		assert.ok(byteCount > LONG.length);
		for (const { here } of waiting) assert.equal(here.destroyed, false);
	},
);

it("what cannot be read any more is no sign of life", OR_NEVER, async () => {
	const answer = (_: string, response: ServerResponse) => void response.end(LONG);
	await listen(answer, { stalledAfterMs: 400 });
	const { there, here } = await send("/");
	const dripping = setInterval(() => there.write("no request\r\n"), 20);
	await closed(here);
	clearInterval(dripping);
});

it("what waits for its answers on one connection is bounded: one more is refused, and nothing behind it begun", async () => {
	const answers: ServerResponse[] = [];
	await listen((_, response) => answers.push(response));
	const { there } = await send(...Array.from({ length: 400 }, (_, n) => `/${n}`));
	await once(server, "request");
	await sleep(0);
	assert.equal(answers.length, UNANSWERED_MAX);
	for (const response of answers) response.end("done");
	let text = "";
	for await (const chunk of there) text += chunk;
	assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, UNANSWERED_MAX + 1);
	assert.equal(text.match(/done/g)?.length, UNANSWERED_MAX);
	assert.match(text, /rate_limited/);
	assert.equal(answers.length, UNANSWERED_MAX);
});

it("as many as one likes are answered one after the other on one connection", async () => {
	await listen((_, response) => void response.end("done"));
	const { there } = await send("/");
	there.resume();
	for (let n = 0; n < UNANSWERED_MAX * 3; n++) {
		await once(there, "data");
		there.write("GET / HTTP/1.1\r\nHost: hannip.test\r\n\r\n");
	}
	assert.match(String(await once(there, "data")), /done/);
});

it("an answer is over once: when its last word is said, however nobody reads it, or when its client is gone", async () => {
	const told: string[] = [];
	await listen((path, response) => {
		onceAnswered(response, () => told.push(path));
		if (path === "/long") response.end(LONG);
		else if (path === "/short") response.end("done");
	});
	const { there, here } = await send("/long", "/long", "/short", "/never");
	await once(server, "request");
	await sleep(0);
	assert.deepEqual(told, ["/long", "/long", "/short"]);
	there.destroy();
	await closed(here);
	await sleep(0);
	assert.deepEqual(told, ["/long", "/long", "/short", "/never"]);
});
