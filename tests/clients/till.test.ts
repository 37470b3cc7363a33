import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import {
	assertAccessible,
	cameraOf,
	complaintsOf,
	describeInBrowser,
	openBrowser,
	phone,
	type ServedPlatform,
	screenshot,
	startServedPlatform,
	tablet,
} from "./browser.ts";
import { writeFilm } from "./film.ts";
import { type Cafe, codeOf, openCafe, openTillPage } from "./till-world.ts";

describeInBrowser("the till", () => {
	let platform: ServedPlatform;
	let cafe: Cafe;
	const folder = mkdtempSync(join(tmpdir(), "hannip-film-"));
	const film = join(folder, "camera.y4m");
	before(async () => {
		platform = await startServedPlatform();
		cafe = await openCafe(platform);
	});
	after(async () => {
		await platform.stop();
		rmSync(folder, { recursive: true });
	});

	it("looks right", async (t) => {
		writeFilm(film, (await codeOf(cafe.customer)).png, { share: 0 });
		const browser = await openBrowser({ ...tablet, args: cameraOf(film) });
		t.after(() => browser.close());
		const page = await openTillPage(browser, cafe, { mayRefund: true, discountMaxPercent: 30 });
		const complaints = complaintsOf(page);
		await assertAccessible(page, "counter");
		await screenshot(page, "till-counter-empty");
		await page.getByRole("button", { name: /아메리카노/ }).click({ clickCount: 2 });
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await screenshot(page, "till-counter");
		await page.getByRole("button", { name: "할인" }).click();
		await assertAccessible(page, "discount");
		await screenshot(page, "till-discount");
		await page.getByRole("button", { name: "10%" }).click();
		await screenshot(page, "till-counter-discount");
		writeFilm(film, (await codeOf(cafe.customer)).png);
		await page.getByRole("button", { name: /결제 받기/ }).click();
		await page.getByRole("heading", { name: "결제됐어요" }).waitFor();
		await screenshot(page, "till-paid");
		await assertAccessible(page, "paid");
		await page.keyboard.press("Enter");
		await page.getByRole("link", { name: "내역" }).click();
		await page.getByRole("link", { name: /아메리카노/ }).waitFor();
		await assertAccessible(page, "sales");
		await screenshot(page, "till-sales");
		await page.getByRole("link", { name: /아메리카노/ }).click();
		await page.getByRole("button", { name: "환불하기" }).waitFor();
		await screenshot(page, "till-sale");
		await page.getByRole("button", { name: "환불하기" }).click();
		await screenshot(page, "till-refund");
		await assertAccessible(page, "refund");
		await page.keyboard.press("Escape");
		await page.emulateMedia({ media: "print" });
		await screenshot(page, "till-receipt");
		await page.emulateMedia({ media: "screen", colorScheme: "dark" });
		await page.getByRole("link", { name: "설정" }).click();
		await screenshot(page, "till-settings-dark");
		await page.getByRole("link", { name: "판매" }).click();
		await page.getByRole("button", { name: /크루아상/ }).click();
		await screenshot(page, "till-counter-dark");
		await page.setViewportSize(phone.viewport);
		await screenshot(page, "till-counter-phone");
		await page.locator(".basket-bar").click();
		await screenshot(page, "till-basket-phone");
		assert.deepEqual(complaints, []);
	});
});
