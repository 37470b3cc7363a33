import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { it } from "node:test";
import { names, send } from "./webhook-request.ts";

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

/** A name server that knows where `known` names are, and never answers for others. */
async function nameServer(address: readonly number[]): Promise<{ at: string; close(): void }> {
	const socket = createSocket("udp4");
	socket.on("message", (asked, { port, address: from }) => {
		if (!asked.includes("known")) return;
		const question = asked.subarray(12, asked.indexOf(0, 12) + 5);
		const isForIpv4 = question.at(-3) === 1;
		const head = [...asked.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isForIpv4 ? 1 : 0, 0, 0, 0, 0];
		const answer = isForIpv4 ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address] : [];
		socket.send(Buffer.from([...head, ...question, ...answer]), port, from);
	});
	socket.bind(0, "127.0.0.1");
	await once(socket, "listening");
	return { at: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

it("names that nobody answers for do not keep another name from being found, and where it leads is looked at", async (context) => {
	const [server, before] = [await nameServer([127, 0, 0, 1]), names.getServers()];
	names.setServers([server.at]);
	context.after(() => {
		server.close();
		names.cancel();
		names.setServers(before);
	});
	const over = new AbortController();
	const sendTo = (name: string) =>
		send({
			...{ url: `https://${name}.example/hook`, id: "evt_1", body: "{}", anyTarget: false, signal: over.signal },
			secrets: [`whsec_${Buffer.alloc(32).toString("base64")}`],
		});
	const silent = Array.from({ length: 32 }, (_, n) => sendTo(`silent${n}`));
	assert.equal((await sendTo("known")).error, "is not a public address");
	over.abort();
	assert.ok((await Promise.all(silent)).every(({ error }) => error === "was broken off, and comes again"));
});
