import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Service } from "moleculer";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes } from "../../services/api/routes.ts";
import { assertRefused, Client, OPERATOR_TOKEN, type Wire } from "../api/client.ts";
import { headerLinesOf, newPerson, newShop, newTill, type Person } from "../api/people.ts";
import { isApart, startTestPlatform, type TestPlatform } from "../api/platform.ts";

const WALLET = "https://wallet.hannip.test";
let platform: TestPlatform;
let ada: Person;
before(async () => {
	platform = await startTestPlatform({ ALLOWED_ORIGINS: `${WALLET}, https://till.hannip.test:8443` });
	ada = await newPerson(platform.anyone);
});
after(() => platform.stop());

describe("the internal port", () => {
	const nobody = () => new Client(`http://127.0.0.1:${platform.operator.port}`, platform.operator.contract);
	const filled = (path: string) => path.replace(/:\w+/g, "system:funding");

	it("answers nothing to who does not show the operator's token, in always the same words", async () => {
		const shown: (string | undefined)[] = [
			undefined,
			"",
			"Bearer",
			"Bearer ",
			`Bearer ${OPERATOR_TOKEN}x`,
			`Bearer ${OPERATOR_TOKEN.slice(1)}`,
			`Bearer ${OPERATOR_TOKEN.toUpperCase()}`,
			`Bearer ${OPERATOR_TOKEN} x`,
			`Basic ${Buffer.from(`operator:${OPERATOR_TOKEN}`).toString("base64")}`,
			`DPoP ${OPERATOR_TOKEN}`,
			OPERATOR_TOKEN,
			`Bearer ${"x".repeat(8_000)}`,
			`Bearer ${ada.accessToken}`,
		];
		const wires: Wire[] = internalRoutes.map(({ method, path }) => ({ method, path: filled(path) }));
		for (const wire of [...wires, { method: "GET", path: "/nowhere" }, { method: "OPTIONS", path: "/ledger" }]) {
			for (const authorization of shown) {
				const headers = authorization === undefined ? {} : { authorization };
				const answer = await nobody().raw({ ...wire, headers });
				assertRefused(answer, "unauthenticated", `${wire.path} ${authorization?.slice(0, 60)}`);
				assert.equal(answer.headers["www-authenticate"], 'Bearer realm="operators"');
			}
		}
		const twice = { authorization: [`Bearer ${OPERATOR_TOKEN}`, `Bearer ${OPERATOR_TOKEN}`] as unknown as string };
		assert.equal((await nobody().raw({ method: "GET", path: "/ledger", headers: twice })).status, 401);
		assert.equal(
			(await ada.api.raw({ method: "GET", path: "/v1/me", headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } }))
				.status,
			401,
		);
	});

	it("takes the scheme in any case", async () => {
		for (const scheme of ["Bearer", "bearer", "BEARER"]) {
			const headers = { authorization: `${scheme} ${OPERATOR_TOKEN}` };
			assert.equal((await nobody().raw({ method: "GET", path: "/ledger", headers })).status, 200);
		}
	});

	it("leaves the probes open", async () => {
		assert.equal((await fetch(new URL("/ready", platform.probesUrl))).status, 200);
	});
});

describe("pages of other origins", () => {
	/** The contract is about programs: it allows none of these headers. */
	const page = (port = platform.anyone.port) => new Client(`http://127.0.0.1:${port}`, null);
	const asAda = () => page().from(ada.prover, ada.accessToken);
	const preflight = (origin: string, path = "/v1/me/charges") =>
		page().raw({
			method: "OPTIONS",
			path,
			headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "dpop" },
		});

	it("that are listed are told what they may send and read", async () => {
		const { status, headers } = await preflight(WALLET);
		assert.equal(status, 204);
		assert.equal(headers["access-control-allow-origin"], WALLET);
		assert.equal(headers["access-control-allow-credentials"], "true");
		assert.match(String(headers["access-control-allow-headers"]), /DPoP.*Idempotency-Key/);
		assert.equal(headers["access-control-max-age"], "600");
		assert.match(String(headers.vary), /Origin/);
		const answer = await asAda().raw({ method: "GET", path: "/v1/me", headers: { origin: WALLET } });
		assert.equal(answer.headers["access-control-allow-origin"], WALLET);
		assert.match(String(answer.headers["access-control-expose-headers"]), /DPoP-Nonce.*Retry-After/);
	});

	it("read problems as well", async () => {
		const answer = await page().raw({ method: "GET", path: "/v1/me", headers: { origin: WALLET } });
		assertRefused(answer, "unauthenticated", "/v1/me");
		assert.equal(answer.headers["access-control-allow-origin"], WALLET);
	});

	it("that only look like one are told nothing", async () => {
		const others = [
			`${WALLET}.evil.test`,
			"https://evil-wallet.hannip.test",
			"http://wallet.hannip.test",
			`${WALLET}:444`,
			`${WALLET}/`,
			`${WALLET}.`,
			WALLET.toUpperCase(),
			"https://till.hannip.test",
			"null",
			"*",
			"",
			"http://hannip.test",
			`${WALLET}, https://evil.test`,
		];
		for (const origin of others) {
			const asked = await preflight(origin);
			assert.ok(asked.status >= 400, `${origin}: ${asked.status}`);
			const answer = await asAda().raw({ method: "GET", path: "/v1/me", headers: { origin } });
			for (const { headers } of [asked, answer]) {
				const said = Object.keys(headers).filter((name) => name.startsWith("access-control-"));
				assert.deepEqual(said, [], origin);
			}
		}
	});

	it("learn nothing about addresses that are none, and nothing of the internal port", async () => {
		assert.ok((await preflight(WALLET, "/v1/nothing")).status >= 400);
		const headers = { origin: WALLET };
		const answer = await page(platform.operator.port).raw({ method: "GET", path: "/ledger", headers });
		assert.equal(answer.headers["access-control-allow-origin"], undefined);
	});
});

