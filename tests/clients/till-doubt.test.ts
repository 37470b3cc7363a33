import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import type { BrowserContext, Page, Route } from "playwright-core";
import { makeCode } from "../../mixins/payment-code.ts";
import { newKey } from "../api/client.ts";
import { codeKeyOf, sell } from "../api/people.ts";
import { assertAccessible, describeInBrowser, intercept, openBrowser, screenshot, tablet } from "./browser.ts";
import { cafeForAll, codeOf, openTillPage, scanByHand } from "./till-world.ts";

// Whatever happens on the way, the till says nothing that is not true, and comes to know what is.

const SALES = /\/v1\/stores\/[^/]+\/sales$/;

describeInBrowser("a till in doubt", () => {
	const { platform, cafe } = cafeForAll();
	let browser: BrowserContext;
	before(async () => {
		browser = await openBrowser({ ...tablet });
		const page = await openTillPage(browser, cafe, { mayRefund: true });
		// Another tab goes on with what the one under test has begun.
		await page.goto("about:blank");
	});

	/** The till, with nothing in its basket. */
	async function till(t: TestContext): Promise<Page> {
		const page = await browser.newPage();
		t.after(() => page.close());
		await page.goto(`${platform.url}/till/`);
		await page.evaluate(() => localStorage.clear());
		await page.reload();
		return page;
	}

	/** A customer with a cake scans their code. */
	async function buy(page: Page, code: string): Promise<void> {
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await scanByHand(page, code);
	}

	const balance = async (): Promise<number> => (await cafe.customer.api.ok("user.me", {})).balance;
	const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();

	/** Takes the request to the platform, and loses the answer. */
	const loseAnswer = async (route: Route): Promise<void> => {
		await route.fetch();
		await route.abort("connectionreset");
	};

	it("never says that a payment failed whose answer was lost, and finds out that it was paid, once", async (t) => {
		const page = await till(t);
		const before = await balance();
		let lost = 0;
		await intercept(page, SALES, (route) =>
			route.request().method() === "POST" && lost++ < 2 ? loseAnswer(route) : route.continue(),
		);
		await buy(page, (await codeOf(cafe.customer)).code);
		await heading(page, "결과를 확인하고 있어요");
		await screenshot(page, "till-checking");
		await assertAccessible(page, "checking");
		await heading(page, "결제됐어요");
		assert.ok(lost >= 2);
		assert.equal(before - (await balance()), 6_800);
	});

	it("goes on after a reload in the middle, with the same sale", async (t) => {
		const page = await till(t);
		const before = await balance();
		let isCut = true;
		await intercept(page, SALES, (route) =>
			isCut && route.request().method() === "POST" ? loseAnswer(route) : route.continue(),
		);
		await buy(page, (await codeOf(cafe.customer)).code);
		await heading(page, "결과를 확인하고 있어요");
		await page.reload();
		await heading(page, "결과를 확인하고 있어요");
		isCut = false;
		await heading(page, "결제됐어요");
		assert.equal(before - (await balance()), 6_800);
		await page.reload();
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
	});

	it("cancels what is in doubt: all of it goes back", async (t) => {
		const page = await till(t);
		const before = await balance();
		await intercept(page, SALES, (route) =>
			route.request().method() === "POST" ? loseAnswer(route) : route.continue(),
		);
		await buy(page, (await codeOf(cafe.customer)).code);
		await heading(page, "결과를 확인하고 있어요");
		await page.getByRole("button", { name: "멈추고 취소하기" }).click();
		await heading(page, "취소했어요");
		await screenshot(page, "till-cancelled");
		await page.getByText("결제된 금액을 모두 돌려줬어요.").waitFor();
		assert.equal(await balance(), before);
	});

	it("keeps out what has not arrived: nothing is taken when it comes later", async (t) => {
		const page = await till(t);
		const before = await balance();
		const late: Route[] = [];
		await intercept(page, SALES, (route) => {
			if (route.request().method() !== "POST") return route.continue();
			late.push(route);
			return undefined;
		});
		await buy(page, (await codeOf(cafe.customer)).code);
		await heading(page, "결과를 확인하고 있어요");
		await page.getByRole("button", { name: "멈추고 취소하기" }).click();
		await heading(page, "취소했어요");
		await Promise.all(late.map((route) => route.fetch().catch(() => undefined)));
		assert.equal(await balance(), before);
	});

	it("says why a payment was refused, and takes the next code", async (t) => {
		const page = await till(t);
		const { code } = await codeOf(cafe.customer);
		await sell(cafe, cafe.customer, newKey());
		await cafe.owner.api.ok("store.sell", {
			storeId: cafe.id,
			code,
			items: [{ productId: String(cafe.products[0]?.id), quantity: 1 }],
		});
		const before = await balance();
		await buy(page, code);
		await heading(page, "결제되지 않았어요");
		await page.getByText(/이미 쓴 코드예요/).waitFor();
		await screenshot(page, "till-refused");
		await assertAccessible(page, "refused");
		await page.keyboard.press("Enter");
		await heading(page, "손님의 QR을 비춰 주세요");
		await screenshot(page, "till-scan");
		await assertAccessible(page, "scan");
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await heading(page, "결제됐어요");
		assert.equal(before - (await balance()), 6_800);
	});

	it("refuses a code that has expired, and what is no code", async (t) => {
		const page = await till(t);
		await buy(page, "HN:NOT A CODE OF OURS");
		await heading(page, "결제되지 않았어요");
		await page.getByText(/한닢 결제 코드가 아니에요/).waitFor();
		await page.keyboard.press("Enter");
		await heading(page, "손님의 QR을 비춰 주세요");
		const { userId } = cafe.customer;
		const old = { userId, nowMs: Date.now() - 61_000, ttlS: 60, cap: 100_000 };
		await scanByHand(page, makeCode(old, codeKeyOf(platform.broker)).code);
		await page.getByText(/코드 시간이 지났어요/).waitFor();
	});

	it("waits for the customer to approve a large payment, or to decline it", async (t) => {
		const page = await till(t);
		const before = await balance();
		for (const decision of ["confirm", "decline"] as const) {
			await buy(page, (await codeOf(cafe.customer, 1_000)).code);
			await heading(page, "손님의 승인을 기다려요");
			await page.getByText(/초 남음/).waitFor();
			await screenshot(page, "till-waiting");
			await assertAccessible(page, "waiting");
			if (decision === "confirm") await page.reload();
			await heading(page, "손님의 승인을 기다려요");
			const [{ id, storeId, total } = assert.fail()] = (await cafe.customer.api.ok("store.listApprovals", {})).items;
			await cafe.customer.api.ok("store.decide", { id, storeId, total, decision });
			await heading(page, decision === "confirm" ? "결제됐어요" : "결제되지 않았어요");
			assert.equal(before - (await balance()), 6_800);
			if (decision === "confirm") await page.keyboard.press("Enter");
		}
		await page.getByText(/손님이 승인하지 않았어요/).waitFor();
	});

	it("refunds once, whatever is lost on the way", async (t) => {
		const { id } = await sell(cafe, cafe.customer, newKey());
		const before = await balance();
		const page = await till(t);
		let isCut = true;
		await intercept(page, /\/refunds$/, (route) => (isCut ? loseAnswer(route) : route.continue()));
		await page.goto(`${platform.url}/till/#/sales/${id}`);
		await page.getByRole("button", { name: "환불하기" }).click();
		await page.getByText("일부").click();
		await page.getByLabel("환불할 금액").fill("1000");
		await page.getByRole("button", { name: "1,000닢 환불" }).click();
		await page.getByText("환불됐는지 확인하고 있어요").waitFor();
		await page.reload();
		await page.getByText("환불됐는지 확인하고 있어요").waitFor();
		isCut = false;
		await page.getByText("일부 환불").waitFor();
		assert.equal((await balance()) - before, 1_000);
		await screenshot(page, "till-sale-refunded");
	});

	it("does not say of a refund that was made that it was not allowed, when that was taken back after its answer was lost", async (t) => {
		const { id } = await sell(cafe, cafe.customer, newKey());
		const before = await balance();
		const page = await till(t);
		const json = { type: "/problems/forbidden", title: "This is not allowed", status: 403, code: "forbidden" };
		let isLost = false;
		await intercept(page, /\/refunds$/, (route) => {
			if (isLost) return route.fulfill({ status: 403, contentType: "application/problem+json", json });
			isLost = true;
			return loseAnswer(route);
		});
		await page.goto(`${platform.url}/till/#/sales/${id}`);
		await page.getByRole("button", { name: "환불하기" }).click();
		await page.getByText("일부").click();
		await page.getByLabel("환불할 금액").fill("1000");
		await page.getByRole("button", { name: "1,000닢 환불" }).click();
		await page.getByText("일부 환불").waitFor();
		assert.equal((await balance()) - before, 1_000);
	});

	it("refunds once in two tabs: one does, and the other waits and shows it", async (t) => {
		const { id } = await sell(cafe, cafe.customer, newKey());
		const before = await balance();
		const [page, other] = [await till(t), await till(t)];
		let isCut = true;
		const stop = await intercept(page, /\/refunds$/, (route) => (isCut ? loseAnswer(route) : route.continue()));
		for (const tab of [page, other]) await tab.goto(`${platform.url}/till/#/sales/${id}`);
		for (const tab of [page, other]) await tab.getByRole("button", { name: "환불하기" }).click();
		for (const tab of [page, other]) {
			await tab.locator("dialog button[type=submit]").click();
			await tab.getByText("환불됐는지 확인하고 있어요").waitFor();
		}
		isCut = false;
		for (const tab of [page, other]) await tab.getByText("환불됨").waitFor();
		assert.equal(await other.locator(".toast").count(), 0);
		assert.equal((await balance()) - before, 4_500);
		await stop();
	});

	it("starts without a network with what it knew, says what to do, and goes on when there is one", async (t) => {
		const page = await till(t);
		const before = await balance();
		await page.evaluate(() => navigator.serviceWorker.ready);
		await page.reload();
		await page.getByRole("button", { name: /초콜릿/ }).waitFor();
		await browser.setOffline(true);
		t.after(() => browser.setOffline(false));
		await page.reload();
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await page.getByRole("status").getByText("연결이 끊겼어요").waitFor();
		await screenshot(page, "till-offline");
		await assertAccessible(page, "offline");
		const { code } = await codeOf(cafe.customer);
		await scanByHand(page, code);
		await heading(page, "지금은 결제를 받을 수 없어요");
		await screenshot(page, "till-offline-pay");
		await assertAccessible(page, "offline, paying");
		await browser.setOffline(false);
		await heading(page, "손님의 QR을 비춰 주세요");
		assert.equal(await balance(), before);
		await scanByHand(page, code);
		await heading(page, "결제됐어요");
		assert.equal(before - (await balance()), 6_800);
	});

	it("is one till in two tabs: one sells, both show it, and the other goes on when the one is closed", async (t) => {
		const [page, other] = [await till(t), await till(t)];
		const before = await balance();
		let isCut = true;
		let asked = 0;
		await browser.route(SALES, (route) => {
			if (route.request().method() === "POST") asked++;
			return isCut && route.request().method() === "POST" ? loseAnswer(route) : route.continue();
		});
		t.after(() => browser.unroute(SALES));
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await other.getByRole("button", { name: /결제 받기 6,800/ }).waitFor();
		const codes = [(await codeOf(cafe.customer)).code, (await codeOf(cafe.customer)).code] as const;
		await Promise.all([scanByHand(page, codes[0]), scanByHand(other, codes[1])]);
		for (const tab of [page, other]) await heading(tab, "결과를 확인하고 있어요");
		const sofar = asked;
		await page.close();
		isCut = false;
		await heading(other, "결제됐어요");
		assert.ok(asked > sofar);
		assert.equal(before - (await balance()), 6_800);
		await other.keyboard.press("Enter");
		await other.getByText("상품을 눌러 담아 보세요.").waitFor();

		const third = await till(t);
		await buy(third, (await codeOf(cafe.customer)).code);
		for (const tab of [third, other]) await heading(tab, "결제됐어요");
		await other.keyboard.press("Enter");
		for (const tab of [third, other]) await tab.getByText("상품을 눌러 담아 보세요.").waitFor();
		assert.equal(before - (await balance()), 2 * 6_800);
	});

	it("is cancelled from either of two tabs", async (t) => {
		const [page, other] = [await till(t), await till(t)];
		const before = await balance();
		await intercept(page, SALES, (route) =>
			route.request().method() === "POST" ? loseAnswer(route) : route.continue(),
		);
		await buy(page, (await codeOf(cafe.customer)).code);
		await other.getByRole("button", { name: "멈추고 취소하기" }).click();
		for (const tab of [page, other]) await heading(tab, "취소했어요");
		assert.equal(await balance(), before);
	});

	it("is told when its owner has ended it, and joins again", async (t) => {
		const page = await till(t);
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await page.waitForLoadState("networkidle");
		const before = (await cafe.owner.api.ok("store.listTills", { storeId: cafe.id })).items;
		await cafe.owner.api.ok("store.revokeTill", { storeId: cafe.id, tillId: String(before.at(-1)?.id) });
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await heading(page, "이 계산대는 연결이 끊겼어요");
		await screenshot(page, "till-ended");
		await assertAccessible(page, "ended");
		await page.getByRole("button", { name: "다시 연결하기" }).click();
		await heading(page, "가게에 연결하기");
		await screenshot(page, "till-pair");
		await assertAccessible(page, "pair");
		const { pairingCode } = await cafe.owner.api.ok("store.createPairing", { storeId: cafe.id, name: "2번 계산대" });
		await page.getByLabel("연결 코드").fill("WRONG");
		await page.keyboard.press("Enter");
		await page.getByText("영문과 숫자 여덟 자리예요.").waitFor();
		await page.getByLabel("연결 코드").fill(pairingCode);
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: /초콜릿/ }).waitFor();
	});
});
