import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { newPerson } from "../api/people.ts";
import { describeInBrowser, desktop, openBrowser } from "./browser.ts";
import { dialogOf, enter, KIM, twoOperators } from "./console-world.ts";
import { cafeForAll, codeOf, openTillPage, scanByHand } from "./till-world.ts";

const LATE_MS = 2_000;

/** What a busy device does late: it draws the next frame, and tells pages of a new address. */
const slowDown = (browser: BrowserContext): Promise<unknown> =>
	browser.addInitScript((lateMs) => {
		const { requestAnimationFrame: draw, setTimeout: later, addEventListener: listen } = globalThis;
		// How long Preact waits for a frame before it goes on without.
		const frameMs = 35;
		const slow = (name: string, hear: (event: Event) => void) => {
			return name === "hashchange" ? (event: Event) => later(() => hear(event), lateMs) : hear;
		};
		Object.assign(globalThis, {
			requestAnimationFrame: (done: FrameRequestCallback) => draw((nowMs) => later(() => done(nowMs), lateMs)),
			setTimeout: (done: () => void, ms: number, ...rest: []) => later(done, ms === frameMs ? lateMs : ms, ...rest),
			addEventListener: (name: string, hear: (event: Event) => void, ...rest: []) =>
				listen(name, slow(name, hear), ...rest),
		});
	}, LATE_MS);

describeInBrowser("a device that is slower than who holds it", () => {
	const { platform, cafe, newBrowser } = cafeForAll(twoOperators);

	async function openConsole(t: TestContext): Promise<Page> {
		const browser = await openBrowser(desktop);
		t.after(() => browser.close());
		await slowDown(browser);
		const page = await browser.newPage();
		await page.goto(`${platform.internalUrl}/console/`);
		await enter(page, KIM);
		return page;
	}

	it("goes on at the Enter that is pressed as soon as it says that it was paid", async (t) => {
		const browser = await newBrowser(t);
		await slowDown(browser);
		const page = await openTillPage(browser, cafe);
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await page.getByRole("heading", { name: "결제됐어요" }).waitFor();
		await page.keyboard.press("Enter");
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
	});

	it("keeps what is written on a screen as soon as that was asked for", async (t) => {
		const page = await openConsole(t);
		const { wallet } = await newPerson(platform.anyone);
		const search = async (id: string) => {
			await page.getByRole("navigation").getByRole("link", { name: "찾기", exact: true }).click();
			await page.getByRole("searchbox").fill(id);
			// For longer than it takes to be told where it is.
			await page.waitForTimeout(2 * LATE_MS);
			await page.keyboard.press("Enter");
			await page.getByRole("heading", { name: id }).waitFor();
		};
		await search(wallet);
		await search(cafe.account);
	});

	it("is where it was when a dialog is gone", async (t) => {
		const page = await openConsole(t);
		await page.goto(`${platform.internalUrl}/console/#/find/${encodeURIComponent(cafe.customer.wallet)}`);
		const button = page.getByRole("button", { name: "멈추기" });
		await button.click();
		await page.keyboard.press("Escape");
		await dialogOf(page).waitFor({ state: "detached" });
		assert.ok(await button.evaluate((element) => element === document.activeElement));
	});
});
