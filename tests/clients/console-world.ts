import type { Page } from "playwright-core";
import { type BrowserOptions, desktop, openBrowser, type ServedPlatform, visit } from "./browser.ts";

export const KIM = `kim-${"k".repeat(40)}`;
export const LEE = `lee-${"l".repeat(40)}`;
/** For a platform with two operators, of whom each may give 5,000 alone. */
export const twoOperators = { ADJUST_ALONE_MAX: "5000", OPERATOR_TOKENS: `kim:${KIM},lee:${LEE}` };

export async function tryToken(page: Page, token: string): Promise<void> {
	await page.getByLabel("운영자 토큰").fill(token);
	await page.getByRole("button", { name: "들어가기" }).click();
}

export async function enter(page: Page, token: string): Promise<void> {
	await tryToken(page, token);
	await page.getByRole("navigation").waitFor();
}

/** The console in a browser of its own, with an operator at work. */
export async function openConsole(
	{ internalUrl }: ServedPlatform,
	token: string,
	options: BrowserOptions = desktop,
): Promise<Page> {
	const browser = await openBrowser(options);
	const page = browser.pages()[0] ?? (await browser.newPage());
	await page.goto(`${internalUrl}/console/`);
	await enter(page, token);
	return page;
}

export const dialogOf = (page: Page) => page.getByRole("dialog");
export const find = (page: Page, id: string) => visit(page, `/find/${encodeURIComponent(id)}`);

/** Fills the dialog to adjust the account that is shown, and sends it. */
export async function adjust(page: Page, amount: string, direction?: "거두기"): Promise<void> {
	await page.getByRole("main").getByRole("button", { name: "조정", exact: true }).click();
	if (direction) await dialogOf(page).getByText(direction, { exact: true }).click();
	await dialogOf(page).getByLabel("금액").fill(amount);
	await dialogOf(page).getByLabel("이유").fill("보상");
	await dialogOf(page).locator("button[type=submit]").click();
}

/** Whether who cannot see the page is told this text. */
export async function isHeard(page: Page, text: string): Promise<boolean> {
	const session = await page.context().newCDPSession(page);
	const { nodes } = await session.send("Accessibility.getFullAXTree");
	await session.detach();
	return nodes.some(({ ignored, name }) => !ignored && String(name?.value ?? "").includes(text));
}
