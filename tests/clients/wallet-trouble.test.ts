import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { Page } from "playwright-core";
import { newPerson, newShop, newTill, type Shop, type Till } from "../api/people.ts";
import {
	assertAccessible,
	assertUnmoved,
	describeInBrowser,
	drawn,
	fillDisk,
	intercept,
	openBrowser,
	platformForAll,
	screenshot,
	visit,
} from "./browser.ts";
import { scan } from "./scan.ts";
import { charge, PASSWORD, showsBalance, signUp } from "./wallet-person.ts";

describeInBrowser("the wallet, when things go wrong", () => {
	const platform = platformForAll();
	let shop: Shop;
	let till: Till;
	before(async () => {
		const owner = await newPerson(platform.anyone, { name: "Owner" });
		shop = await newShop(owner, { prices: [4_500] });
		till = await newTill(platform.anyone, shop);
	});

	const basket = () => [{ productId: shop.products[0]?.id ?? assert.fail(), quantity: 1 }];
	const sell = (code: string) => till.api.ok("store.sell", { storeId: shop.id, items: basket(), code });

	it("charges once when the answer is lost", async () => {
		const { page, browser } = await signUp(platform);
		let lost = 0;
		await intercept(page, "**/v1/me/charges", async (route) => {
			if (lost === 2) return route.continue();
			lost++;
			await route.fetch();
			await route.abort("connectionreset");
		});
		await visit(page, "/charge");
		await page.locator(".amount-line input").fill("7000");
		await page.locator("button[type=submit]").click();
		await page.getByText("처리됐는지 확인하고 있어요").waitFor();
		await showsBalance(page, 7_000);
		assert.equal(lost, 2);
		await browser.close();
	});

	it("begins nothing that it has no room to keep, and says so", async () => {
		const { page, browser } = await signUp(platform);
		let asked = 0;
		await intercept(page, "**/v1/me/charges", (route) => {
			asked++;
			return route.continue();
		});
		await visit(page, "/charge");
		await page.evaluate(fillDisk);
		await page.locator(".amount-line input").fill("7000");
		await page.locator("button[type=submit]").click();
		await page.getByText(/저장할 공간이 없어/).waitFor();
		assert.equal(asked, 0);
		await page.reload();
		await charge(page, 7_000);
		await showsBalance(page, 7_000);
		await browser.close();
	});

	it("does not take away from where they went meanwhile those who did not wait for a charge", async () => {
		const { page, browser } = await signUp(platform);
		const [isAsked, maySay] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		await intercept(page, "**/v1/me/charges", async (route) => {
			const response = await route.fetch();
			isAsked.resolve();
			await maySay.promise;
			await route.fulfill({ response });
		});
		await visit(page, "/charge");
		await page.locator(".amount-line input").fill("7000");
		await page.locator("button[type=submit]").click();
		await isAsked.promise;
		await visit(page, "/history");
		maySay.resolve();
		await page.locator(".toast", { hasText: "7,000닢" }).waitFor();
		// Longer than the way home takes, which follows the toast.
		await page.waitForTimeout(1_500);
		assert.equal(new URL(page.url()).hash, "#/history");
		await visit(page, "/");
		await showsBalance(page, 7_000);
		await browser.close();
	});

	it("knows after a reload what became of what was begun", async () => {
		const { page, browser } = await signUp(platform);
		const { promise: isBooked, resolve: booked } = Promise.withResolvers<void>();
		let isFirst = true;
		await intercept(page, "**/v1/me/charges", async (route) => {
			if (!isFirst) return route.continue();
			isFirst = false;
			await route.fetch();
			booked();
			// And nobody ever hears of it.
		});
		await visit(page, "/charge");
		await page.locator(".amount-line input").fill("7000");
		await page.locator("button[type=submit]").click();
		await isBooked;
		await page.goto(`${platform.url}/wallet/`);
		await page.reload();
		await page.locator(".toast", { hasText: "7,000닢 충전이 됐어요" }).waitFor();
		await showsBalance(page, 7_000);
		await browser.close();
	});

	it("sends credit once, whether the answer was lost or the request, and goes on after a reload", async () => {
		const { page, browser } = await signUp(platform);
		const friend = await newPerson(platform.anyone, { name: "Friend" });
		await charge(page, 10_000);
		const keys: string[] = [];
		for (const isLostOnTheWay of [false, true]) {
			const { promise: isSent, resolve: sent } = Promise.withResolvers<void>();
			let isFirst = true;
			const stop = await intercept(page, "**/v1/me/transfers", async (route) => {
				keys.push(String(route.request().headers()["idempotency-key"]));
				if (!isFirst) return route.continue();
				isFirst = false;
				if (!isLostOnTheWay) await route.fetch();
				// And nobody ever hears of it: only the page that is left ends it.
				sent();
			});
			await visit(page, "/send");
			await page.locator("input[name=to]").fill(friend.handle);
			await page.locator("button[type=submit]").click();
			await page.locator(".amount-line input").fill("3000");
			await page.locator("button[type=submit]").click();
			await page.getByRole("dialog").getByRole("button", { name: "보내기" }).click();
			await isSent;
			await page.reload();
			await page.locator(".toast", { hasText: "3,000닢" }).waitFor();
			await stop();
		}
		assert.deepEqual([keys.length, new Set(keys).size], [4, 2]);
		assert.equal((await friend.api.ok("user.me", {})).balance, 6_000);
		await visit(page, "/");
		await showsBalance(page, 4_000);
		await browser.close();
	});

	it("asks every few seconds where events do not come through", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		let asked = 0;
		await intercept(page, /\/v1\/me\/events/, async (route) => {
			// As behind a proxy that gathers an answer before it hands it on.
			if (route.request().headers().accept === "text/event-stream")
				return route.fulfill({ status: 200, contentType: "text/event-stream", body: "" });
			asked++;
			await route.continue();
		});
		await page.reload();
		await visit(page, "/pay");
		const code = await scan(page);
		while (asked === 0) await page.waitForTimeout(100);
		await sell(code);
		await page.getByRole("dialog", { name: "결제했어요" }).waitFor();
		await browser.close();
	});

	it("is one wallet in two tabs", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		const other = await browser.newPage();
		await other.goto(`${platform.url}/wallet/`);
		await showsBalance(other, 10_000);
		await visit(page, "/pay");
		await sell(await scan(page));
		for (const tab of [page, other]) await tab.getByRole("dialog", { name: "결제했어요" }).waitFor();
		await Promise.all([page.reload(), other.reload()]);
		for (const tab of [page, other]) await visit(tab, "/");
		for (const tab of [page, other]) await showsBalance(tab, 5_500);
		await visit(other, "/settings");
		await other.getByRole("button", { name: "로그아웃" }).click();
		for (const tab of [page, other]) await tab.getByRole("link", { name: "지갑 만들기" }).waitFor();
		await browser.close();
	});

	it("shows on the receipt of a purchase what was given back since it was on the screen", async () => {
		const { handle, page, browser } = await signUp(platform);
		const friend = await newPerson(platform.anyone, { name: "Friend", credit: 10_000 });
		await charge(page, 10_000);
		await visit(page, "/pay");
		const { id: saleId } = await sell(await scan(page));
		await page.getByRole("dialog", { name: "결제했어요" }).getByRole("button", { name: "영수증" }).click();
		const givenBack = (amount: string) => page.locator(".receipt div", { hasText: "돌려받은 돈" }).getByText(amount);
		await page.locator(".receipt").waitFor();
		const receipt = new URL(page.url()).hash.slice(1);
		await shop.owner.api.ok("store.refundSale", { storeId: shop.id, saleId, amount: 500 });
		// While it is open, ...
		await givenBack("500닢").waitFor();
		await shop.owner.api.ok("store.refundSale", { storeId: shop.id, saleId, amount: 1_000 });
		await givenBack("1,500닢").waitFor();
		// ... from the home screen, which has the newest, ...
		await visit(page, "/");
		await shop.owner.api.ok("store.refundSale", { storeId: shop.id, saleId, amount: 1_000 });
		await showsBalance(page, 8_000);
		await page.locator(".transaction", { hasText: "4,500" }).click();
		await givenBack("2,500닢").waitFor();
		// ... and when it was seen in the history, and is none of the newest any more.
		await visit(page, "/history");
		await page.locator(".transaction", { hasText: "4,500" }).waitFor();
		await visit(page, "/");
		for (let count = 0; count < 6; count++) await friend.api.ok("user.send", { to: handle, amount: 100 });
		await showsBalance(page, 8_600);
		await shop.owner.api.ok("store.refundSale", { storeId: shop.id, saleId });
		await showsBalance(page, 10_600);
		await visit(page, receipt);
		await givenBack("4,500닢").waitFor();
		await browser.close();
	});

	for (const hours of [-1, 1])
		it(`pays with a phone whose clock is ${hours} h off`, async () => {
			const { handle, page: first, browser: phone } = await signUp(platform);
			await charge(first, 10_000);
			await phone.close();
			const browser = await openBrowser();
			const page = await browser.newPage();
			await page.addInitScript((aheadMs) => {
				const now = Date.now.bind(Date);
				Date.now = () => now() + aheadMs;
			}, hours * 3_600_000);
			await page.goto(`${platform.url}/wallet/#/login`);
			await page.locator("input[name=username]").fill(handle);
			await page.locator("input[name=password]").fill(PASSWORD);
			await page.locator("button[type=submit]").click();
			await showsBalance(page, 10_000);
			await visit(page, "/pay");
			const code = await scan(page);
			assert.match(await page.locator(".pay-left").innerText(), /^(5\d|60)초 남음$/);
			await sell(code);
			await page.getByRole("dialog", { name: "결제했어요" }).waitFor();
			await browser.close();
		});

	/** Lets the platform's codes live shorter, on the phone. */
	const shortLived = (page: Page, change: (body: IssuedCode) => object, isCut = () => false) =>
		intercept(page, "**/v1/me/codes", async (route) => {
			if (isCut()) return route.abort("internetdisconnected");
			const response = await route.fetch();
			const body = response.ok() ? change((await response.json()) as IssuedCode) : undefined;
			await route.fulfill(body ? { response, json: { ...(await response.json()), ...body } } : { response });
		});
	type IssuedCode = { later: { code: string; cap: number }[] };

	it("does not move the payment screen, however late its code and the balance come", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 200_000);
		await visit(page, "/pay");
		const { promise: hasCome, resolve: come } = Promise.withResolvers<void>();
		await intercept(page, /\/v1\/me/, async (route) => {
			await hasCome;
			await route.continue();
		});
		await page.reload();
		await page.locator(".pay-none").waitFor();
		await drawn(page);
		come();
		await page.locator(".qr").waitFor();
		await page.locator(".pay-balance .number").waitFor();
		await assertUnmoved(page, "pay");
		await browser.close();
	});

	it("shows a new code before the old one ends", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		await shortLived(page, () => ({ expiresInMs: 11_000 }));
		await visit(page, "/pay");
		const first = await scan(page);
		const drawn = await page.locator(".qr path").getAttribute("d");
		await page.locator(`.qr path:not([d="${drawn}"])`).waitFor();
		const second = await scan(page);
		assert.notEqual(second, first);
		// Who had begun to scan the old one still can.
		await sell(first);
		await page.getByRole("dialog", { name: "결제했어요" }).getByRole("button", { name: "확인" }).click();
		await showsBalance(page, 5_500);
		await browser.close();
	});

	it("has codes in store for when there is no network", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 10_000);
		const kept: string[] = [];
		await shortLived(
			page,
			({ later }) => {
				kept.push(...later.map(({ code }) => code));
				return {
					expiresInMs: 9_000,
					later: later.map((each) => ({ ...each, startsInMs: 3_000, expiresInMs: 60_000 })),
				};
			},
			// There was a network once.
			() => kept.length > 0,
		);
		await visit(page, "/pay");
		await page.getByText("미리 받아 둔 코드로").waitFor();
		await screenshot(page, "wallet-pay-offline");
		await assertAccessible(page, "pay offline");
		let code = await scan(page);
		for (const until = Date.now() + 20_000; !kept.includes(code) && Date.now() < until; code = await scan(page))
			await page.waitForTimeout(200);
		assert.ok(kept.includes(code));
		// The phone was told a wrong time by this test; the platform knows it.
		await till.api.refused("store.sell", { storeId: shop.id, items: basket(), code }, "code_too_early");
		await browser.close();
	});

	it("opens without a network, keeps no answer of the API, and goes on when there is one", async () => {
		const { page, browser } = await signUp(platform);
		await charge(page, 3_000);
		await page.evaluate(() => navigator.serviceWorker.ready);
		await page.reload();
		await showsBalance(page, 3_000);
		const kept = await page.evaluate(async () => {
			const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
			return (await Promise.all(caches_.map((cache) => cache.keys()))).flat().map(({ url }) => new URL(url).pathname);
		});
		assert.ok(kept.includes("/wallet/") && kept.length > 5);
		assert.deepEqual(
			kept.filter((path) => !path.startsWith("/wallet/")),
			[],
		);
		await browser.setOffline(true);
		await page.reload();
		await page.getByRole("button", { name: "다시 시도" }).waitFor({ timeout: 30_000 });
		await assertAccessible(page, "unreachable");
		await browser.setOffline(false);
		await page.getByRole("button", { name: "다시 시도" }).click();
		await showsBalance(page, 3_000);
		await browser.close();
	});

	it("says what is wrong with what was entered, beside it", async () => {
		const browser = await openBrowser();
		const page = await browser.newPage();
		await page.goto(`${platform.url}/wallet/#/signup`);
		await page.locator("button[type=submit]").click();
		assert.equal(await page.getByRole("alert").count(), 3);
		assert.equal(await page.evaluate(() => (document.activeElement as HTMLInputElement).name), "displayName");
		await assertAccessible(page, "sign-up");
		await screenshot(page, "wallet-sign-up-wrong");
		const taken = await newPerson(platform.anyone, { name: "Taken" });
		await page.locator("input[name=displayName]").fill("지민");
		await page.locator("input[name=handle]").fill(taken.handle);
		await page.locator("input[name=password]").fill(PASSWORD);
		await page.locator("button[type=submit]").click();
		await page.getByText("이미 쓰고 있는 아이디예요").waitFor();
		await page.goto(`${platform.url}/wallet/#/login`);
		await page.locator("input[name=username]").fill(taken.handle);
		await page.locator("input[name=password]").fill("not this one");
		await page.locator("button[type=submit]").click();
		await page.getByText("아이디 또는 비밀번호가 맞지 않아요").waitFor();
		await assertAccessible(page, "log-in");
		await browser.close();
	});
});
