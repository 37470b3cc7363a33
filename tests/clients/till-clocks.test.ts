import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { setClockAhead } from "../api/set-clock.ts";
import { describeInBrowser } from "./browser.ts";
import { cafeForAll, codeOf, openTillPage, scanByHand } from "./till-world.ts";

// Neither the till's own clock, nor that of the machine that the ledger runs on, need be right.

const HOUR_MS = 3_600_000;
const COUNTDOWN = /^([1-9]|[1-5]\d|60)초 남음$/;

describeInBrowser("a till, whatever the clocks say,", () => {
	const { platform, cafe, newBrowser } = cafeForAll();

	const balance = async (): Promise<number> => (await cafe.customer.api.ok("user.me", {})).balance;
	const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();

	/** Joined by a device whose clock was wrong from the first. */
	async function till(t: TestContext, { hours = 0, mayRefund = false }): Promise<Page> {
		const browser = await newBrowser(t);
		await browser.addInitScript((aheadMs) => {
			const now = Date.now.bind(Date);
			Date.now = () => now() + aheadMs;
		}, hours * HOUR_MS);
		return openTillPage(browser, cafe, { mayRefund });
	}

	/** @returns the sale's number */
	async function sellByApproval(page: Page): Promise<string> {
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await scanByHand(page, (await codeOf(cafe.customer, 1_000)).code);
		await heading(page, "손님의 승인을 기다려요");
		assert.match(await page.getByRole("timer").innerText(), COUNTDOWN);
		await page.reload();
		await heading(page, "손님의 승인을 기다려요");
		assert.match(await page.getByRole("timer").innerText(), COUNTDOWN);
		const [{ id, storeId, total } = assert.fail()] = (await cafe.customer.api.ok("store.listApprovals", {})).items;
		await cafe.customer.api.ok("store.decide", { id, storeId, total, decision: "confirm" });
		await heading(page, "결제됐어요");
		await page.keyboard.press("Enter");
		return String(id.split(".").at(-1));
	}

	for (const hours of [-1, 1]) {
		it(`joins, sells, waits for approval and refunds with a clock that is ${hours} h off`, async (t) => {
			const page = await till(t, { hours, mayRefund: true });
			const before = await balance();
			await page.goto(`${platform.url}/till/#/sales/${await sellByApproval(page)}`);
			await page.getByRole("button", { name: "환불하기" }).click();
			await page.getByRole("button", { name: "6,800닢 환불" }).click();
			await page.getByText("환불됨").waitFor();
			assert.equal(await balance(), before);
		});

		it(`undoes a sale of just now with a clock that is ${hours} h off, where it may not refund`, async (t) => {
			const page = await till(t, { hours });
			const before = await balance();
			await page.goto(`${platform.url}/till/#/sales/${await sellByApproval(page)}`);
			await page.getByRole("button", { name: "방금 판매 취소하기" }).click();
			await page.getByText("환불됨").waitFor();
			assert.equal(await balance(), before);
		});
	}

	it("shows the sales of the platform's day on a device that is two days behind", async (t) => {
		const page = await till(t, { hours: -48 });
		await sellByApproval(page);
		await page.goto(`${platform.url}/till/#/sales`);
		// As the first thing that it asks for.
		await page.reload();
		await heading(page, "오늘 판매");
		await page.locator(".sale-link").first().waitFor();
	});

	it("counts down the customer's time where the log is an hour ahead of every clock", async (t) => {
		await t.test("a group is dated by a clock that is wrong", async (t) => {
			setClockAhead(t, HOUR_MS, platform.anyone);
			await platform.broker.call("credit.open", {
				accountId: "wallet:u_AAAAAAAAAAAAAAAA",
				owner: "u_AAAAAAAAAAAAAAAA",
			});
		});
		await sellByApproval(await till(t, {}));
	});
});
