import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import type { BrowserContext, Page, Route } from "playwright-core";
import { assertAccessible, complaintsOf, describeInBrowser, drawn, intercept, screenshot } from "./browser.ts";
import { logIn, openOwner } from "./owner-world.ts";
import { cafeForAll, codeOf } from "./till-world.ts";

// A payout of which it is not known what became is settled before another is made: in whatever tab, after whatever reload.

const PAYOUTS = /\/v1\/stores\/[^/]+\/payouts$/;
const CHECKING = "처리됐는지 확인하고 있어요";

describeInBrowser("an owner's payout in doubt", () => {
	const { platform, cafe } = cafeForAll();
	let browser: BrowserContext;
	before(async () => {
		for (let index = 0; index < 3; index++) {
			const items = [{ productId: String(cafe.products[0]?.id), quantity: 5 }];
			await cafe.owner.api.ok("store.sell", { storeId: cafe.id, code: (await codeOf(cafe.customer)).code, items });
		}
		const page = await openOwner(platform, cafe);
		browser = page.context();
		// Another tab goes on with what the one under test has begun.
		await page.goto("about:blank");
	});

	/** The takings, with a button to pay them out. */
	async function takings(t: TestContext): Promise<Page> {
		const page = await browser.newPage();
		t.after(() => page.close());
		await page.goto(`${platform.url}/owner/#/s/${cafe.id}/report`);
		await wish(page).waitFor();
		return page;
	}

	const wish = (page: Page) => page.getByRole("button", { name: "정산하기" });
	const dialog = (page: Page) => page.getByRole("dialog");

	async function payOut(page: Page): Promise<void> {
		await wish(page).click();
		await page.getByLabel("금액").fill("5000");
		await page.getByRole("button", { name: "5,000닢 정산" }).click();
	}

	/** Loses every request on its way, until it is told otherwise. */
	async function cut(page: Page) {
		const keys = new Set<string>();
		let decide = (route: Route): Promise<void> => route.abort("connectionreset");
		const stop = await intercept(page, PAYOUTS, (route) => {
			keys.add(String(route.request().headers()["idempotency-key"]));
			return decide(route);
		});
		const answer = (next: typeof decide) => {
			decide = next;
		};
		return { keys, stop, answer };
	}

	const paidOut = async (): Promise<number> => {
		const date = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Seoul" }).format(Date.now());
		return (await cafe.owner.api.ok("store.report", { storeId: cafe.id, date })).payouts.amount;
	};

	it("cannot be left as if it had not been made, and is the same one after a reload", async (t) => {
		const page = await takings(t);
		const complaints = complaintsOf(page);
		const before = await paidOut();
		const { keys, stop, answer } = await cut(page);
		await payOut(page);
		await page.getByText(CHECKING).waitFor();
		await assertAccessible(page, "payout, checking");
		await dialog(page).getByRole("button", { name: "취소" }).click({ force: true });
		for (let press = 0; press < 3; press++) {
			await page.keyboard.press("Escape");
			await drawn(page);
		}
		assert.ok(await dialog(page).isVisible());
		await page.reload();
		await page.getByText(CHECKING).waitFor();
		await wish(page).waitFor({ state: "detached" });
		await screenshot(page, "owner-payout-checking");
		await assertAccessible(page, "payout, checking after a reload");
		answer((route) => route.continue());
		await page.getByText("5,000닢을 정산했어요.").waitFor();
		await wish(page).waitFor();
		assert.equal(await paidOut(), before + 5_000);
		assert.equal(keys.size, 1);
		assert.deepEqual(complaints, []);
		// What is meant anew is paid out anew.
		await payOut(page);
		await dialog(page).waitFor({ state: "detached" });
		assert.equal(await paidOut(), before + 10_000);
		assert.equal(keys.size, 2);
		await stop();
	});

	it("is not made a second time in another tab", async (t) => {
		const [page, other] = [await takings(t), await takings(t)];
		const before = await paidOut();
		const { keys, stop, answer } = await cut(page);
		await payOut(page);
		await page.getByText(CHECKING).waitFor();
		await payOut(other);
		await other.getByText(CHECKING).waitFor();
		answer((route) => route.continue());
		for (const tab of [page, other]) await dialog(tab).waitFor({ state: "detached" });
		for (const tab of [page, other]) await wish(tab).waitFor();
		assert.equal(await paidOut(), before + 5_000);
		assert.equal(keys.size, 1);
		await stop();
	});

	it("is remembered when the session ends before its answer comes", async (t) => {
		const page = await takings(t);
		const before = await paidOut();
		const { keys, stop, answer } = await cut(page);
		await payOut(page);
		await page.getByText(CHECKING).waitFor();
		answer((route) => route.fulfill({ status: 401, json: { code: "session_ended", status: 401, title: "It ended" } }));
		await page.getByLabel("아이디").waitFor();
		answer((route) => route.continue());
		await logIn(page, cafe);
		await page.getByText("5,000닢을 정산했어요.").waitFor();
		await wish(page).waitFor();
		assert.equal(await paidOut(), before + 5_000);
		assert.equal(keys.size, 1);
		await stop();
	});
});
