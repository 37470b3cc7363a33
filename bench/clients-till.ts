import type { BrowserContext, Page } from "playwright-core";
import { openBrowser, type ServedPlatform, tablet, visit } from "../tests/clients/browser.ts";
import { scan } from "../tests/clients/scan.ts";
import { openCafe, openTillPage, scanByHand } from "../tests/clients/till-world.ts";
import { charge, signUp } from "../tests/clients/wallet-person.ts";

/** The scripts of a till's first view: the scanner comes when it is needed. */
export async function tillScripts({ url }: ServedPlatform): Promise<string[]> {
	const browser = await openBrowser({ ...tablet });
	try {
		const page = await browser.newPage();
		await page.goto(`${url}/till/`);
		await page.getByRole("heading", { level: 1 }).waitFor();
		return await page.evaluate(() =>
			performance
				.getEntriesByType("resource")
				.map(({ name }) => new URL(name).pathname)
				.filter((path) => path.endsWith(".js")),
		);
	} finally {
		await browser.close();
	}
}

/** From the moment when the till has read the code until both screens say that it is paid, in milliseconds. */
export async function scansToPaid(platform: ServedPlatform, rounds: number): Promise<number[]> {
	const cafe = await openCafe(platform);
	const { page: phone, browser: pocket } = await signUp(platform);
	const counter = await openBrowser({ ...tablet });
	try {
		const till = await openTillPage(counter, cafe);
		await charge(phone, 1_000_000);
		const took: number[] = [];
		for (let round = 0; round < rounds; round++) took.push(await onePayment(till, phone));
		return took;
	} finally {
		await Promise.all([pocket, counter].map((browser: BrowserContext) => browser.close()));
	}
}

async function onePayment(till: Page, phone: Page): Promise<number> {
	await visit(phone, "/pay");
	const code = await codeOn(phone);
	await till.getByRole("button", { name: /소금빵/ }).click();
	const shown = [momentOf(till, ".outcome.good"), momentOf(phone, ".paid")];
	// So that both are looking before it begins.
	await Promise.all([till.evaluate(() => 0), phone.evaluate(() => 0)]);
	const began = await till.evaluate(() => performance.timeOrigin + performance.now());
	await scanByHand(till, code);
	const moments = await Promise.all(shown);
	await till.getByRole("button", { name: "다음 손님" }).click();
	await phone.keyboard.press("Escape");
	await visit(phone, "/");
	return Math.max(...moments) - began;
}

/** Between two codes a picture may show neither. */
async function codeOn(phone: Page): Promise<string> {
	for (let left = 5; ; left--) {
		const code = await scan(phone).catch((error: unknown) => {
			if (left === 0) throw error;
		});
		if (code) return code;
	}
}

/** When something like this is drawn, by the page's own clock: all pages here have the same machine's. */
const momentOf = (page: Page, selector: string): Promise<number> =>
	page.evaluate(
		(wanted) =>
			new Promise<number>((resolve) => {
				const look = () => {
					if (!document.querySelector(wanted)) return;
					observer.disconnect();
					requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
				};
				const observer = new MutationObserver(look);
				observer.observe(document, { childList: true, subtree: true });
				look();
			}),
		selector,
	);
