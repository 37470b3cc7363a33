import assert from "node:assert/strict";
import jsqr from "jsqr";
import type { Page } from "playwright-core";
import { PNG } from "pngjs";

/** What a till's camera reads off the wallet's screen. */
export async function scan(page: Page): Promise<string> {
	await page.locator(".qr").waitFor();
	const { data, width, height } = PNG.sync.read(await page.locator(".pay-coin").screenshot());
	return jsqr(new Uint8ClampedArray(data), width, height)?.data ?? assert.fail("no QR code on the screen");
}
