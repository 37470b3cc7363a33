import type { Page } from "playwright-core";
import { PASSWORD } from "../api/people.ts";
import { type BrowserOptions, desktop, openBrowser, type ServedPlatform } from "./browser.ts";
import type { Cafe } from "./till-world.ts";

/** Says who owns the café, where that is asked for, in whatever language. */
export async function logIn(page: Page, { owner }: Cafe, password = PASSWORD): Promise<void> {
	await page.locator("input[name=username]").fill(owner.handle);
	await page.locator("input[name=password]").fill(password);
	await page.keyboard.press("Enter");
}

/** The owner's pages in a browser of their own, with the list of the stores of who owns the café. */
export async function openOwner({ url }: ServedPlatform, cafe: Cafe, options: BrowserOptions = desktop): Promise<Page> {
	const browser = await openBrowser(options);
	const page = browser.pages()[0] ?? (await browser.newPage());
	await page.goto(`${url}/owner/`);
	await logIn(page, cafe);
	await page.locator(".store-link").first().waitFor();
	return page;
}
