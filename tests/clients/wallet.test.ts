import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import {
	assertAccessible,
	complaintsOf,
	describeInBrowser,
	openBrowser,
	type ServedPlatform,
	screenshot,
	startServedPlatform,
} from "./browser.ts";

describeInBrowser("the wallet", () => {
	let platform: ServedPlatform;
	before(async () => {
		platform = await startServedPlatform();
	});
	after(() => platform.stop());

	it("opens", async () => {
		const browser = await openBrowser();
		const page = await browser.newPage();
		const complaints = complaintsOf(page);
		await page.goto(`${platform.url}/`);
		await page.getByRole("heading", { level: 1 }).waitFor();
		await assertAccessible(page, "welcome");
		await screenshot(page, "wallet-welcome");
		assert.deepEqual(complaints, []);
		await browser.close();
	});
});
