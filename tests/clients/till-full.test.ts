import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { assertAccessible, describeInBrowser, desktop, screenshot } from "./browser.ts";
import { cafeForAll } from "./till-world.ts";

// A shop that sells more than fits on a screen, and customers who buy more than that.

const PRODUCTS = 120;
/** The dearest that may be sold; on the shelf it comes last. */
const DEAREST = ["z-1", "띄어쓰기가하나도없는아주아주긴이름의보석", "보석", 1_000_000_000_000].join();

describeInBrowser("a till with much on it", () => {
	const { platform, cafe, openTill } = cafeForAll();
	before(async () => {
		const more = Array.from(
			{ length: PRODUCTS - 1 - cafe.products.length },
			(_, index) => `x-${index},상품 ${index},잡화,${1_000 + index}`,
		);
		await cafe.owner.api.ok("store.importProducts", {
			storeId: cafe.id,
			csv: ["sku,name,category,price", ...more, DEAREST].join("\n"),
		});
	});

	async function till(t: TestContext): Promise<Page> {
		const page = await openTill(t, { discountMaxPercent: 50 });
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

	it("says that the basket is full, instead of leaving things out of it", async (t) => {
		const page = await till(t);
		await fill(page, 101);
		await page.getByText("장바구니가 가득 찼어요").waitFor();
		assert.equal(await page.locator(".lines > li").count(), 100);
		await screenshot(page, "till-full-said");
		await page.reload();
		const quantity = page.getByLabel(/수량/).first();
		await quantity.fill("10001");
		await page.keyboard.press("Tab");
		await page.getByText("장바구니가 가득 찼어요").waitFor();
		assert.equal(await quantity.inputValue(), "10000");
	});

	it("parks no more than it can keep, and loses none", async (t) => {
		const page = await till(t);
		const tile = page.getByRole("button", { name: /소금빵/ }).first();
		for (let count = 1; count <= 30; count++) {
			await tile.click();
			await page.keyboard.press("F9");
			await page.getByRole("button", { name: `보류 ${count}`, exact: true }).waitFor();
		}
		await tile.click();
		await page.keyboard.press("F9");
		await page.getByText("주문은 30개까지 보류할 수 있어요").waitFor();
		await page.getByRole("button", { name: /결제 받기 3,200/ }).waitFor();
		await page.getByRole("button", { name: "보류 30" }).click();
		assert.equal(await page.locator(".parked").count(), 30);
	});

	it("gives back what was thrown away by mistake, and keeps the keyboard where it was", async (t) => {
		const page = await till(t);
		const focused = page.locator(":focus");
		await fill(page, 3);
		await page.getByRole("button", { name: "비우기" }).click();
		await page.getByText("장바구니를 비웠어요.").waitFor();
		await screenshot(page, "till-emptied");
		await assertAccessible(page, "emptied");
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: /결제 받기 15,000/ }).waitFor();
		assert.equal(await focused.textContent(), "장바구니");

		const remove = page.getByRole("button", { name: /모두 빼기/ });
		for (const next of ["카페 라떼 모두 빼기", "바닐라 라떼 모두 빼기"]) {
			await remove.first().press("Enter");
			await page.waitForFunction((label) => document.activeElement?.getAttribute("aria-label") === label, next);
		}
		await remove.press("Enter");
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
		assert.equal(await focused.textContent(), "장바구니");

		for (let count = 1; count <= 2; count++) {
			await fill(page, count);
			await page.getByRole("button", { name: "보류", exact: true }).press("Enter");
			await page.getByRole("button", { name: `보류 ${count}`, exact: true }).waitFor();
			assert.equal(await focused.textContent(), "장바구니");
		}
		await page.getByRole("button", { name: "보류 2" }).click();
		await page.getByRole("button", { name: "지우기" }).last().press("Enter");
		await page.getByText("보류한 주문을 지웠어요: 아메리카노").waitFor();
		await screenshot(page, "till-discarded");
		await assertAccessible(page, "discarded");
		await page.keyboard.press("Enter");
		await page.locator(".parked").nth(1).waitFor();
		assert.deepEqual(await page.locator(".parked strong").allTextContents(), ["아메리카노, 카페 라떼", "아메리카노"]);
		assert.equal(await focused.getAttribute("class"), "list");
	});

	it("shows amounts whole that are as large as they may be, and stops there", async (t) => {
		const page = await till(t);
		await page
			.getByRole("button", { name: /소금빵/ })
			.first()
			.click();
		await page.getByRole("button", { name: /보석, 1,000/ }).click();
		await page.getByText("모두 1,000,000,000,000닢까지 담을 수 있어요.").waitFor();
		await page.getByRole("button", { name: "소금빵 모두 빼기" }).click();
		await page.getByRole("button", { name: /보석, 1,000/ }).click();
		await page.getByRole("button", { name: /결제 받기 1,000,000,000,000/ }).waitFor();
		for (const language of ["ko", "en"])
			for (const [width, height] of [
				[360, 640],
				[768, 1024],
				[1440, 900],
			] as const) {
				await page.setViewportSize({ width, height });
				await page.evaluate((chosen) => localStorage.setItem("hannip.language", chosen), language);
				await page.goto(`${platform.url}/till/#/`);
				await page.reload();
				const look = async (where: string) => {
					await screenshot(page, `till-dear-${language}-${width}-${where}`);
					assert.deepEqual(await page.evaluate(cutOff), [], `${language} ${width} ${where}`);
				};
				await page.locator(".products .product").last().scrollIntoViewIfNeeded();
				await look("shelf");
				if (await page.locator(".basket-bar").isVisible()) await page.locator(".basket-bar").click();
				await look("basket");
				await page.locator(".basket .pay").click();
				await page.locator(".pay-total").waitFor();
				await look("pay");
			}
	});

	it("writes large counts with commas", async (t) => {
		const page = await till(t);
		await page
			.getByRole("button", { name: /소금빵/ })
			.first()
			.click();
		await page.getByLabel(/수량/).fill("10000");
		await page.keyboard.press("Tab");
		await page.locator(".sum", { hasText: "합계 10,000개" }).waitFor();
		await page.locator(".badge", { hasText: "10,000" }).waitFor();
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

/** Runs in the page: what is wider than its place, and labels that stand a letter to a line. */
function cutOff(): string[] {
	const wide = [...document.querySelectorAll(".product, .lines > li, .sums > div, .pay, .pay-total, html")].filter(
		(each) => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth + 1,
	);
	const covered = [...document.querySelectorAll(".products > li")].filter(
		(each) => (each.firstElementChild?.getBoundingClientRect().right ?? 0) > each.getBoundingClientRect().right + 1,
	);
	const broken = [...document.querySelectorAll(".sum dt, .pay > span:first-child")].filter(
		(each) => each.getBoundingClientRect().height > 2 * Number.parseFloat(getComputedStyle(each).fontSize),
	);
	return [...wide, ...covered, ...broken].map(
		({ className, nodeName, textContent }) => `${nodeName}.${className} ${textContent?.slice(0, 30)}`,
	);
}
