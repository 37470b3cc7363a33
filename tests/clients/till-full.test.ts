import assert from "node:assert/strict";
import { after, before, it, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import {
	describeInBrowser,
	desktop,
	openBrowser,
	type ServedPlatform,
	screenshot,
	startServedPlatform,
	tablet,
} from "./browser.ts";
import { type Cafe, openCafe, openTillPage } from "./till-world.ts";

// A shop that sells more than fits on a screen, and customers who buy more than that.

const PRODUCTS = 120;

describeInBrowser("a till with much on it", () => {
	let platform: ServedPlatform;
	let cafe: Cafe;
	before(async () => {
		platform = await startServedPlatform();
		cafe = await openCafe(platform);
		const more = Array.from(
			{ length: PRODUCTS - cafe.products.length },
			(_, index) => `x-${index},상품 ${index},잡화,${1_000 + index}`,
		);
		await cafe.owner.api.ok("store.importProducts", {
			storeId: cafe.id,
			csv: ["sku,name,category,price", ...more].join("\n"),
		});
	});
	after(() => platform.stop());

	async function till(t: TestContext): Promise<Page> {
		const browser = await openBrowser({ ...tablet });
		t.after(() => browser.close());
		const page = await openTillPage(browser, cafe, { discountMaxPercent: 50 });
		await page.waitForFunction((count) => document.querySelectorAll(".products .product").length === count, PRODUCTS);
		return page;
	}

	/** Presses that many different products. */
	const fill = (page: Page, count: number): Promise<void> =>
		page.locator(".products .product").evaluateAll((tiles, wanted) => {
			for (const tile of tiles.slice(0, wanted)) (tile as HTMLElement).click();
		}, count);

	for (const lines of [1, 100])
		it(`keeps the button to pay on the screen with ${PRODUCTS} products on the shelf and ${lines} in the basket`, async (t) => {
			const page = await till(t);
			await fill(page, lines);
			await page.waitForFunction((count) => document.querySelectorAll(".lines > li").length === count, lines);
			for (const [width, height] of [
				[1180, 820],
				[1440, 900],
				[768, 1024],
				[360, 640],
			] as const) {
				await page.setViewportSize({ width, height });
				const where = `${width}x${height}`;
				assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), height, where);
				await screenshot(page, `till-full-${lines}-${where}`);
				const isPhone = await page.locator(".basket-bar").isVisible();
				if (isPhone) await page.locator(".basket-bar").click();
				assert.deepEqual(await page.evaluate(payIsSeen), { isWhole: true, isOnTop: true, scrolled: 0 }, where);
				if (isPhone) await page.getByRole("button", { name: "돌아가기" }).click();
			}
		});

	it("lets the keyboard skip from the search to the payment", async (t) => {
		const page = await till(t);
		const focused = () => page.evaluate(() => document.activeElement?.className);
		for (const [{ width, height }, goal] of [
			[desktop.viewport, /\bpay\b/],
			[{ width: 360, height: 640 }, /\bbasket-bar\b/],
		] as const) {
			await page.setViewportSize({ width, height });
			await page
				.getByRole("button", { name: /소금빵/ })
				.first()
				.click();
			await page.keyboard.press("F2");
			await page.keyboard.press("Tab");
			await screenshot(page, `till-skip-${width}`);
			await page.keyboard.press("Enter");
			assert.match(String(await focused()), goal);
		}
	});
});

/** Runs in the page. */
function payIsSeen() {
	const pay = document.querySelector(".basket .pay");
	const { left, top, right, bottom } = pay?.getBoundingClientRect() ?? new DOMRect(-1);
	const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
	return {
		isWhole: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight,
		isOnTop: pay?.contains(hit) ?? false,
		scrolled: scrollY,
	};
}
