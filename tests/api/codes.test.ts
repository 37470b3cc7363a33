import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import jsqr from "jsqr";
import { PNG } from "pngjs";
import { newPerson, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone);
});
after(() => platform.stop());

/** What a camera reads off a picture. */
function scan({ data, width, height }: { data: Uint8ClampedArray; width: number; height: number }) {
	// The types say a namespace, at run time it is the function itself.
	const decode = jsqr as unknown as typeof jsqr.default;
	return decode(data, width, height) ?? assert.fail("no QR code in the picture");
}

function bytesOf(dataUrl: string | null, type: string): Buffer {
	const prefix = `data:${type};base64,`;
	assert.ok(dataUrl?.startsWith(prefix), `${dataUrl?.slice(0, 40)} is not ${type}`);
	return Buffer.from(String(dataUrl).slice(prefix.length), "base64");
}

/** Draws an SVG of strokes, one module high, with 8 pixels a module. */
function rasterise(svg: string) {
	const modules = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
	const scale = 8;
	const width = modules * scale;
	const data = new Uint8ClampedArray(width * width * 4).fill(255);
	const dark = (column: number, row: number) => {
		for (let y = row * scale; y < (row + 1) * scale; y++) {
			for (let x = column * scale; x < (column + 1) * scale; x++)
				data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
		}
	};
	let [x, y] = [0, 0];
	for (const [, step, ...numbers] of /stroke="#000000" d="([^"]+)"/
		.exec(svg)?.[1]
		?.matchAll(/([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?/g) ?? []) {
		const [first = 0, second = 0] = numbers.map(Number);
		if (step === "M") [x, y] = [first, second];
		else if (step === "m") [x, y] = [x + first, y + second];
		else for (const end = x + first; x < end; x++) dark(x, Math.floor(y));
	}
	return { data, width, height: width };
}

describe("a payment code", () => {
	it("comes with others for later, which pay less without asking, and are good one after the other", async () => {
		const { code, later } = await ada.api.ok("user.issueCode", { ahead: 2 });
		assert.equal(new Set([code, ...later.map((each) => each.code)]).size, 3);
		for (const [index, { code, cap, startsInMs, expiresInMs }] of later.entries()) {
			assert.match(code, /^HN:[0-9A-Z $%*+./:-]{149}$/);
			assert.equal(cap, 30_000);
			const startsMs = (index + 1) * 55_000;
			assert.ok(startsInMs > startsMs - 5_000 && startsInMs <= startsMs, `${startsInMs}`);
			assert.ok(Math.abs(expiresInMs - startsInMs - 60_000) <= 1_000);
			// Korea's standard for variable codes.
			assert.ok(expiresInMs <= 180_000);
		}
		const small = await ada.api.ok("user.issueCode", { ahead: 1, cap: 500 });
		assert.deepEqual([small.cap, small.later.map(({ cap }) => cap)], [500, [500]]);
		assert.deepEqual((await ada.api.ok("user.issueCode", {})).later, []);
		for (const ahead of [-1, 3, 1.5, "1", null])
			await ada.api.refused("user.issueCode", { ahead }, "validation_failed");
	});

	it("has the documented form, a life of 60 s and a usual cap", async () => {
		const { code, cap, expiresAtMs, expiresInMs, image } = await ada.api.ok("user.issueCode", {});
		assert.match(code, /^HN:[0-9A-Z $%*+./:-]{149}$/);
		assert.deepEqual({ cap, image }, { cap: 100_000, image: null });
		assert.ok(expiresInMs > 55_000 && expiresInMs <= 60_000, `${expiresInMs}`);
		assert.ok(Math.abs(expiresAtMs - Date.now() - expiresInMs) < 1_000);
	});

	it("tells nobody whose it is: no two have anything in common but their form", async () => {
		const codes = await Promise.all(Array.from({ length: 20 }, () => ada.api.ok("user.issueCode", {})));
		assert.equal(new Set(codes.map(({ code }) => code)).size, 20);
		// Version and key id are the first three characters of base45; what follows is the hidden wallet.
		assert.equal(new Set(codes.map(({ code }) => code.slice(6, 20))).size, 20);
	});

	it("is what its PNG shows, small enough for an old camera", async () => {
		const { code, image } = await ada.api.ok("user.issueCode", { image: "png" });
		const { data, width, height } = PNG.sync.read(bytesOf(image, "image/png"));
		const { data: read, version } = scan({ data: new Uint8ClampedArray(data), width, height });
		assert.equal(read, code);
		assert.equal(version, 6);
		assert.equal(width, (41 + 2 * 4) * 8);
	});

	it("is what its SVG shows", async () => {
		const { code, image } = await ada.api.ok("user.issueCode", { image: "svg" });
		const svg = bytesOf(image, "image/svg+xml").toString();
		assert.doesNotMatch(svg, /<script|onload|href/);
		assert.equal(scan(rasterise(svg)).data, code);
	});

	it("carries any cap that four bytes hold", async () => {
		await ada.api.ok("user.edit", { confirmAbove: 4_294_967_295 });
		for (const cap of [1, 4_294_967_295]) assert.equal((await ada.api.ok("user.issueCode", { cap })).cap, cap);
		for (const cap of [0, -1, 0.5, "1", null, 4_294_967_296, 1_000_000_000_001]) {
			await ada.api.refused("user.issueCode", { cap }, "validation_failed");
		}
	});

	it("takes no other wishes", async () => {
		for (const more of [{ image: "gif" }, { image: true }, { ttlS: 180 }, { userId: ada.userId }, { nowMs: 0 }]) {
			await ada.api.refused("user.issueCode", more, "validation_failed");
		}
	});
});
