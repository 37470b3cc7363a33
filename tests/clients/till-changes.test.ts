import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { assertAccessible, describeInBrowser, screenshot } from "./browser.ts";
import { cafeForAll, codeOf, scanByHand } from "./till-world.ts";

// The owner changes what is sold while somebody is buying it.

describeInBrowser("a basket that changes by itself", () => {
	const { cafe, openTill } = cafeForAll();

	async function edit(name: string, change: { readonly price?: number; readonly state?: "archived" | "active" }) {
		const { items } = await cafe.owner.api.ok("store.listProducts", { storeId: cafe.id, limit: 100 });
		const { id: productId, version } = items.find((each) => each.name === name) ?? assert.fail(name);
		await cafe.owner.api.ok("store.editProduct", { storeId: cafe.id, productId, version, ...change });
	}

	async function put(page: Page, ...names: readonly string[]): Promise<void> {
		for (const name of names)
			await page
				.getByRole("button", { name: new RegExp(name) })
				.first()
				.click();
	}

	/** It says all of this, until it is pressed. */
	async function assertTold(page: Page, texts: readonly string[]): Promise<void> {
		const dialog = page.getByRole("dialog", { name: "장바구니가 바뀌었어요" });
		for (const text of texts) await dialog.getByText(text).waitFor();
		await dialog.getByRole("button", { name: "확인했어요" }).click();
		await dialog.waitFor({ state: "detached" });
	}

	it("says what went and what costs something else, and takes no payment before somebody has read it", async (t) => {
		const page = await openTill(t);
		await put(page, "소금빵", "크루아상", "생수");
		await edit("소금빵", { state: "archived" });
		await edit("크루아상", { price: 4_100 });
		await page.evaluate(() => dispatchEvent(new Event("online")));
		await page.getByRole("dialog").waitFor();
		await screenshot(page, "till-changed");
		await assertAccessible(page, "what has changed");
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		// What nobody has read is there after a reload as well.
		await page.reload();
		await assertTold(page, [
			"소금빵",
			"더는 팔지 않아 뺐어요.",
			"크루아상",
			"가격이 3,800에서 4,100닢으로 바뀌었어요.",
			"지금 합계는 5,600닢이에요.",
		]);
		await page.getByRole("button", { name: /결제 받기 5,600/ }).click();
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await page.getByRole("heading", { name: "결제됐어요" }).waitFor();
		const { items: sales } = await cafe.owner.api.ok("store.listSales", { storeId: cafe.id, limit: 10 });
		assert.deepEqual(
			sales.map(({ total }) => total),
			[5_600],
		);
	});

	it("says so at the counter when the total changes while the customer's code is awaited, or was refused for it", async (t) => {
		const page = await openTill(t);
		await put(page, "녹차", "유자차");
		await page.keyboard.press("F8");
		await page.getByRole("heading", { name: "손님의 QR을 비춰 주세요" }).waitFor();
		await edit("유자차", { price: 5_300 });
		await page.evaluate(() => dispatchEvent(new Event("online")));
		await assertTold(page, ["유자차", "가격이 5,200에서 5,300닢으로 바뀌었어요."]);
		await page.keyboard.press("F8");
		await edit("녹차", { state: "archived" });
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await page.getByRole("heading", { name: "결제되지 않았어요" }).waitFor();
		await page.getByRole("button", { name: "돌아가기" }).click();
		await assertTold(page, ["녹차", "더는 팔지 않아 뺐어요."]);
	});

	it("says it of an order that was parked meanwhile", async (t) => {
		const page = await openTill(t);
		await put(page, "생수");
		await page.keyboard.press("F9");
		await edit("생수", { price: 1_700 });
		await page.evaluate(() => dispatchEvent(new Event("online")));
		await page.getByRole("button", { name: /생수, 1,700/ }).waitFor();
		await page.getByRole("button", { name: "보류 1" }).click();
		await page.getByRole("button", { name: "이어서 하기" }).click();
		await assertTold(page, ["생수", "가격이 1,500에서 1,700닢으로 바뀌었어요."]);
	});
});