describe("every answer", () => {
	it("of both ports, right or wrong, tells browsers to leave everything alone", async () => {
		const filled = (path: string) => path.replace(/:\w+/g, "x");
		const ports = [
			{ client: ada.api, routes: publicRoutes },
			{ client: platform.anyone, routes: publicRoutes },
			{ client: platform.operator, routes: internalRoutes },
		];
		for (const { client, routes } of ports) {
			for (const { method, path } of [...routes, { method: "GET", path: "/nowhere" }]) {
				if (path === "/ledger/audit") continue;
				const { headers } = await client.raw({ method, path: filled(path) });
				assert.match(String(headers["content-security-policy"]), /^default-src 'none';/);
				assert.equal(headers["x-content-type-options"], "nosniff");
				assert.equal(headers["referrer-policy"], "no-referrer");
				assert.equal(headers["cross-origin-resource-policy"], "same-origin");
				assert.equal(headers["strict-transport-security"], undefined, "there is no TLS here");
				for (const name of ["x-powered-by", "server"]) assert.equal(headers[name], undefined);
			}
		}
	});

	it("of the pages that load something has a policy without anything unsafe", async () => {
		for (const path of ["/docs", "/docs/start.js", "/problems/not_found", "/openapi.json"]) {
			const { headers } = await platform.anyone.raw({ method: "GET", path });
			assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe/, path);
			assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/, path);
		}
	});

	it("has a trace id of ours, whatever the client calls it", async () => {
		const said = ["x", "1".repeat(8_000), '{"a":1}', "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"];
		for (const id of said) {
			const headers = { "x-request-id": id, "x-correlation-id": id, traceparent: id };
			const answer = await platform.anyone.raw({ method: "GET", path: "/v1/me", headers });
			assert.match(String((answer.body as { traceId: string }).traceId), /^[0-9a-f]{32}$/);
			assert.ok(!answer.text.includes(id) || id === "x");
			assert.match(String(answer.headers["x-request-id"]), /^[0-9a-f]{32}$/);
		}
	});
});

describe("over TLS", () => {
	it("browsers are told to stay there", async () => {
		const secure = await startTestPlatform({ PUBLIC_ORIGIN: "https://pay.hannip.test" });
		const { headers } = await secure.anyone.raw({ method: "GET", path: "/v1/me" });
		await secure.stop();
		assert.equal(headers["strict-transport-security"], "max-age=31536000");
	});
});

describe("limits by address", () => {
	it("are not escaped by what the client says of its address", async () => {
		const limited = await startTestPlatform({ REQUESTS_PER_MINUTE_ADDRESS: "20" });
		const ask = (index: number) =>
			limited.anyone.raw({
				method: "GET",
				path: "/.well-known/jwks.json",
				headers: {
					"x-forwarded-for": `203.0.113.${index}`,
					"x-real-ip": `203.0.113.${index}`,
					forwarded: `for=203.0.113.${index}`,
				},
			});
		const statuses: number[] = [];
		for (let index = 0; index < 30; index++) statuses.push((await ask(index)).status);
		await limited.stop();
		assert.deepEqual(statuses, [...Array<number>(20).fill(200), ...Array<number>(10).fill(429)]);
	});

	it("are those of the client behind a proxy that is trusted", async () => {
		const env = { REQUESTS_PER_MINUTE_ADDRESS: "5", TRUSTED_PROXIES: "127.0.0.1" };
		const proxied = await startTestPlatform(env);
		const ask = async (from: string) => {
			const headers = { "x-forwarded-for": from };
			return (await proxied.anyone.raw({ method: "GET", path: "/.well-known/jwks.json", headers })).status;
		};
		const eve: number[] = [];
		// What stands before the nearest address was written by the client.
		for (let index = 0; index < 7; index++) eve.push(await ask(`198.51.100.${index}, 203.0.113.7`));
		const bob = await ask("203.0.113.8");
		await proxied.stop();
		assert.deepEqual([...eve, bob], [200, 200, 200, 200, 200, 429, 429, 200]);
	});
});

