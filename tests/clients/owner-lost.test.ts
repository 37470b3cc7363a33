import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import type { BrowserContext, Page, Route } from "playwright-core";
import { assertAccessible, complaintsOf, describeInBrowser, drawn, intercept, screenshot } from "./browser.ts";
import { logIn, openOwner } from "./owner-world.ts";
import { cafeForAll } from "./till-world.ts";

// What an owner has sent is neither made twice nor lost without a word, and a platform that is away is not a log-out.

describeInBrowser("an owner whose network fails", () => {
	const { platform, cafe } = cafeForAll();
	let browser: BrowserContext;
	before(async () => {
		browser = (await openOwner(platform, cafe)).context();
	});

	async function visit(t: TestContext, path: string): Promise<Page> {
		const page = await browser.newPage();
		t.after(() => page.close());
		await page.goto(`${platform.url}/owner/#${path}`);
		await page.locator("h1").first().waitFor();
		await page.waitForFunction(() => !document.querySelector(".skeleton"));
		return page;
	}

	const dialog = (page: Page) => page.getByRole("dialog");
	const submit = (page: Page) => page.locator("dialog button[type=submit]").click();
	const storeNames = async () => (await cafe.owner.api.ok("store.list", {})).items.map(({ name }) => name);
	const webhooks = async () => (await cafe.owner.api.ok("store.listWebhooks", { storeId: cafe.id })).items;

	/** The platform does what it is asked for, and its answer never comes. Once. */
	async function loseAnswer(page: Page, url: RegExp) {
		let lost = 0;
		return intercept(page, url, async (route) => {
			if (route.request().method() !== "POST" || lost++ > 0) return route.fallback();
			await route.fetch();
			await route.abort("connectionreset");
		});
	}

	/** No list comes, until it is told to stop. */
	const loseLists = (page: Page, url: RegExp) =>
		intercept(page, url, (route) =>
			route.request().method() === "GET" ? route.abort("connectionreset") : route.fallback(),
		);

	it("finds the store that was made, and does not make it twice", async (t) => {
		const page = await visit(t, "/");
		const stop = await loseAnswer(page, /\/v1\/stores$/);
		await page.getByLabel("가게 이름").fill("둘째 가게");
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { level: 1, name: "상품" }).waitFor();
		await stop();
		assert.deepEqual((await storeNames()).filter((name) => name === "둘째 가게").length, 1);
	});

	it("says that a store may have been made where it cannot look, and looks before it makes another", async (t) => {
		const page = await visit(t, "/");
		const stop = await loseAnswer(page, /\/v1\/stores$/);
		const found = await loseLists(page, /\/v1\/stores$/);
		await page.getByLabel("가게 이름").fill("셋째 가게");
		await page.keyboard.press("Enter");
		await page.getByText("만들어졌는지 알 수 없어요.").waitFor();
		await screenshot(page, "owner-store-maybe");
		await found();
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { level: 1, name: "상품" }).waitFor();
		await stop();
		assert.deepEqual((await storeNames()).filter((name) => name === "셋째 가게").length, 1);
	});

	it("finds the product that was made, instead of calling its number taken", async (t) => {
		const page = await visit(t, `/s/${cafe.id}/products`);
		const stop = await loseAnswer(page, /\/products$/);
		const found = await loseLists(page, /\/products\?/);
		await page.getByRole("button", { name: "상품 추가" }).click();
		await page.getByLabel("이름").fill("레몬 타르트");
		await page.getByLabel("가격").fill("6,500");
		await page.getByLabel("분류").fill("디저트");
		await page.getByLabel("상품 번호").fill("tart");
		await submit(page);
		await page.getByText("만들어졌는지 알 수 없어요.").waitFor();
		await found();
		await submit(page);
		await page.getByRole("button", { name: /레몬 타르트/ }).waitFor();
		await dialog(page).waitFor({ state: "detached" });
		await stop();
		const { items } = await cafe.owner.api.ok("store.listProducts", { storeId: cafe.id, limit: 100 });
		assert.equal(items.find(({ sku }) => sku === "tart")?.price, 6_500);
	});

	it("finds the webhook that was made, and gives it a secret that is seen", async (t) => {
		const page = await visit(t, `/s/${cafe.id}/webhooks`);
		const stop = await loseAnswer(page, /\/webhooks$/);
		await page.getByRole("button", { name: "웹훅 추가" }).click();
		await page.getByLabel("주소").fill("https://192.0.2.1/hook");
		await submit(page);
		await page.locator(".secret").waitFor();
		await stop();
		assert.equal((await webhooks()).length, 1);
		// It is shown once: a key pressed in passing does not take it away.
		await page.keyboard.press("Escape");
		await page.keyboard.press("Escape");
		await drawn(page);
		assert.ok(await page.locator(".secret").isVisible());
		await page.getByRole("button", { name: "저장했어요. 닫기" }).click();
		await page.locator(".secret").waitFor({ state: "detached" });
	});

	/** Holds what is sent there until it is told to go on. */
	async function hold(page: Page, url: RegExp, method: string) {
		const { promise, resolve } = Promise.withResolvers<void>();
		const arrived = Promise.withResolvers<void>();
		const stop = await intercept(page, url, async (route: Route) => {
			if (route.request().method() !== method) return route.fallback();
			arrived.resolve();
			await promise;
			await route.fallback();
		});
		return { arrived: arrived.promise, goOn: resolve, stop };
	}

	/** Neither Escape nor the button takes back what is on its way. */
	async function assertStays(page: Page): Promise<void> {
		await dialog(page)
			.getByRole("button", { name: /취소|닫기/ })
			.click({ force: true });
		await page.keyboard.press("Escape");
		await page.keyboard.press("Escape");
		await drawn(page);
		assert.ok(await dialog(page).isVisible());
	}

	it("cannot cancel what is on its way, and reads why it was refused", async (t) => {
		const page = await visit(t, `/s/${cafe.id}/products`);
		const products = await hold(page, /\/products$/, "POST");
		await page.getByRole("button", { name: "상품 추가" }).click();
		for (const [label, text] of [
			["이름", "다른 라떼"],
			["가격", "5000"],
			["분류", "커피"],
			["상품 번호", "m-100"],
		] as const)
			await page.getByLabel(label).fill(text);
		await submit(page);
		await products.arrived;
		await assertStays(page);
		products.goOn();
		await page.getByText("이 상품 번호는 다른 상품이 쓰고 있어요.").waitFor();
		await products.stop();
		await page.keyboard.press("Escape");
		await dialog(page).waitFor({ state: "detached" });

		const imports = await hold(page, /\/products\/import$/, "POST");
		await page.getByRole("button", { name: "CSV 올리기" }).click();
		const buffer = Buffer.from("sku,name,category,price\nok,좋음,기타,0\n");
		await page.getByLabel("파일 고르기").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer });
		await imports.arrived;
		await assertStays(page);
		imports.goOn();
		await page.getByText("올리지 않았어요.").waitFor();
		await imports.stop();
	});

	it("cannot cancel what was confirmed", async (t) => {
		await cafe.owner.api.ok("store.addStaff", { storeId: cafe.id, handle: cafe.customer.handle });
		const page = await visit(t, `/s/${cafe.id}/staff`);
		const removals = await hold(page, /\/staff\//, "DELETE");
		await page.getByRole("button", { name: "지우기" }).click();
		await dialog(page).getByRole("button", { name: "지우기" }).click();
		await removals.arrived;
		await assertStays(page);
		removals.goOn();
		await page.getByText(`@${cafe.customer.handle}님을 직원에서 뺐어요.`).waitFor();
		await removals.stop();
	});

	it("is not shown as logged out while the platform is away", async (t) => {
		const page = await browser.newPage();
		t.after(() => page.close());
		const complaints = complaintsOf(page);
		const away = await intercept(page, /\/v1\//, (route) => route.abort("connectionrefused"));
		await page.goto(`${platform.url}/owner/#/s/${cafe.id}/products`);
		await page.locator(".skeleton").waitFor();
		await page.getByText(/연결할 수 없어요/).waitFor();
		await screenshot(page, "owner-unreachable");
		await assertAccessible(page, "unreachable");
		assert.ok(!(await page.getByLabel("비밀번호").isVisible()));
		await away();
		await page.getByRole("button", { name: "다시 시도" }).click();
		await page.getByRole("heading", { level: 1, name: "상품" }).waitFor();
		assert.deepEqual(complaints, []);
	});

	it("is told when the session has ended, and not when it was they who ended it", async (t) => {
		const page = await visit(t, `/s/${cafe.id}/products`);
		const ended = await intercept(page, /\/v1\/stores/, (route) =>
			route.fulfill({ status: 401, json: { code: "session_ended", status: 401, title: "It ended" } }),
		);
		await page.getByText("중지한 상품").click();
		await page.getByText("로그인이 끝났어요. 다시 로그인해 주세요.").waitFor();
		await screenshot(page, "owner-session-ended");
		await assertAccessible(page, "session ended");
		await ended();
		await logIn(page, cafe);
		await page.getByRole("heading", { level: 1, name: "상품" }).waitFor();
		await page.getByRole("navigation").getByRole("link", { name: "가게", exact: true }).click();
		await page.getByRole("button", { name: "로그아웃" }).click();
		await page.getByLabel("비밀번호").waitFor();
		assert.equal(await page.getByText("로그인이 끝났어요.").count(), 0);
	});
});
