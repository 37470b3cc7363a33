import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { newKey } from "../api/client.ts";
import { sell } from "../api/people.ts";
import { describeInBrowser, intercept, screenshot } from "./browser.ts";
import { cafeForAll, codeOf, scanByHand } from "./till-world.ts";

// What is asked in between: discounts, notes, refunds.

describeInBrowser("a till's dialogs", () => {
	const { cafe, openTill } = cafeForAll();

	const till = (t: TestContext) => openTill(t, { mayRefund: true, discountMaxPercent: 50 });

	/** The newest sale, with its dialog for a refund. */
	async function refundDialog(page: Page) {
		await page.getByRole("link", { name: "내역" }).click();
		await page.locator(".sale-link").first().click();
		await page.getByRole("button", { name: "환불하기" }).click();
		return page.getByRole("dialog");
	}

	it("takes amounts with commas, as the screens write them", async (t) => {
		await sell(cafe, cafe.customer, newKey());
		const page = await till(t);
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await page.getByRole("button", { name: "할인" }).click();
		await page.getByText("금액", { exact: true }).click();
		await page.getByLabel("금액", { exact: true }).last().fill("１,000");
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByRole("button", { name: /결제 받기 5,800/ }).waitFor();
		const dialog = await refundDialog(page);
		await dialog.getByText("일부", { exact: true }).click();
		await dialog.getByLabel("환불할 금액").fill("1,000");
		await dialog.getByRole("button", { name: "1,000닢 환불" }).click();
		await page.getByText("1,000닢을 환불했어요.").waitFor();
	});

	it("does not look as if a refund were cancelled that is on its way", async (t) => {
		await sell(cafe, cafe.customer, newKey());
		const page = await till(t);
		const arrived = Promise.withResolvers<void>();
		const held = Promise.withResolvers<void>();
		await intercept(page, /\/refunds$/, async (route) => {
			arrived.resolve();
			await held.promise;
			await route.continue();
		});
		const dialog = await refundDialog(page);
		const cancel = dialog.getByRole("button", { name: "취소" });
		await dialog.locator("button[type=submit]").click();
		await arrived.promise;
		assert.equal(await cancel.getAttribute("aria-disabled"), "true");
		await cancel.click({ force: true });
		await page.keyboard.press("Escape");
		await page.keyboard.press("Escape");
		// At the second Escape a browser closes it without asking, and it opens again.
		await dialog.waitFor();
		await screenshot(page, "till-refund-busy");
		held.resolve();
		await page.getByText(/닢을 환불했어요/).waitFor();
		await dialog.waitFor({ state: "detached" });
	});

	it("keeps the keys of the counter for the counter", async (t) => {
		const page = await till(t);
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await page.getByRole("button", { name: "메모" }).click();
		await page.getByRole("textbox", { name: "메모" }).fill("2번 테이블");
		for (const key of ["F2", "F4", "F8", "F9"]) await page.keyboard.press(key);
		// Nor is anything paid that somebody is about to change.
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await page.getByRole("dialog").getByRole("button", { name: "저장" }).click();
		await page.getByRole("button", { name: "메모 ✓" }).waitFor();
		await page.getByRole("button", { name: "보류 0" }).waitFor();
		await page.keyboard.press("F8");
		await page.getByRole("heading", { name: "손님의 QR을 비춰 주세요" }).waitFor();
	});
});
