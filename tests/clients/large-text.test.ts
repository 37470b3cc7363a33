import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { Page, Route } from "playwright-core";
import { operatorAt } from "../api/client.ts";
import { newTill, sell } from "../api/people.ts";
import { describeInBrowser, intercept, openBrowser, phone, screenshot, visit } from "./browser.ts";
import { find, KIM, LEE, openConsole, twoOperators } from "./console-world.ts";
import { openOwner } from "./owner-world.ts";
import { type Cafe, cafeForAll, codeOf, openTillPage, scanByHand } from "./till-world.ts";
import { charge, showsBalance, signUp } from "./wallet-person.ts";

// WCAG 2.2, 1.4.4 and 1.4.10: letters twice as large, and a screen of 320 px, take nothing away.

type Screen = { readonly name: string; readonly width: number; readonly height: number; readonly letterPx: number };
const screens: readonly Screen[] = [
	{ name: "320 px", width: 320, height: 640, letterPx: 16 },
	// As high as a browser's bars leave it.
	{ name: "letters of 32 px", width: 390, height: 664, letterPx: 32 },
];
const usual: Screen = { name: "390 px", width: 390, height: 664, letterPx: 16 };
const languages = ["ko", "en"] as const;
type Language = (typeof languages)[number];

/** What somebody chose in the settings of their browser: `rem` and the widths of media queries follow it. */
const optionsOf = ({ width, height, letterPx }: Screen) => ({
	...phone,
	viewport: { width, height },
	args: [`--blink-settings=defaultFontSize=${letterPx}`],
});

/** Lines that a finger moves, by design: a till's categories, and of the console its screens, its looks, tables and drawings. */
const MOVED = ".categories > *, .top nav > *, .choices > *, .scroll > *, .plot > *";

/** Runs in the page: what reaches beyond the screen. */
function tooWide({ width, moved }: { readonly width: number; readonly moved: string }): string[] {
	const found = [...document.querySelectorAll("body *")].filter((element) => {
		const { right, left, width: own, height } = element.getBoundingClientRect();
		if (own < 2 || height < 2 || element.closest(`.hidden-text, .balance > .coin, svg *, ${moved}`)) return false;
		return getComputedStyle(element).visibility !== "hidden" && (right > width + 1 || left < -1);
	});
	const words = document.createRange();
	const cut = [...document.querySelectorAll(".button")].filter((button) => {
		words.selectNodeContents(button);
		const [inner, outer] = [words.getBoundingClientRect(), button.getBoundingClientRect()];
		const isOneWord = button.childElementCount === 0 && !/\s/.test(button.textContent?.trim() ?? "");
		const isTorn = isOneWord && new Set([...words.getClientRects()].map(({ top }) => top)).size > 1;
		return inner.width > 2 && (isTorn || inner.left < outer.left - 1 || inner.right > outer.right + 1);
	});
	const torn = [...document.querySelectorAll(".right .number")].filter((amount) => amount.getClientRects().length > 1);
	const page = document.documentElement.scrollWidth;
	return [
		...torn.map(({ textContent }) => `an amount in lines: ${textContent}`),
		...cut.map(({ textContent }) => `too narrow for its words: ${textContent?.slice(0, 30)}`),
		...(page > width ? [`the page: ${page}`] : []),
		...found.map(({ nodeName, className, textContent }) => `${nodeName}.${className} ${textContent?.slice(0, 30)}`),
	];
}

async function assertFits(page: Page, { name, width }: Screen, where: string): Promise<void> {
	await page.waitForFunction(() => !document.querySelector('[aria-busy="true"], .skeleton'));
	await screenshot(page, `large-text-${name}-${where}`.replaceAll(/[ /]/g, "-"));
	assert.deepEqual(await page.evaluate(tooWide, { width, moved: MOVED }), [], `${name}, ${where}`);
}

async function speak(page: Page, language: Language): Promise<void> {
	await page.evaluate((chosen) => localStorage.setItem("hannip.language", chosen), language);
	await page.reload();
	await page.locator("h1").first().waitFor();
}

describeInBrowser("large letters and small screens", () => {
	const { platform, cafe } = cafeForAll({ CHARGE_MAX: "2000000000" });

	for (const screen of screens) {
		it(`the wallet shows all of the balance, and nothing beyond the screen, at ${screen.name}`, async (t) => {
			const { page, browser, complaints } = await signUp(platform, optionsOf(screen));
			t.after(() => browser.close());
			assert.equal(
				await page.evaluate(() => getComputedStyle(document.documentElement).fontSize),
				`${screen.letterPx}px`,
			);
			await charge(page, 1_234_500);
			await assertBalanceIsWhole(page, screen, 1_234_500);
			await charge(page, 1_233_333_390);
			await assertBalanceIsWhole(page, screen, 1_234_567_890);
			for (const language of languages) await assertWalletFits(page, screen, language);
			assert.deepEqual(complaints, []);
		});

		it(`the till shows what is in the basket, takes payments, and shows nothing beyond the screen, at ${screen.name}`, async (t) => {
			const browser = await openBrowser(optionsOf(screen));
			t.after(() => browser.close());
			const page = await openTillPage(browser, cafe, { mayRefund: true, discountMaxPercent: 50 });
			for (const language of languages) await assertTillFits(page, screen, language, cafe);
		});
	}
});

