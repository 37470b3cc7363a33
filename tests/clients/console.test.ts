import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { Page } from "playwright-core";
import { newPerson, newShop, type Person, type Shop, sell } from "../api/people.ts";
import {
	assertAccessible,
	complaintsOf,
	describeInBrowser,
	desktop,
	openBrowser,
	phone,
	platformForAll,
	screenshot,
} from "./browser.ts";
import { enter, KIM, LEE, tryToken, twoOperators } from "./console-world.ts";

describeInBrowser("the console", () => {
	const platform = platformForAll({ ...twoOperators, ADJUST_ALONE_MAX: "1000" });
	let page: Page;
	let complaints: readonly string[];
	let bob: Person;
	let shop: Shop;
	before(async () => {
		bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
		shop = await newShop(await newPerson(platform.anyone));
		await sell(shop, bob, "sale-0001");
		const browser = await openBrowser(desktop);
		page = browser.pages()[0] ?? (await browser.newPage());
		complaints = complaintsOf(page);
		await page.goto(`${platform.internalUrl}/console/`);
	});

	const visit = async (screen: string) =>
		page.getByRole("navigation").getByRole("link", { name: screen, exact: true }).click();
	const find = async (id: string) => {
		await visit("찾기");
		await page.getByRole("searchbox").fill(id);
		await page.getByRole("main").getByRole("button", { name: "찾기", exact: true }).click();
	};
	/** Fills the dialog that wants a reason, and waits until it is gone. */
	const because = async (reason: string) => {
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("이유").fill(reason);
		await dialog.locator("button[type=submit]").click();
		await dialog.waitFor({ state: "detached" });
	};

	it("asks for the token, and keeps it for this tab only", async () => {
		await assertAccessible(page, "the entrance");
		await screenshot(page, "console-entrance");
		await tryToken(page, "x".repeat(40));
		await page.getByText("맞지 않는 토큰이에요.").waitFor();
		await enter(page, KIM);
		await page.getByRole("heading", { name: "지금", exact: true }).waitFor();
		assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("what-operators")), false);
	});

	it("shows who calls whom, and how much, while people pay", async () => {
		const charging = setInterval(() => void bob.api.ok("user.charge", { amount: 1 }), 100);
		try {
			// A line that lies flat counts as hidden.
			await page.locator("line.call").first().waitFor({ state: "attached" });
			await page.getByText(/손님 → api: 초당/).waitFor();
			await page.getByText(/user → credit: 초당/).waitFor();
			await page.waitForTimeout(6_500);
			await assertAccessible(page, "now");
			await screenshot(page, "console-live-light");
			await page.getByText("어둡게", { exact: true }).click();
			await assertAccessible(page, "now, dark");
			await screenshot(page, "console-live-dark");
			await page.setViewportSize(phone.viewport);
			await assertAccessible(page, "now, on a phone");
			assert.equal(
				await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
				true,
				"it scrolls sideways",
			);
			await screenshot(page, "console-live-phone");
			await page.setViewportSize(desktop.viewport);
			await page.getByText("밝게", { exact: true }).click();
		} finally {
			clearInterval(charging);
		}
	});

	it("finds a person, freezes their wallet with a reason, and opens it again", async () => {
		await find(`@${bob.handle}`);
		await page.getByRole("heading", { name: bob.wallet }).waitFor();
		await assertAccessible(page, "an account");
		await page.getByRole("button", { name: "멈추기" }).click();
		await assertAccessible(page, "the reason");
		await because("lost phone");
		await page.getByText("운영자가 멈춤").waitFor();
		await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
		await screenshot(page, "console-account");
		await page.getByRole("button", { name: "다시 열기" }).click();
		await because("found again");
		await page.getByRole("button", { name: "멈추기" }).waitFor();
		await bob.api.ok("user.charge", { amount: 1 });
	});

	it("follows a payment through the log", async () => {
		await find(`${shop.id}.sale-0001`);
		await page.getByRole("heading", { name: "장부에 적힌 대로" }).waitFor();
		await assertAccessible(page, "a payment");
		await screenshot(page, "console-payment");
		await find("nobody.here");
		await page.getByText("그런 계정이나 결제가 없어요.").waitFor();
	});

	it("adjusts, and above the limit a second operator confirms it", async () => {
		const { balance } = await bob.api.ok("user.me", {});
		await find(bob.userId);
		await page.getByRole("button", { name: "조정" }).click();
		await page.getByRole("dialog").getByLabel("금액").fill("1.5");
		await page.getByRole("dialog").getByLabel("이유").fill("kept the change");
		await page.getByRole("dialog").locator("button[type=submit]").click();
		await page.getByText("1 이상의 정수로 적어 주세요.").waitFor();
		await page.getByRole("dialog").getByLabel("금액").fill("2,000");
		await because("kept the change");
		await page.getByText("다른 운영자가 확인해야 해요.").first().waitFor();
		await visit("조정");
		// Whoever asked may take it back, and no more.
		await page.getByRole("button", { name: "거절" }).waitFor();
		assert.equal(await page.getByRole("button", { name: "확인" }).count(), 0);
		assert.equal((await bob.api.ok("user.me", {})).balance, balance);
		await assertAccessible(page, "adjustments");
		await screenshot(page, "console-adjustments");
		await page.getByRole("button", { name: "나가기" }).click();
		await enter(page, LEE);
		await page.getByRole("button", { name: "확인" }).click();
		for (const fact of ["2,000닢 주기", "kim,", "kept the change", `@${bob.handle} (Bob)`])
			await page.getByRole("dialog").getByText(fact).first().waitFor();
		await assertAccessible(page, "to confirm");
		await screenshot(page, "console-confirm");
		await because("seen");
		await page.getByText("확인을 기다리는 조정이 없어요.").waitFor();
		assert.equal(await page.evaluate(() => document.activeElement?.nodeName), "H1", "the button is gone");
		assert.equal((await bob.api.ok("user.me", {})).balance, balance + 2_000);
	});

	it("audits, rotates keys, and shows what was done by whom", async () => {
		await visit("장부");
		await page.getByRole("main").getByRole("button", { name: "장부 전체 검사" }).click();
		await page.getByText(/맞아요\. 운영 기록 \d+줄도 이어져 있어요\./).waitFor();
		await assertAccessible(page, "the audit");
		await screenshot(page, "console-audit");
		await visit("키");
		await page.getByRole("button", { name: "키 바꾸기" }).click();
		await because("a laptop was lost");
		await page.getByText("확인만").waitFor();
		await assertAccessible(page, "keys");
		await visit("운영 기록");
		await page.getByRole("cell", { name: "a laptop was lost" }).first().waitFor();
		await assertAccessible(page, "the log");
		await screenshot(page, "console-log");
	});

	it("speaks English", async () => {
		await page.getByText("English", { exact: true }).click();
		await page.getByRole("heading", { name: "Operator log" }).waitFor();
		await page.getByRole("navigation").getByRole("link", { name: "Now", exact: true }).click();
		await page.getByText("Who calls whom?").waitFor();
		await assertAccessible(page, "now, in English");
		await screenshot(page, "console-live-english");
	});

	it("had nothing to complain of", () => {
		assert.deepEqual(complaints, []);
	});
});
