import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { Page, Route } from "playwright-core";
import { newPerson, type Person } from "../api/people.ts";
import {
	assertAccessible,
	describeInBrowser,
	drawn,
	goBack,
	intercept,
	platformForAll,
	screenshot,
	visit,
} from "./browser.ts";
import { charge, showsBalance, signUp } from "./wallet-person.ts";

// As long as it is not known what became of what was begun, nothing else is begun, and every screen says so.

const CHECKING = "처리됐는지 확인하고 있어요";

describeInBrowser("a wallet in doubt", () => {
	const platform = platformForAll();
	let friend: Person;
	before(async () => {
		friend = await newPerson(platform.anyone, { name: "Friend" });
	});

	/** Takes every request to the platform and loses the answers, until it is told to stop. */
	async function loseAnswers(page: Page, url: string) {
		const keys = new Set<string>();
		let isCut = true;
		await intercept(page, url, async (route: Route) => {
			keys.add(String(route.request().headers()["idempotency-key"]));
			if (!isCut) return route.continue();
			await route.fetch();
			await route.abort("connectionreset");
		});
		const end = () => {
			isCut = false;
		};
		return { keys, end };
	}

	/** As far as the question whether they are sure. By Enter: a button that says that it is disabled is not pressed by Playwright. */
	async function wantToSend(page: Page, amount: number, to = friend): Promise<void> {
		await visit(page, "/send");
		await page.locator("input[name=to]").fill(to.handle);
		await page.locator("button[type=submit]").click();
		await page.locator(".amount-line input").fill(String(amount));
		await page.keyboard.press("Enter");
	}

	async function wantToCharge(page: Page, amount: number): Promise<void> {
		await visit(page, "/charge");
		await page.locator(".amount-line input").fill(String(amount));
		await page.keyboard.press("Enter");
	}

	it("does not let go of what is being sent, as if it had not been", async () => {
		const { page, browser, complaints } = await signUp(platform);
		await charge(page, 10_000);
		const before = (await friend.api.ok("user.me", {})).balance;
		const { keys, end } = await loseAnswers(page, "**/v1/me/transfers");
		await wantToSend(page, 3_000);
		const dialog = page.getByRole("dialog");
		await dialog.getByRole("button", { name: "보내기" }).click();
		await dialog.getByText(CHECKING).waitFor();
		await screenshot(page, "wallet-send-checking");
		await assertAccessible(page, "send, checking");
		await dialog.getByRole("button", { name: "그만두기" }).click({ force: true });
		await drawn(page);
		assert.ok(await dialog.isVisible());
		// A browser asks at the first Escape, and closes it without asking at the next.
		for (let press = 0; press < 3; press++) {
			await page.keyboard.press("Escape");
			await drawn(page);
		}
		assert.ok(await dialog.isVisible());
		end();
		await page.locator(".toast", { hasText: "3,000닢" }).waitFor();
		await dialog.waitFor({ state: "detached" });
		await showsBalance(page, 7_000);
		assert.equal((await friend.api.ok("user.me", {})).balance, before + 3_000);
		assert.equal(keys.size, 1);
		assert.deepEqual(complaints, []);
		await browser.close();
	});

	it("sends nothing more, and says why, to who left a send in doubt and comes back", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		const before = (await friend.api.ok("user.me", {})).balance;
		const { keys, end } = await loseAnswers(page, "**/v1/me/transfers");
		await wantToSend(page, 3_000);
		const dialog = page.getByRole("dialog");
		await dialog.getByRole("button", { name: "보내기" }).click();
		await dialog.getByText(CHECKING).waitFor();
		await goBack(page);
		await page.getByText(CHECKING).waitFor();
		await wantToSend(page, 3_000);
		await drawn(page);
		assert.equal(await dialog.count(), 0);
		await page.getByText(CHECKING).waitFor();
		await assertAccessible(page, "send, while another is in doubt");
		end();
		await page.locator(".toast", { hasText: "3,000닢" }).waitFor();
		await page.getByText(CHECKING).waitFor({ state: "detached" });
		assert.equal((await friend.api.ok("user.me", {})).balance, before + 3_000);
		assert.equal(keys.size, 1);
		// What is meant anew is sent anew.
		await wantToSend(page, 1_000);
		await dialog.getByRole("button", { name: "보내기" }).click();
		await showsBalance(page, 6_000);
		assert.equal(keys.size, 2);
		await browser.close();
	});

	it("says that nothing was sent to who left a send in doubt that was refused in the end", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		const frozen = await newPerson(platform.anyone, { name: "Frozen" });
		let isCut = true;
		await intercept(page, "**/v1/me/transfers", async (route: Route) =>
			isCut ? route.abort("connectionreset") : route.continue(),
		);
		await wantToSend(page, 3_000, frozen);
		const dialog = page.getByRole("dialog");
		await dialog.getByRole("button", { name: "보내기" }).click();
		await dialog.getByText(CHECKING).waitFor();
		await goBack(page);
		await page.getByText(CHECKING).waitFor();
		await frozen.api.ok("user.freeze", {});
		isCut = false;
		await page.locator(".toast", { hasText: "아까 하던 3,000닢 송금은 되지 않았어요." }).waitFor();
		await showsBalance(page, 10_000);
		await browser.close();
	});

	it("does not give a charge up because the phone's clock was set meanwhile", async () => {
		const { page, browser } = await signUp(platform);
		const isGone = await intercept(page, "**/v1/me/charges", (route) => route.abort("connectionreset"));
		await wantToCharge(page, 7_000);
		await page.getByText(CHECKING).waitFor();
		await page.evaluate(() => {
			const now = Date.now.bind(Date);
			Date.now = () => now() + 3_600_000;
		});
		// As the next thing that it does when sending has come to nothing.
		await page.waitForResponse(/\/v1\/me\/charges\//);
		await isGone();
		await showsBalance(page, 7_000);
		await browser.close();
	});

	it("charges nothing more, and says why, to who left a charge in doubt and comes back", async () => {
		const { page, browser } = await signUp(platform);
		const { keys, end } = await loseAnswers(page, "**/v1/me/charges");
		await wantToCharge(page, 7_000);
		await page.getByText(CHECKING).waitFor();
		await visit(page, "/history");
		await page.getByText(CHECKING).waitFor();
		await wantToCharge(page, 7_000);
		await drawn(page);
		await page.getByText(CHECKING).waitFor();
		end();
		await page.locator(".toast", { hasText: "7,000닢" }).waitFor();
		await page.getByText(CHECKING).waitFor({ state: "detached" });
		await visit(page, "/");
		await showsBalance(page, 7_000);
		assert.equal(keys.size, 1);
		await browser.close();
	});
});