describeInBrowser("the owner's pages in large letters and on small screens", () => {
	const { platform, cafe } = cafeForAll();
	before(async () => {
		const storeId = cafe.id;
		await cafe.owner.api.ok("store.addStaff", { storeId, handle: cafe.customer.handle });
		await cafe.owner.api.ok("store.createProduct", {
			...{ storeId, sku: "A".repeat(40), name: "아주긴이름".repeat(10), category: "커피", price: 1_000_000_000_000 },
		});
		await newTill(platform.anyone, cafe, { mayRefund: true });
		await cafe.owner.api.ok("store.createWebhook", {
			...{ storeId, url: `https://192.0.2.1/${"hook".repeat(20)}`, events: ["sale.posted", "payout.posted"] },
		});
	});

	for (const screen of [...screens, { name: "360 px", width: 360, height: 640, letterPx: 16 }, usual])
		it(`show nothing beyond the screen, and all of their tabs, at ${screen.name}`, async (t) => {
			const page = await openOwner(platform, cafe, optionsOf(screen));
			t.after(() => page.context().close());
			for (const language of languages) {
				await speak(page, language);
				for (const path of ["", "report", "products", "tills", "staff", "webhooks", "store"]) {
					await page.goto(`${platform.url}/owner/#${path ? `/s/${cafe.id}/${path}` : "/"}`);
					await page.locator("h1").first().waitFor();
					await assertFits(page, screen, `owner ${language} ${path}`);
					assert.deepEqual(await page.evaluate(tornNames), [], `${screen.name}, ${language} ${path}`);
				}
			}
		});
});

describeInBrowser("the console in large letters and on small screens", () => {
	const { platform, cafe } = cafeForAll(twoOperators);
	before(async () => {
		await sell(cafe, cafe.customer, "s".repeat(36));
		const [accountId, reason] = [cafe.customer.wallet, "아주긴이유".repeat(40)];
		await platform.operator.ok("operator.freeze", { accountId, reason });
		await platform.operator.ok("operator.unfreeze", { accountId, reason });
		const lee = operatorAt(platform.internalUrl, platform.operator.contract, LEE);
		await lee.ok("operator.adjust", { accountId, direction: "give", amount: 1_000_000_000_000, reason });
	});

	for (const screen of [...screens, usual])
		it(`shows nothing beyond the screen, in dialogs neither, at ${screen.name}`, async (t) => {
			const page = await openConsole(platform, KIM, optionsOf(screen));
			t.after(() => page.context().close());
			for (const language of languages) await assertConsoleFits(page, screen, language, cafe);
			await page.locator(".choices .button").click();
			await page.locator("main.enter").waitFor();
			await assertFits(page, screen, "console entrance");
		});
});

async function assertConsoleFits(page: Page, screen: Screen, language: Language, cafe: Cafe): Promise<void> {
	const fits = async (where: string) => {
		await page.locator("h1").first().waitFor();
		await assertFits(page, screen, `console ${language} ${where}`);
	};
	/** The dialog that this button opens. */
	const dialog = async (button: string) => {
		await page.locator(`main ${button}`).first().click();
		await page.locator(".dialog .button").last().scrollIntoViewIfNeeded();
		await fits(`${button} dialog`);
		await page.keyboard.press("Escape");
		await page.locator(".dialog").waitFor({ state: "detached" });
	};
	await speak(page, language);
	for (const path of ["live", "books", "log", "find/nobody"]) {
		await visit(page, `/${path}`);
		await fits(path);
	}
	await page.locator(".empty").waitFor();
	await visit(page, "/books");
	await page.locator("main .button.primary").click();
	await page.locator(".facts").waitFor();
	await fits("audited");
	await visit(page, "/keys");
	await dialog(".button.danger");
	await visit(page, "/adjustments");
	await dialog(".button.primary");
	await find(page, cafe.customer.wallet);
	await fits("account");
	await dialog(".button.danger");
	await dialog(".button.danger + .button");
	await find(page, `${cafe.id}.${"s".repeat(36)}`);
	await page.locator(".details").waitFor();
	await fits("payment");
}

/** Runs in the page: names of stores and products that have hardly a letter's room. */
function tornNames(): string[] {
	return [...document.querySelectorAll(".product-row-name, .tabs-store")]
		.filter((name) => name.clientWidth < 5 * Number.parseFloat(getComputedStyle(name).fontSize))
		.map(({ textContent, clientWidth }) => `${textContent}: ${clientWidth}`);
}

