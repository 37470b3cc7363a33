import assert from "node:assert/strict";
import { before, it } from "node:test";
import { newPerson, newShop, newTill, type Shop, type Till } from "../api/people.ts";
import { assertAccessible, assertStill, describeInBrowser, platformForAll, screenshot, visit } from "./browser.ts";
import { scan } from "./scan.ts";
import { charge, PASSWORD, showsBalance, signUp } from "./wallet-person.ts";

describeInBrowser("the wallet", () => {
	const platform = platformForAll();
	let shop: Shop;
	let till: Till;
	before(async () => {
		const owner = await newPerson(platform.anyone, { name: "Owner" });
		shop = await newShop(owner, { prices: [4_500, 150_000] });
		till = await newTill(platform.anyone, shop, { mayRefund: true });
	});

	const sell = (code: string, product = 0, quantity = 1) => {
		const items = [{ productId: shop.products[product]?.id ?? assert.fail(), quantity }];
		return till.api.ok("store.sell", { storeId: shop.id, items, code });
	};

	it("takes somebody from sign-up to a receipt, and looks right on the way", async () => {
		const { page, browser, handle, complaints } = await signUp(platform);
		const seen = async (name: string) => {
			await assertAccessible(page, name);
			await screenshot(page, `wallet-${name}`);
		};
		await page.locator(".empty").waitFor();
		await seen("home-empty");
		await visit(page, "/charge");
		await page.locator(".chip").last().click();
		await page.locator(".chip").last().click();
		await seen("charge");
		// A second tap is the same intention.
		await page.locator("button[type=submit]").dblclick();
		await showsBalance(page, 200_000);

		await page.locator(".pay-tab").click();
		const code = await scan(page);
		await seen("pay");
		const sale = await sell(code, 0, 2);
		await page.getByRole("dialog", { name: "결제했어요" }).waitFor();
		assert.match(await page.locator(".paid").innerText(), /9,000닢\s+Owner's store\s+Product 0 × 2/);
		await seen("paid");
		await page.getByRole("button", { name: "영수증" }).click();
		await page.locator(".receipt").waitFor();
		assert.match(await page.locator(".receipt").innerText(), /−9,000닢.*4,500닢 × 2.*191,000닢/s);
		await seen("receipt");

		await visit(page, "/");
		await till.api.ok("store.refundSale", { storeId: shop.id, saleId: sale.id, amount: 4_000 });
		await page.locator(".toast", { hasText: "4,000닢을 돌려받았어요" }).waitFor();
		await showsBalance(page, 195_000);

		const friend = await newPerson(platform.anyone, { name: "Minji", credit: 500 });
		await friend.api.ok("user.send", { to: handle, amount: 500, note: "커피" });
		await showsBalance(page, 195_500);
		await visit(page, "/send");
		await page.locator("input[name=to]").fill("nobody.at.all");
		await page.locator("button[type=submit]").click();
		await page.getByRole("alert").waitFor();
		await seen("send-nobody");
		await page.locator("input[name=to]").fill(`@${friend.handle}`);
		await page.locator("button[type=submit]").click();
		await page.locator(".amount-line input").fill("3000");
		await page.locator("button[type=submit]").click();
		await page.getByRole("dialog").waitFor();
		await seen("send-confirm");
		await page.getByRole("dialog").getByRole("button", { name: "보내기" }).click();
		await showsBalance(page, 192_500);
		assert.equal((await friend.api.ok("user.me", {})).balance, 3_000);

		await visit(page, "/history");
		await page.locator(".days-chart").waitFor();
		assert.equal(await page.locator(".sums").innerText(), "쓴 돈\n8,000닢\n들어온 돈\n200,500닢");
		assert.equal(await page.locator(".transaction").count(), 5);
		await seen("history");
		await page.getByRole("searchbox").fill("커피");
		assert.equal(await page.locator(".transaction").count(), 1);
		for (const screen of ["settings", "profile", "password", "devices"]) {
			await visit(page, `/${screen}`);
			await page.locator("h1").waitFor();
			await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
			await seen(screen);
		}
		await assertStill(
			page,
			["", "pay", "charge", "send", "history", "settings"].map((path) => `${platform.url}/wallet/#/${path}`),
		);
		assert.deepEqual(complaints, []);
		await browser.close();
	});

	it("asks before it pays more than its limit", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 200_000);
		await visit(page, "/pay");
		assert.equal((await sell(await scan(page), 1)).state, "pending");
		const dialog = page.getByRole("dialog", { name: "이 결제를 승인할까요?" });
		await dialog.waitFor();
		await assertAccessible(page, "approval");
		await screenshot(page, "wallet-approval");
		assert.match(await dialog.innerText(), /Owner's store.*150,000닢/s);
		await dialog.getByRole("button", { name: "승인하기" }).click();
		await page.getByRole("dialog", { name: "결제했어요" }).getByRole("button", { name: "확인" }).click();
		await showsBalance(page, 50_000);

		await charge(page, 200_000);
		await visit(page, "/pay");
		await sell(await scan(page), 1);
		await dialog.getByRole("button", { name: "거절하기" }).click();
		await visit(page, "/");
		await showsBalance(page, 250_000);
		await browser.close();
	});

	it("stops everything at once, and opens again by the password", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		await visit(page, "/pay");
		const code = await scan(page);
		await visit(page, "/settings");
		await page.getByRole("button", { name: "지갑 멈추기" }).click();
		await page.getByRole("button", { name: "지금 멈추기" }).click();
		await page.getByRole("button", { name: "지갑 다시 열기" }).waitFor();
		const items = [{ productId: shop.products[0]?.id ?? "", quantity: 1 }];
		await till.api.refused("store.sell", { storeId: shop.id, items, code }, "account_frozen");
		await visit(page, "/pay");
		await page.getByText("지갑이 멈춰 있어 결제할 수 없어요").waitFor();
		assert.equal(await page.locator(".qr").count(), 0);
		await assertAccessible(page, "pay-frozen");
		await visit(page, "/");
		await assertAccessible(page, "home-frozen");
		await page.getByRole("button", { name: "다시 열기" }).click();
		const password = page.getByRole("dialog").locator("input[type=password]");
		await password.fill("something else");
		await page.getByRole("dialog").locator("button[type=submit]").click();
		await page.getByRole("alert").waitFor();
		await password.fill(PASSWORD);
		await page.getByRole("dialog").locator("button[type=submit]").click();
		await page.locator(".notice.danger").waitFor({ state: "detached" });
		await visit(page, "/pay");
		await sell(await scan(page));
		await page.getByRole("dialog", { name: "결제했어요" }).waitFor();
		await browser.close();
	});

	it("speaks the language, and has the look, that somebody chose", async () => {
		const { page, browser } = await signUp(platform, { name: "Jimin" });
		await visit(page, "/settings");
		await page.getByText("English").click();
		await page.getByRole("heading", { name: "Settings" }).waitFor();
		await page.getByText("Dark", { exact: true }).click();
		for (const screen of ["", "charge", "send", "history", "settings", "devices", "pay"]) {
			await visit(page, `/${screen}`);
			await page.locator("h1").waitFor();
			await assertAccessible(page, `dark ${screen}`);
			await screenshot(page, `wallet-dark-${screen || "home"}`);
			const words = (await page.locator("main").innerText()).replace("한국어", "");
			assert.doesNotMatch(words, /[가-힣]/, screen);
		}
		await page.reload();
		await page.getByRole("heading", { name: "Pay" }).waitFor();
		const chosen = () => [document.documentElement.lang, document.documentElement.dataset.theme];
		assert.deepEqual(await page.evaluate(chosen), ["en", "dark"]);
		await browser.close();
	});
});
