import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { newPerson, PASSWORD } from "../api/people.ts";
import {
	assertAccessible,
	assertStill,
	cameraOf,
	complaintsOf,
	describeInBrowser,
	openBrowser,
	phone,
	screenshot,
	tablet,
} from "./browser.ts";
import { writeFilm } from "./film.ts";
import { cafeForAll, codeOf, openTillPage, scanByHand } from "./till-world.ts";

describeInBrowser("the till", () => {
	const { platform, cafe } = cafeForAll();
	const folder = mkdtempSync(join(tmpdir(), "hannip-film-"));
	const film = join(folder, "camera.y4m");
	after(() => rmSync(folder, { recursive: true }));

	it("looks right", async (t) => {
		writeFilm(film, (await codeOf(cafe.customer)).png, { share: 0 });
		const browser = await openBrowser({ ...tablet, args: cameraOf(film) });
		t.after(() => browser.close());
		const page = await openTillPage(browser, cafe, { mayRefund: true, discountMaxPercent: 30 });
		const complaints = complaintsOf(page);
		await assertAccessible(page, "counter");
		await screenshot(page, "till-counter-empty");
		await page.getByRole("button", { name: /아메리카노/ }).click({ clickCount: 2 });
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await screenshot(page, "till-counter");
		await page.getByRole("button", { name: "할인" }).click();
		await assertAccessible(page, "discount");
		await screenshot(page, "till-discount");
		await page.getByRole("button", { name: "10%" }).click();
		await screenshot(page, "till-counter-discount");
		writeFilm(film, (await codeOf(cafe.customer)).png);
		await page.getByRole("button", { name: /결제 받기/ }).click();
		await page.getByRole("heading", { name: "결제됐어요" }).waitFor();
		await screenshot(page, "till-paid");
		await assertAccessible(page, "paid");
		await page.keyboard.press("Enter");
		await page.getByRole("link", { name: "내역" }).click();
		await page.getByRole("link", { name: /아메리카노/ }).waitFor();
		await assertAccessible(page, "sales");
		await screenshot(page, "till-sales");
		await page.getByRole("link", { name: /아메리카노/ }).click();
		await page.getByRole("button", { name: "환불하기" }).waitFor();
		await screenshot(page, "till-sale");
		await page.getByRole("button", { name: "환불하기" }).click();
		await screenshot(page, "till-refund");
		await assertAccessible(page, "refund");
		await page.keyboard.press("Escape");
		await page.emulateMedia({ media: "print" });
		await screenshot(page, "till-receipt");
		await page.emulateMedia({ media: "screen", colorScheme: "dark" });
		await page.getByRole("link", { name: "설정" }).click();
		await screenshot(page, "till-settings-dark");
		await page.getByRole("link", { name: "판매" }).click();
		await page.getByRole("button", { name: /크루아상/ }).click();
		await screenshot(page, "till-counter-dark");
		await assertStill(
			page,
			["", "pay", "sales", "settings", ""].map((path) => `${platform.url}/till/#/${path}`),
		);
		await page.setViewportSize(phone.viewport);
		await screenshot(page, "till-counter-phone");
		await page.locator(".basket-bar").click();
		await screenshot(page, "till-basket-phone");
		assert.deepEqual(complaints, []);
	});

	it("lets staff sell with a log-in of their own, in their language, as long as they work there", async (t) => {
		const staff = await newPerson(platform.anyone, { name: "Mina" });
		const browser = await openBrowser({ ...tablet });
		t.after(() => browser.close());
		const page = await browser.newPage();
		const complaints = complaintsOf(page);
		await page.goto(`${platform.url}/till/`);
		await page.getByRole("button", { name: "직원으로 로그인" }).click();
		const logIn = async (password: string) => {
			await page.getByLabel(/아이디|Handle/).fill(staff.handle);
			await page.getByLabel(/비밀번호|Password/).fill(password);
			await page.keyboard.press("Enter");
		};
		await logIn("not the password");
		await page.getByText("아이디 또는 비밀번호가 맞지 않아요.").waitFor();
		await assertAccessible(page, "staff");
		await screenshot(page, "till-staff");
		await logIn(PASSWORD);
		await page.getByText("직원으로 등록된 가게가 없어요").waitFor();
		await cafe.owner.api.ok("store.addStaff", { storeId: cafe.id, handle: staff.handle });
		await logIn(PASSWORD);
		await page.getByRole("button", { name: /소금빵/ }).click();
		assert.equal(await page.getByRole("button", { name: "할인" }).count(), 0);

		await page.getByRole("link", { name: "설정" }).click();
		await page.getByText("English").click();
		await page.getByRole("heading", { name: "Settings" }).waitFor();
		await page.getByText(`@${staff.handle}`).waitFor();
		await screenshot(page, "till-settings-en");
		// It is the language of this device from now on, and the log-in is kept.
		await page.reload();
		await page.getByRole("link", { name: "Sell" }).click();
		assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
		await page.getByRole("button", { name: /^Take payment/ }).waitFor();
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await page.getByRole("heading", { name: "Paid" }).waitFor();
		await assertAccessible(page, "paid, in English");
		await screenshot(page, "till-paid-en");
		await page.keyboard.press("Enter");
		const [sale] = (await cafe.owner.api.ok("store.listSales", { storeId: cafe.id, limit: 1 })).items;
		assert.equal(sale?.total, 3_200);

		await cafe.owner.api.ok("store.removeStaff", { storeId: cafe.id, handle: staff.handle });
		await page.reload();
		await page.getByRole("heading", { name: "You are logged out" }).waitFor();
		await page.getByRole("button", { name: "Log in again" }).click();
		await page.getByLabel("Pairing code").waitFor();
		assert.deepEqual(complaints, []);
	});
});
