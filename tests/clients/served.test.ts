import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { platformForAll } from "./browser.ts";

describe("the clients, as the gateways hand them out", () => {
	const platform = platformForAll();

	const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
		fetch(platform.url + path, { method, headers, redirect: "manual" });

	/** The page's own script and style. */
	async function assets(): Promise<string[]> {
		const html = await (await get("/wallet/")).text();
		return [...html.matchAll(/(?:src|href)="(\/wallet\/assets\/[^"]+)"/g)].map(([, path]) => String(path));
	}

	it("leads to the wallet whoever opens the address", async () => {
		assert.equal((await get("/")).headers.get("location"), "/wallet/");
		assert.equal((await get("/wallet")).headers.get("location"), "/wallet/");
		assert.equal((await get("/docs")).status, 200);
	});

	it("sends on who came by another name of this machine, since what pages prove has one name in it", async () => {
		const { port } = new URL(platform.url);
		const locationFor = (host: string) =>
			new Promise<string | undefined>((resolve, reject) => {
				request(`${platform.url}/wallet/`, { headers: { host } }, (answer) => {
					answer.resume();
					resolve(answer.headers.location);
				})
					.on("error", reject)
					.end();
			});
		assert.equal(await locationFor(`localhost:${port}`), `${platform.url}/wallet/`);
		assert.equal(await locationFor(`[::1]:${port}`), `${platform.url}/wallet/`);
		for (const host of [`127.0.0.1:${port}`, "localhost:1", "pay.example", `evil.localhost:${port}`])
			assert.equal(await locationFor(host), undefined, host);
	});

	it("lets nothing run but our own files", async () => {
		for (const path of ["/wallet/", ...(await assets()), "/wallet/icon.svg"]) {
			const { status, headers } = await get(path);
			assert.equal(status, 200, path);
			const policy = String(headers.get("content-security-policy"));
			assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';/, path);
			assert.doesNotMatch(policy, /unsafe|\*/, path);
			assert.equal(headers.get("x-content-type-options"), "nosniff");
		}
		assert.doesNotMatch(await (await get("/wallet/")).text(), /<script>|<style| style="| on\w+="/);
	});

	it("lets browsers keep what never changes, and ask for the rest", async () => {
		const found = await assets();
		assert.equal(found.length >= 2, true, "a script and a style");
		for (const path of found) assert.match(String((await get(path)).headers.get("cache-control")), /immutable/);
		for (const path of ["/wallet/", "/wallet/wallet.webmanifest", "/wallet/icon.svg"]) {
			const first = await get(path);
			assert.equal(first.headers.get("cache-control"), "no-cache");
			const etag = String(first.headers.get("etag"));
			const again = await get(path, { "if-none-match": etag });
			assert.deepEqual([again.status, await again.text()], [304, ""]);
			assert.equal((await get(path, { "if-none-match": '"other"' })).status, 200);
		}
	});

	it("is packed for whoever can unpack it", async () => {
		const [script = ""] = await assets();
		const raw = async (encoding: string) => {
			// fetch unpacks; the bytes are wanted as they come.
			return new Promise<{ encoding: string | undefined; body: Buffer }>((resolve, reject) => {
				request(platform.url + script, { headers: { "accept-encoding": encoding } }, (answer) => {
					const chunks: Buffer[] = [];
					answer.on("data", (chunk: Buffer) => chunks.push(chunk));
					answer.on("end", () =>
						resolve({ encoding: answer.headers["content-encoding"], body: Buffer.concat(chunks) }),
					);
				})
					.on("error", reject)
					.end();
			});
		};
		const plain = await raw("identity");
		assert.equal(plain.encoding, undefined);
		const brotli = await raw("gzip, deflate, br, zstd");
		assert.deepEqual([brotli.encoding, brotliDecompressSync(brotli.body).equals(plain.body)], ["br", true]);
		const gzip = await raw("gzip");
		assert.deepEqual([gzip.encoding, gunzipSync(gzip.body).equals(plain.body)], ["gzip", true]);
	});

	it("hands out what is on its list, by GET and HEAD, and nothing beside it", async () => {
		const head = await get("/wallet/", {}, "HEAD");
		assert.deepEqual([head.status, await head.text()], [200, ""]);
		const posted = await get("/wallet/", {}, "POST");
		assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
		const paths = [
			"/wallet/index.html",
			"/wallet/main.tsx",
			"/wallet/../../package.json",
			"/wallet/%2e%2e/%2e%2e/package.json",
			"/wallet/..%2f.stamp",
			"/wallet/assets/",
			"/wallet//",
			"/Wallet/",
			"/wallet/icon.svg/",
			"/wallet/icon.svg.br",
			"/wallet/constructor",
			"/.stamp",
		];
		for (const path of paths) assert.equal((await get(path)).status, 404, path);
		// Operators' pages are not here, and people's are not there.
		assert.equal((await get("/console/")).status, 404);
		assert.equal((await fetch(`${platform.internalUrl}/wallet/`)).status, 401);
	});
});
