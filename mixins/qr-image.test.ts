import assert from "node:assert/strict";
import { it } from "node:test";
import jsqr from "jsqr";
import { PNG } from "pngjs";
import { drawCode, drawLink } from "./qr-image.ts";

const CODE = `HP1:${"0123456789ABCDEF".repeat(8)}`;
const bytesOf = (url: string) => Buffer.from(url.slice(url.indexOf(",") + 1), "base64");

it("a picture has one bit for each point, so that it costs little, and is what it says to every decoder", async () => {
	const png = bytesOf(await drawCode(CODE, "png"));
	const { data, width, height, depth, color } = PNG.sync.read(png) as PNG & { depth: number; color: boolean };
	assert.deepEqual([depth, color], [1, false]);
	assert.ok(png.length < 2_000, `${png.length}`);
	assert.equal(width, height);
	const read = (jsqr as unknown as typeof jsqr.default)(new Uint8ClampedArray(data), width, height);
	assert.equal(read?.data, CODE);
});

it("a link is drawn likewise", () => {
	const link = "https://hannip.example/till#pair=ABCD2345";
	const png = bytesOf(drawLink(link));
	const { data, width, height, depth, color } = PNG.sync.read(png) as PNG & { depth: number; color: boolean };
	assert.deepEqual([depth, color], [1, false]);
	const read = (jsqr as unknown as typeof jsqr.default)(new Uint8ClampedArray(data), width, height);
	assert.equal(read?.data, link);
});
