import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { newKey } from "../api/client.ts";
import { newPerson, PASSWORD, sell } from "../api/people.ts";
import { assertAccessible, describeInBrowser, intercept, screenshot } from "./browser.ts";
import { cafeForAll } from "./till-world.ts";

// A day at the till: what is typed, what is sold out, who goes home, and what was sold.

const SALES_OF_A_DAY = /\/v1\/stores\/[^/]+\/sales\?/;

describeInBrowser("a till on an ordinary day", () => {
	const { platform, cafe, newPage, openTill } = cafeForAll();

	const till = (t: TestContext) => openTill(t, { discountMaxPercent: 50 });

	async function logIn(page: Page, handle: string): Promise<void> {
		await page.getByRole("button", { name: "직원으로 로그인" }).click();
		await page.getByLabel("아이디").fill(handle);
		await page.getByLabel("비밀번호").fill(PASSWORD);
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: /소금빵/ }).waitFor();
	}

	async function logOut(page: Page): Promise<void> {
		await page.getByRole("link", { name: "설정" }).click();
		await page.getByRole("button", { name: "로그아웃" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "로그아웃" }).click();
	}

	it("logs nobody out who only thinks so: without a network it says that it cannot", async (t) => {
		const staff = await newPerson(platform.anyone, { name: "Mina" });
		await cafe.owner.api.ok("store.addStaff", { storeId: cafe.id, handle: staff.handle });
		const page = await newPage(t);
		await page.goto(`${platform.url}/till/`);
		await logIn(page, staff.handle);
		await page.context().setOffline(true);
		await logOut(page);
		await page.locator(".toast", { hasText: "연결할 수 없어요" }).waitFor();
		await page.getByText(`@${staff.handle}`).waitFor();
		await screenshot(page, "till-not-logged-out");
		await page.context().setOffline(false);
		await logOut(page);
		await page.getByLabel("연결 코드").waitFor();
		await page.goto(`${platform.url}/wallet/`);
		await page.getByRole("link", { name: "지갑 만들기" }).waitFor();
	});

	it("lets owners refund who log in as staff, as those are told who may not", async (t) => {
		await sell(cafe, cafe.customer, newKey());
		const page = await newPage(t);
		await page.goto(`${platform.url}/till/`);
		await logIn(page, cafe.owner.handle);
		await page.getByRole("link", { name: "내역" }).click();
		await page.locator(".sale-link").first().click();
		await page.getByRole("button", { name: "환불하기" }).waitFor();
	});

	it("lets those go whose log-in is over", async (t) => {
		const staff = await newPerson(platform.anyone, { name: "Mina" });
		await cafe.owner.api.ok("store.addStaff", { storeId: cafe.id, handle: staff.handle });
		const page = await newPage(t);
		await page.goto(`${platform.url}/till/`);
		await logIn(page, staff.handle);
		for (const { id, current } of (await staff.api.ok("auth.listSessions", {})).items)
			if (!current) await staff.api.ok("auth.revokeSession", { sessionId: id });
		await logOut(page);
		await page.getByLabel("연결 코드").waitFor();
	});

	it("takes a quantity as people write it, and leaves it as it was where it is none", async (t) => {
		const page = await till(t);
		await page.getByRole("button", { name: /초콜릿/ }).click();
		const quantity = page.getByLabel(/수량/);
		for (const [typed, taken] of [
			["1,000", "1000"],
			["１２", "12"],
			["3개", "12"],
			["", "12"],
			["99999", "10000"],
			["99999", "10000"],
		] as const) {
			await quantity.fill(typed);
			await page.keyboard.press("Tab");
			await page.locator(".basket .pay .number", { hasText: (Number(taken) * 6_800).toLocaleString("en") }).waitFor();
			assert.equal(await quantity.inputValue(), taken, typed);
		}
		await quantity.fill("0");
		await page.keyboard.press("Tab");
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
	});

	it("gives the next customer no discount of what is not for sale any more", async (t) => {
		const page = await till(t);
		const bread = cafe.products.find(({ name }) => name === "크루아상") ?? assert.fail();
		await page.getByRole("button", { name: /크루아상/ }).click();
		await page.getByRole("button", { name: "할인" }).click();
		await page.getByRole("button", { name: "50%" }).click();
		await page.getByRole("button", { name: /결제 받기 1,900/ }).waitFor();
		const { id: productId, version } = bread;
		await cafe.owner.api.ok("store.editProduct", { storeId: cafe.id, productId, version, state: "archived" });
		await page.reload();
		await page.getByRole("button", { name: "확인했어요" }).click();
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await page.getByRole("button", { name: /결제 받기 6,800/ }).waitFor();
	});

	it("does not say that nothing was sold, or how much, where it could not ask for all", async (t) => {
		await sell(cafe, cafe.customer, newKey());
		const page = await till(t);
		const [sale = assert.fail()] = (await cafe.owner.api.ok("store.listSales", { storeId: cafe.id, limit: 1 })).items;
		let reached = 0;
		let asked = 0;
		await intercept(page, SALES_OF_A_DAY, (route) => {
			if (asked >= reached) return route.abort("internetdisconnected");
			const items = Array.from({ length: 100 }, (_, index) => ({ ...sale, id: `${sale.id}-${asked}-${index}` }));
			return route.fulfill({ json: { items, nextCursor: `page-${++asked}` } });
		});
		for (reached of [0, 1]) {
			asked = 0;
			await page.getByRole("link", { name: "설정" }).click();
			await page.getByRole("link", { name: "내역" }).click();
			await page.getByRole("alert").getByText("연결할 수 없어요").waitFor();
			for (const text of ["이날은 판매가 없어요.", "받은 금액"])
				assert.equal(await page.getByText(text).count(), 0, text);
			await screenshot(page, `till-sales-unreachable-${reached}`);
		}
		[reached, asked] = [Number.POSITIVE_INFINITY, 0];
		await page.getByRole("button", { name: "다시 시도" }).click();
		await page.getByText("마지막 1,000건만 보여요").waitFor();
		assert.equal(asked, 10);
		await screenshot(page, "till-sales-part");
		await assertAccessible(page, "a part of the sales");
	});
});
