import { randomBytes } from "node:crypto";
import type { BrowserContext, Page } from "playwright-core";
import { type BrowserOptions, complaintsOf, openBrowser, type ServedPlatform, visit } from "./browser.ts";

export const PASSWORD = "nine purple ladders";

/** Somebody with a phone. */
export type Someone = {
	readonly handle: string;
	readonly browser: BrowserContext;
	readonly page: Page;
	/** What their page complained about. */
	readonly complaints: readonly string[];
};

/** Opens a phone that was never used, and signs somebody up on it. */
export async function signUp(
	platform: ServedPlatform,
	{ name = "김지민", ...options }: BrowserOptions & { readonly name?: string } = {},
): Promise<Someone> {
	const browser = await openBrowser(options);
	const page = await browser.newPage();
	const complaints = complaintsOf(page);
	const handle = `jimin.${randomBytes(5).toString("hex")}`;
	await page.goto(`${platform.url}/wallet/#/signup`);
	await page.locator("input[name=displayName]").fill(name);
	await page.locator("input[name=handle]").fill(handle);
	await page.locator("input[name=password]").fill(PASSWORD);
	await page.locator("button[type=submit]").click();
	await page.locator(".balance").waitFor();
	return { handle, browser, page, complaints };
}

/** By the screen, as people do. */
export async function charge(page: Page, amount: number): Promise<void> {
	await visit(page, "/charge");
	await page.locator(".amount-line input").fill(String(amount));
	await page.locator("button[type=submit]").click();
	await page.locator(".balance").waitFor();
}

/** The number on the home screen. */
export const showsBalance = (page: Page, amount: number) =>
	page.locator(".balance-amount", { hasText: new RegExp(`^${amount.toLocaleString("en")}(닢| credit)$`) }).waitFor();
