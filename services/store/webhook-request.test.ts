import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { it } from "node:test";
import { send } from "./webhook-request.ts";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
const HINT = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n";

/** Writes for as long as somebody reads. */
const endlessly = (text: string) => (socket: Socket) => {
	const writing = setInterval(() => socket.write(text), 1);
	socket.once("close", () => clearInterval(writing));
};

/** What receivers do, and what their owner is told that they answered. */
const strange: Record<string, [(socket: Socket) => void, number | null, string | null]> = {
	"101": [(socket) => socket.write(SWITCHING), 101, "answered 101"],
	"101, and hangs up": [(socket) => socket.end(SWITCHING), 101, "answered 101"],
	"101, and bytes behind it": [(socket) => socket.write(`${SWITCHING}abc`), 101, "answered 101"],
	"101 without a protocol": [(socket) => socket.write("HTTP/1.1 101 X\r\n\r\n"), 101, "answered 101"],
	"200 with another protocol": [
		(socket) => socket.write("HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
		200,
		null,
	],
	"hints without end": [endlessly(HINT), null, "could not be reached"],
	"some hints, and then an answer": [(socket) => socket.write(`${HINT.repeat(3)}HTTP/1.1 200 OK\r\n\r\n`), 200, null],
	"a body without end": [endlessly("HTTP/1.1 200 OK\r\n\r\n"), 200, null],
	"half an answer, then silence": [(socket) => socket.write("HTTP/1.1 200 OK\r\nX: "), null, "did not answer in time"],
	silence: [() => {}, null, "did not answer in time"],
	"half an answer, then the end": [(socket) => socket.end("HTTP/1.1 200 OK\r\nX: "), null, "broke the connection off"],
	"the end before anything": [(socket) => socket.end(), null, "broke the connection off"],
	"a reset": [(socket) => socket.resetAndDestroy(), null, "broke the connection off"],
	"no HTTP": [(socket) => socket.write("\0garbage\r\n\r\n"), null, "could not be reached"],
	"a head that is too long": [
		(socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(20_000)}\r\n\r\n`),
		null,
		"could not be reached",
	],
};

for (const [what, [answer, status, error]] of Object.entries(strange))
	it(`a webhook's receiver gets no place for good by ${what}`, async (context) => {
		const server = createServer((socket) => {
			socket.on("error", () => {});
			socket.once("data", () => answer(socket));
		});
		await once(server.listen(0, "127.0.0.1"), "listening");
		context.after(() => server.close());
		const told = await send({
			url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
			id: "evt_1",
			body: "{}",
			secrets: [`whsec_${Buffer.alloc(32).toString("base64")}`],
			signal: new AbortController().signal,
			anyTarget: true,
			timeoutMs: 500,
		});
		assert.deepEqual([told.status, told.error], [status, error]);
	});