describe("what costs memory or time before anybody is known", () => {
	// Node by itself would end the connections after half a minute.
	it("is not read: a large body of somebody without a token of a person", { timeout: 15_000 }, async () => {
		const { anyone } = platform;
		const ada = await newPerson(anyone);
		const shop = await newShop(ada);
		const till = await newTill(anyone, shop);
		const [header, payload, signature = ""] = ada.accessToken.split(".");
		const forged = [header, payload, (signature.startsWith("A") ? "B" : "A") + signature.slice(1)].join(".");
		const shown = [[], [`DPoP ${forged}`], ["DPoP x"], [`Bearer ${ada.accessToken}`], [`Till ${till.accessToken}`]];
		const open = shown.flatMap((credentials) =>
			["Content-Length: 900000", "Transfer-Encoding: chunked"].map((framing) => {
				const socket = connect({ host: "127.0.0.1", port: anyone.port });
				const head = [
					`POST /v1/stores/${shop.id}/products/import HTTP/1.1`,
					"Host: x",
					"Content-Type: text/csv",
					framing,
					...credentials.map((credential) => `Authorization: ${credential}`),
				];
				socket.write(`${head.join("\r\n")}\r\n\r\n4\r\nsku,`);
				return socket;
			}),
		);
		// None of them waits for the rest, and none may send it for long.
		const answers = open.map(async (socket) => {
			let answer = "";
			socket.on("data", (bytes) => {
				answer += bytes;
			});
			await once(socket, "close");
			return answer;
		});
		for (const answer of await Promise.all(answers)) {
			assert.match(answer, /^HTTP\/1.1 401 [\s\S]*"code":"unauthenticated"/);
		}
	});

	it("is refused: a large body at the address of an import by another method", async () => {
		const socket = connect({ host: "127.0.0.1", port: platform.anyone.port });
		socket.write("GET /v1/stores/x/products/import HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\nsku,");
		const [answer] = await once(socket, "data");
		assert.match(String(answer), /^HTTP\/1.1 413 /);
		socket.destroy();
	});

	it("is read of sixteen at once: large bodies of those who are known", async () => {
		const { anyone } = platform;
		const ada = await newPerson(anyone);
		const { id } = await newShop(ada);
		const wire = { method: "POST", path: `/v1/stores/${id}/products/import` };
		const lines = await headerLinesOf(ada, wire, 17);
		const open = Array.from({ length: 17 }, () => {
			const socket = connect({ host: "127.0.0.1", port: anyone.port });
			const head = [
				`POST ${wire.path} HTTP/1.1`,
				"Host: x",
				"Content-Type: text/csv",
				"Content-Length: 9000",
				...lines(),
			];
			socket.write(`${head.join("\r\n")}\r\n\r\nsku,`);
			return socket;
		});
		const first = await Promise.race(open.map(async (socket) => String(await once(socket, "data"))));
		assert.match(first, /^HTTP\/1.1 503 [\s\S]*"overloaded"/);
		for (const socket of open) socket.destroy();
		const csv = "sku,name,category,price\ntea,Tea,Tea,3000\n";
		const again = () => ada.api.raw({ ...wire, headers: { "content-type": "text/csv" }, body: csv });
		// They are gone as soon as the server has seen it.
		let answer = await again();
		for (let n = 0; answer.status === 503 && n < 200; n++) {
			await setTimeout(10);
			answer = await again();
		}
		assert.equal(answer.status, 200);
	});

	it("is bounded: how many connect at once", { skip: isApart && "it looks into this process" }, () => {
		for (const name of ["api", "internal"]) {
			const { server } = platform.broker.getLocalService(name) as Service & { server: Server };
			assert.ok(server.maxConnections > 0 && server.maxConnections <= 10_000, name);
		}
	});

	it("is made once: the description of the API", { skip: isApart && "it counts in this process" }, async () => {
		const { broker, anyone } = platform;
		const describe = () => anyone.raw({ method: "GET", path: "/openapi.json" });
		const first = await describe();
		const getActionList = broker.registry.getActionList.bind(broker.registry);
		let times = 0;
		broker.registry.getActionList = (options) => {
			times++;
			return getActionList(options);
		};
		for (let n = 0; n < 5; n++) assert.equal((await describe()).text, first.text);
		assert.equal(times, 0);
		broker.broadcastLocal("$services.changed", {});
		assert.equal((await describe()).text, first.text);
		assert.equal(times, 1);
		broker.registry.getActionList = getActionList;
	});
});
