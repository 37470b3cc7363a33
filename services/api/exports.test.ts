import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, it } from "node:test";
import { Exports } from "./exports.ts";

const PAGES = 1_000;
/** Together more than a connection has room for. */
const PAGE = `${"한".repeat(20_000)}\r\n`;

type Page = { readonly csv: string; readonly nextCursor: string | null };
const pageAt = (n: number): Page => ({ csv: `${n},${PAGE}`, nextCursor: n + 1 < PAGES ? String(n + 1) : null });

let server: ReturnType<typeof createServer>;
let asked: number;
let hasGone: Promise<unknown>;
let cutOff: unknown[];
afterEach(() => server.close().closeAllConnections());

/** @param ask gives the page that begins there */
async function serve(ask = async (cursor: string) => pageAt(Number(cursor))): Promise<number> {
	const exports = new Exports();
	asked = 0;
	cutOff = [];
	server = createServer((req, res: ServerResponse) => {
		hasGone = once(res, "close");
		try {
			exports.send(res, {
				who: String(req.url),
				first: pageAt(0),
				ask(cursor) {
					asked++;
					return ask(cursor);
				},
				onCutOff: (error) => cutOff.push(error),
			});
		} catch (error) {
			res.writeHead(503).end((error as { type?: string }).type);
		}
	});
	await once(server.listen(0, "127.0.0.1"), "listening");
	return (server.address() as AddressInfo).port;
}

async function begin(port: number, path = "/ada"): Promise<IncomingMessage> {
	const request = get({ port, host: "127.0.0.1", path, agent: false });
	request.on("error", () => {});
	const [answer] = await once(request, "response");
	return answer as IncomingMessage;
}

/** Until no more are asked for. */
async function untilAskedNoMore(): Promise<number> {
	for (let before = -1; before !== asked; ) {
		before = asked;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	return asked;
}

describe("a file of many pages", () => {
	it("arrives whole and in order", async () => {
		const lines = (await text(await begin(await serve()))).split("\r\n");
		assert.deepEqual(
			lines.map((line) => line.split(",", 1)[0]),
			[...Array.from({ length: PAGES }, (_, n) => String(n)), ""],
		);
		assert.equal(asked, PAGES - 1);
	});

	it("is made no faster than it is taken, and not at all for those who have gone", async () => {
		const answer = await begin(await serve());
		const waiting = await untilAskedNoMore();
		assert.ok(waiting < PAGES / 2, `${waiting} pages were made for somebody who takes none`);
		answer.destroy();
		await hasGone;
		const made = asked;
		assert.equal(await untilAskedNoMore(), made);
		assert.deepEqual(cutOff, []);
	});

	it("is no file when it cannot be made to its end", async () => {
		const port = await serve(async (cursor) =>
			cursor === "20" ? Promise.reject(new Error("lost")) : pageAt(Number(cursor)),
		);
		const answer = await begin(port);
		await assert.rejects(text(answer), { code: "ECONNRESET" });
		assert.equal(answer.complete, false);
		assert.deepEqual(cutOff, [new Error("lost")]);
	});

	it("is refused where a client could not tell a part from all of it", async () => {
		const socket = connect(await serve(), "127.0.0.1");
		socket.write("GET /ada HTTP/1.0\r\n\r\n");
		assert.match(await text(socket), /^HTTP\/1.1 503 .*\r\n\r\nvalidation_failed$/s);
		assert.equal(asked, 0);
	});

	it("is one at a time for each, and then the next", async () => {
		const port = await serve();
		const first = await begin(port);
		assert.equal(await text(await begin(port)), "overloaded");
		assert.equal((await text(await begin(port, "/bob"))).length, (await text(first)).length);
		assert.equal((await begin(port)).statusCode, 200);
	});

	it("lets others have their turn between two pages", async () => {
		let turns = 0;
		const count = () => {
			turns += 1;
			timer = setImmediate(count);
		};
		let timer = setImmediate(count);
		await text(await begin(await serve()));
		clearImmediate(timer);
		assert.ok(turns >= PAGES - 1, `${turns} turns`);
	});
});
