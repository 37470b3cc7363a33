import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import type { Locator, Page } from "playwright-core";
import { newPerson, type Person } from "../api/people.ts";
import {
	assertAccessible,
	type BrowserOptions,
	describeInBrowser,
	desktop,
	goBack,
	intercept,
	platformForAll,
	screenshot,
	visit,
} from "./browser.ts";
import { adjust, dialogOf, find, isHeard, KIM, openConsole, twoOperators } from "./console-world.ts";

describeInBrowser("what the console shows", () => {
	const platform = platformForAll(twoOperators);
	let ann: Person;
	let bob: Person;
	before(async () => {
		ann = await newPerson(platform.anyone, { name: "Ann", credit: 10_000 });
		bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
	});

	async function open(t: TestContext, options: BrowserOptions = desktop): Promise<Page> {
		const page = await openConsole(platform, KIM, options);
		t.after(() => page.context().close());
		return page;
	}

	const heading = (page: Page, id: string) => page.getByRole("heading", { name: id });
	/** Whether nothing lies over it. */
	const isOnTop = (element: Locator) =>
		element.evaluate((found) => {
			const { x, y, width, height } = found.getBoundingClientRect();
			return found.contains(document.elementFromPoint(x + width / 2, y + height / 2));
		});

	it("is the account that the address says, whichever answer comes first", async (t) => {
		const page = await open(t);
		const slow = Promise.withResolvers<void>();
		const stop = await intercept(page, /\/accounts\//, async (route) => {
			if (decodeURIComponent(route.request().url()).endsWith(ann.wallet)) await slow.promise;
			await route.continue();
		});
		const asked = page.waitForRequest((request) => decodeURIComponent(request.url()).endsWith(ann.wallet));
		await find(page, ann.wallet);
		await asked;
		await find(page, bob.wallet);
		await heading(page, bob.wallet).waitFor();
		const late = page.waitForResponse((answer) => decodeURIComponent(answer.url()).endsWith(ann.wallet));
		slow.resolve();
		await (await late).finished();
		await page.getByRole("region", { name: "최근 움직임" }).waitFor();
		assert.deepEqual([await heading(page, ann.wallet).count(), await heading(page, bob.wallet).count()], [0, 1]);
		await goBack(page);
		await heading(page, ann.wallet).waitFor();
		assert.equal(await page.getByRole("searchbox").inputValue(), ann.wallet);
		await stop();
	});

	it("says why something was refused where it was asked for, also on a phone", async (t) => {
		const page = await open(t, { ...desktop, viewport: { width: 360, height: 640 } });
		await find(page, ann.wallet);
		await adjust(page, "９，０００，０００", "거두기");
		const alert = dialogOf(page).getByRole("alert");
		await alert.waitFor();
		await screenshot(page, "console-refused-phone");
		assert.ok(await isOnTop(alert), "it lies under something");
		assert.ok(await isHeard(page, (await alert.textContent()) ?? "?"));
		await assertAccessible(page, "refused");
	});

	it("does not say that there is none where it cannot be known", async (t) => {
		const page = await open(t);
		await find(page, bob.wallet);
		await heading(page, bob.wallet).waitFor();
		const stop = await intercept(page, /^(?!.*\/console\/)/, (route) => route.abort("internetdisconnected"));
		for (const path of ["/adjustments", `/find/${encodeURIComponent(ann.wallet)}`, "/log", "/keys"]) {
			await visit(page, path);
			await page.getByRole("button", { name: "다시 시도" }).first().waitFor();
			for (const none of [
				"확인을 기다리는 조정이 없어요",
				"그런 계정이나 결제가 없어요",
				"아직 아무도 바꾼 것이 없어요",
			])
				assert.equal(await page.getByText(none).count(), 0, path);
		}
		await screenshot(page, "console-unreachable");
		await assertAccessible(page, "nothing is known");
		await stop();
		await page.getByRole("button", { name: "다시 시도" }).click();
		await page.getByText("서명 중").waitFor();
	});

	it("says how much is in circulation to the last of it", async (t) => {
		const page = await open(t);
		const status = await platform.operator.ok("credit.audit", {});
		const told = page.locator("figure", { hasText: "유통 중인 닢은 얼마예요?" }).locator("strong");
		await told.filter({ hasText: /\d/ }).waitFor();
		assert.equal(await told.textContent(), status.inCirculation.toLocaleString("ko"));
	});

	it("says what was done in words of the language", async (t) => {
		const page = await open(t);
		await platform.operator.ok("operator.freeze", { accountId: ann.wallet, reason: "a test" });
		await platform.operator.ok("operator.unfreeze", { accountId: ann.wallet, reason: "a test" });
		await visit(page, "/log");
		await page.getByRole("cell", { name: "계정 다시 열기 (끝)" }).waitFor();
		await page.getByRole("cell", { name: "열림", exact: true }).first().waitFor();
		await find(page, ann.wallet);
		await page.getByRole("cell", { name: "충전", exact: true }).first().waitFor();
	});

	it("shows what is chosen, and where things end, where the colours are the reader's", async (t) => {
		const page = await open(t);
		await page.emulateMedia({ forcedColors: "active" });
		const ground = (selector: string) =>
			page
				.locator(selector)
				.first()
				.evaluate((element) => getComputedStyle(element).backgroundColor);
		assert.notEqual(await ground(".choice label:has(:checked)"), await ground(".choice label:not(:has(:checked))"));
		assert.notEqual(await ground(".top nav a.here"), await ground(".top nav a:not(.here)"));
		for (const edged of [".card", ".button"])
			assert.equal(
				await page
					.locator(edged)
					.first()
					.evaluate((element) => getComputedStyle(element).borderTopWidth),
				"1px",
				edged,
			);
		await screenshot(page, "console-forced-colors");
	});

	it("has room below its header on a phone with large letters, and its dialogs end where the page does", async (t) => {
		const page = await open(t, {
			...desktop,
			viewport: { width: 360, height: 640 },
			args: ["--blink-settings=defaultFontSize=32"],
		});
		await find(page, ann.wallet);
		await heading(page, ann.wallet).waitFor();
		await screenshot(page, "console-large-letters");
		const header = await page.locator(".top").boundingBox();
		assert.ok(header && header.height < 320, `${header?.height} of 640 px`);
		const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		assert.ok(beyond <= 0, `${beyond} px too wide`);
		await page.getByRole("main").getByRole("button", { name: "조정", exact: true }).click();
		const cut = await dialogOf(page).evaluate(
			(dialog) => dialog.getBoundingClientRect().right - document.documentElement.clientWidth,
		);
		assert.ok(cut <= 0, `${cut} px are cut off`);
		await screenshot(page, "console-large-letters-dialog");
	});
});
