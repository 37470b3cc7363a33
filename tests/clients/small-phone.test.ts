import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { newPerson } from "../api/people.ts";
import { describeInBrowser, openBrowser, phone, screenshot, visit } from "./browser.ts";
import { cafeForAll } from "./till-world.ts";
import { charge, showsBalance, signUp } from "./wallet-person.ts";

// What is in hand most: 360 × 640, in both languages, and with letters twice as large.

const optionsOf = (locale: string, letterPx = 16) => ({
	...phone,
	viewport: { width: 360, height: 640 },
	locale,
	args: [`--blink-settings=defaultFontSize=${letterPx}`],
});

/** Runs in the page: the texts of these that go on in a second line. */
const brokenIn = (page: Page, selector: string): Promise<string[]> =>
	page.evaluate((broken) => {
		const words = document.createRange();
		const lines = (element: Element): number => {
			const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
			const bottoms = new Set<number>();
			while (texts.nextNode()) {
				words.selectNodeContents(texts.currentNode);
				for (const { bottom } of words.getClientRects()) bottoms.add(Math.round(bottom / 8));
			}
			return bottoms.size;
		};
		const found = [...document.querySelectorAll(broken)].filter((element) => lines(element) > 1);
		return found.map(({ textContent }) => String(textContent));
	}, selector);

describeInBrowser("a small phone", () => {
	const { platform, cafe } = cafeForAll();

	for (const locale of ["ko-KR", "en-GB"])
		for (const letterPx of [16, 32])
			it(`breaks no word of the till's tabs and no total, ${locale}, letters of ${letterPx} px`, async (t) => {
				const browser = await openBrowser(optionsOf(locale, letterPx));
				t.after(() => browser.close());
				const [page = await browser.newPage()] = browser.pages();
				const invitation = await cafe.owner.api.ok("store.createPairing", { storeId: cafe.id, name: "1" });
				await page.goto(invitation.link);
				await page.locator("button[type=submit]").click();
				await page.getByRole("button", { name: /초콜릿/ }).click();
				await page.getByRole("button", { name: /바스크/ }).click();
				await page.locator(".basket-bar").waitFor();
				await screenshot(page, `small-till-${locale}-${letterPx}`);
				assert.deepEqual(await brokenIn(page, ".tab, .basket-bar > :last-child"), []);
			});

	it("says nothing over what a dialog asks", async () => {
		const friend = await newPerson(platform.anyone, { name: "Minji", credit: 500 });
		const { page, browser, handle } = await signUp(platform, optionsOf("ko-KR"));
		await charge(page, 10_000);
		await visit(page, "/send");
		await page.locator("input[name=to]").fill(friend.handle);
		await page.locator("button[type=submit]").click();
		await page.locator(".amount-line input").fill("3000");
		await page.locator("button[type=submit]").click();
		await page.getByRole("dialog").waitFor();
		// What was said before may be there still.
		const covered = page.waitForFunction(() => {
			const said = [...document.querySelectorAll("dialog .toast")].find((each) => /500닢/.test(each.textContent ?? ""));
			const asked = [...document.querySelectorAll("dialog :is(h2, p, button)")];
			if (!said) return undefined;
			const { top, bottom } = said.getBoundingClientRect();
			const isUnder = (each: Element) =>
				each.getBoundingClientRect().top < bottom && each.getBoundingClientRect().bottom > top;
			return { texts: asked.filter(isUnder).map(({ textContent }) => textContent) };
		});
		await friend.api.ok("user.send", { to: handle, amount: 500 });
		assert.deepEqual(await (await covered).jsonValue(), { texts: [] });
		await screenshot(page, "small-wallet-toast");
		await browser.close();
	});

	it("charges what was entered or nothing, and says how much may be", async () => {
		const { page, browser } = await signUp(platform, optionsOf("ko-KR"));
		await visit(page, "/charge");
		await page.locator(".amount-line input").fill("3000000");
		await page.locator("button[type=submit]").click();
		await page.getByRole("alert").getByText("한 번에 2,000,000닢까지").waitFor();
		assert.equal(await page.locator(".amount-line input").inputValue(), "3,000,000");
		await page.locator(".amount-line input").fill("30000");
		await page.locator("button[type=submit]").click();
		await showsBalance(page, 30_000);
		await browser.close();
	});
});
