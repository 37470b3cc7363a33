import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import type { Page, Route } from "playwright-core";
import { newPerson, type Person } from "../api/people.ts";
import { assertAccessible, complaintsOf, describeInBrowser, intercept, platformForAll, screenshot } from "./browser.ts";
import { adjust, dialogOf, enter, find, isHeard, KIM, LEE, openConsole, twoOperators } from "./console-world.ts";

// An adjustment of which it is not known what became is settled before another is made: in whatever tab, after whatever reload.

const CHECKING = "처리됐는지 확인하고 있어요";

describeInBrowser("an operator's adjustment in doubt", () => {
	const platform = platformForAll(twoOperators);
	let bob: Person;
	before(async () => {
		bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
	});

	async function open(t: TestContext): Promise<Page> {
		const page = await openConsole(platform, KIM);
		t.after(() => page.context().close());
		await find(page, bob.wallet);
		await wish(page).waitFor();
		return page;
	}

	const wish = (page: Page) => page.getByRole("main").getByRole("button", { name: "조정", exact: true });
	const balance = async () => (await bob.api.ok("user.me", {})).balance;
	/** Carries every adjustment out, and loses what is said of it. */
	const lose = async (route: Route) => {
		await route.fetch();
		await route.abort("connectionreset");
	};

	/** Decides about what is sent to adjust. */
	async function between(page: Page, first: (route: Route) => Promise<unknown>) {
		const keys = new Set<string>();
		let decide = first;
		const stop = await intercept(page, /\/adjustments$/, (route) => {
			if (route.request().method() !== "POST") return route.continue();
			keys.add(String(route.request().headers()["idempotency-key"]));
			return decide(route);
		});
		const answer = (next: typeof decide) => {
			decide = next;
		};
		return { keys, stop, answer };
	}

	it("cannot be left while it is on its way", async (t) => {
		const page = await open(t);
		const complaints = complaintsOf(page);
		const was = await balance();
		const arrived = Promise.withResolvers<Route>();
		const { keys, stop } = await between(page, async (route) => arrived.resolve(route));
		await adjust(page, "1,000");
		const route = await arrived.promise;
		for (let press = 0; press < 3; press++) await page.keyboard.press("Escape");
		await dialogOf(page).getByRole("button", { name: "그만두기" }).click({ force: true });
		assert.ok(await dialogOf(page).isVisible());
		await route.continue();
		await dialogOf(page).waitFor({ state: "detached" });
		assert.equal(await balance(), was + 1_000);
		assert.equal(keys.size, 1);
		assert.deepEqual(complaints, []);
		await stop();
	});

	it("is the same one after its answer was lost, also after a reload; what became of it is told above a dialog", async (t) => {
		const page = await open(t);
		const was = await balance();
		const { keys, stop, answer } = await between(page, lose);
		await adjust(page, "2,000");
		await dialogOf(page).getByText(CHECKING).waitFor();
		await assertAccessible(page, "an adjustment, checking");
		await page.keyboard.press("Escape");
		assert.ok(await dialogOf(page).isVisible());
		await page.reload();
		await page.getByRole("main").getByText(CHECKING).waitFor();
		assert.equal(await wish(page).getAttribute("aria-disabled"), "true");
		await screenshot(page, "console-adjustment-checking");
		await page.getByRole("button", { name: "멈추기" }).click();
		await dialogOf(page).waitFor();
		answer((route) => route.continue());
		await page.getByText("2,000닢 조정했어요.").waitFor();
		assert.ok(await isHeard(page, "2,000닢 조정했어요."), "it is said beneath the dialog");
		await screenshot(page, "console-toast-above-dialog");
		await page.keyboard.press("Escape");
		await page.getByText(CHECKING).waitFor({ state: "detached" });
		assert.equal(await balance(), was + 2_000);
		assert.equal(keys.size, 1);
		// What is meant anew is made anew.
		await adjust(page, "100");
		await dialogOf(page).waitFor({ state: "detached" });
		assert.equal(await balance(), was + 2_100);
		assert.equal(keys.size, 2);
		await stop();
	});

	it("is its operator's own, who is told why they have to come in again", async (t) => {
		const page = await open(t);
		const was = await balance();
		const { keys, stop, answer } = await between(page, lose);
		await adjust(page, "300");
		await dialogOf(page).getByText(CHECKING).waitFor();
		const ended = { code: "unauthenticated", status: 401, title: "Who is this?" };
		answer((route) => route.fulfill({ status: 401, json: ended }));
		await page.getByText("토큰을 더는 쓸 수 없어요. 다시 들어와 주세요.").waitFor();
		await assertAccessible(page, "the entrance, after the end");
		answer((route) => route.continue());
		await enter(page, LEE);
		await wish(page).waitFor();
		await page.getByRole("button", { name: "나가기" }).click();
		await enter(page, KIM);
		await page.getByText("300닢 조정했어요.").waitFor();
		assert.equal(await balance(), was + 300);
		assert.equal(keys.size, 1);
		await stop();
	});
});