/** Runs in the page. */
function cutOfBalance(): string[] {
	const card = document.querySelector(".balance")?.getBoundingClientRect();
	const amount = document.querySelector(".balance-amount .number")?.getBoundingClientRect();
	if (!card || !amount) return ["there is none"];
	const isWhole = amount.left >= card.left && amount.right <= card.right - 8 && card.right <= innerWidth;
	return isWhole ? [] : [`${amount.left} … ${amount.right} in ${card.left} … ${card.right} of ${innerWidth}`];
}

/** It can be scrolled to: it is wholly on the screen then, and nothing lies over it or cuts it off. */
async function assertReachable(page: Page, selector: string, { height }: Screen): Promise<void> {
	const element = page.locator(selector);
	await element.scrollIntoViewIfNeeded();
	const box = await element.boundingBox();
	assert.ok(box, selector);
	assert.ok(
		box.y >= 0 && box.y + box.height <= height + 1,
		`${selector}: ${box.y} … ${box.y + box.height} of ${height}`,
	);
	const isOnTop = await element.evaluate((button) => {
		const { x, y, width: wide, height: high } = button.getBoundingClientRect();
		const hit = document.elementFromPoint(x + wide / 2, y + high / 2);
		return hit !== null && button.contains(hit);
	});
	assert.ok(isOnTop, `${selector} lies under something`);
}

async function assertBalanceIsWhole(page: Page, screen: Screen, amount: number): Promise<void> {
	for (const language of languages) {
		await visit(page, "/");
		await speak(page, language);
		await showsBalance(page, amount);
		for (const width of [screen.width, 360, 390, 430]) {
			await page.setViewportSize({ width, height: screen.height });
			assert.deepEqual(await page.evaluate(cutOfBalance), [], `${amount} ${language} ${width}`);
		}
		await page.setViewportSize(screen);
	}
}

async function assertWalletFits(page: Page, screen: Screen, language: Language): Promise<void> {
	await speak(page, language);
	for (const path of ["/", "/pay", "/charge", "/send", "/history", "/settings", "/profile", "/password", "/devices"]) {
		await visit(page, path);
		await page.locator("h1").first().waitFor();
		await assertFits(page, screen, `wallet ${language} ${path}`);
	}
	await visit(page, "/history");
	await page.locator('section[aria-busy="false"] .transaction').first().click();
	await page.locator(".receipt").waitFor();
	await assertFits(page, screen, `wallet ${language} receipt`);
}

/** Whenever the tests run: which hours are there depends on when something was sold. After that at two there are many, and the last one is labelled. */
async function soldAtTwo(route: Route): Promise<void> {
	const response = await route.fetch();
	const { items, ...rest } = (await response.json()) as { items: readonly object[] };
	const createdAtMs = Date.parse("2026-11-29T02:00:00+09:00");
	await route.fulfill({ response, json: { ...rest, items: items.map((sale) => ({ ...sale, createdAtMs })) } });
}

/** A sale from the counter to its refund. */
async function assertTillFits(page: Page, screen: Screen, language: Language, cafe: Cafe): Promise<void> {
	const fits = (where: string) => assertFits(page, screen, `till ${where}`);
	const here = (path: string) => `${new URL(page.url()).origin}/till/#${path}`;
	await page.goto(here("/"));
	await speak(page, language);
	for (const index of [3, 6, 7, 9]) await page.locator(".products .product").nth(index).click();
	await fits(`${language} counter`);
	await page.locator(".basket-bar").click();
	await fits(`${language} basket`);
	await assertReachable(page, ".lines > li:last-child .button:last-child", screen);
	await page.locator("#discount").click();
	await fits(`${language} discount`);
	await page.keyboard.press("Escape");
	await assertReachable(page, ".basket .pay", screen);
	await page.locator(".basket .pay").click();
	await fits(`${language} pay`);
	await scanByHand(page, (await codeOf(cafe.customer)).code);
	await page.locator(".outcome.good").waitFor();
	await fits(`${language} paid`);
	await page.keyboard.press("Enter");
	const stop = await intercept(page, /\/sales\?/, soldAtTwo);
	await page.goto(here("/sales"));
	await page.locator(".sale-link").first().waitFor();
	await fits(`${language} sales`);
	await stop();
	await page.locator(".sale-link").first().click();
	await page.locator(".deeds .danger").waitFor();
	await fits(`${language} sale`);
	await page.locator(".deeds .danger").click();
	await fits(`${language} refund`);
	await page.keyboard.press("Escape");
	await page.goto(here("/settings"));
	await page.locator(".settings").first().waitFor();
	await fits(`${language} settings`);
}
