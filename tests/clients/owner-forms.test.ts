import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { Page } from "playwright-core";
import { assertAccessible, complaintsOf, describeInBrowser, intercept, screenshot } from "./browser.ts";
import { openOwner } from "./owner-world.ts";
import { cafeForAll, codeOf } from "./till-world.ts";

// What owners write is read as they mean it, and what cannot be is said where it stands.

/** `sku,name,category,price` and a coffee, as Excel saves them on a Korean computer (code page 949). */
const CP949 = Buffer.concat([
	Buffer.from("sku,name,category,price\r\nk-1,"),
	Buffer.from([0xc4, 0xbf, 0xc7, 0xc7]),
	Buffer.from(","),
	Buffer.from([0xc4, 0xbf, 0xc7, 0xc7]),
	Buffer.from(",5000\r\n"),
]);

describeInBrowser("the owner's forms", () => {
	const { platform, cafe } = cafeForAll();
	let page: Page;
	let complaints: string[];
	before(async () => {
		const items = [{ productId: String(cafe.products[0]?.id), quantity: 3 }];
		await cafe.owner.api.ok("store.sell", { storeId: cafe.id, code: (await codeOf(cafe.customer)).code, items });
		page = await openOwner(platform, cafe);
		complaints = complaintsOf(page);
	});

	async function visit(name: string): Promise<void> {
		await page.goto(`${platform.url}/owner/#/s/${cafe.id}/${name}`);
		await page.reload();
		await page.locator("h1").first().waitFor();
		await page.waitForFunction(() => !document.querySelector(".skeleton"));
	}
	const look = async (name: string): Promise<void> => {
		await assertAccessible(page, name);
		await screenshot(page, `owner-${name}`);
	};
	const dialog = () => page.getByRole("dialog");
	const bring = (buffer: Buffer) =>
		page.getByLabel("파일 고르기").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer });
	const listed = async () => (await cafe.owner.api.ok("store.listProducts", { storeId: cafe.id, limit: 100 })).items;

	it("read product lists of a Korean Excel", async () => {
		await visit("products");
		await page.getByRole("button", { name: "CSV 올리기" }).click();
		await bring(CP949);
		await page.getByText("새로 1개").waitFor();
		const coffee = (await listed()).find(({ sku }) => sku === "k-1");
		assert.deepEqual([coffee?.name, coffee?.category], ["커피", "커피"]);
	});

	it("say in words what is wrong with a file, and that there may be more", async () => {
		await page.getByRole("button", { name: "CSV 올리기" }).click();
		await bring(Buffer.from("name,price\n커피,100\n"));
		await page.getByText("첫 줄에 sku, name, category, price가 있어야 해요").waitFor();
		await bring(Buffer.from("sku,name,category,price\na,가,나,100\na,가,나,100\n"));
		await page.getByText("a: 이 번호가 파일에 두 번 있어요").waitFor();
		const lines = Array.from({ length: 30 }, (_, index) => `x ${index},나쁨,기타,0`);
		await bring(Buffer.from(["sku,name,category,price", ...lines].join("\n")));
		await page.getByText("처음 20줄만 보여 드려요. 더 틀린 줄이 있을 수 있어요.").waitFor();
		await page.keyboard.press("Escape");
		await dialog().waitFor({ state: "detached" });
	});

	it("take amounts as the screens write them, and show the payout in the day's report", async () => {
		await visit("report");
		await page.getByText("정산 0건").waitFor();
		await page.getByRole("button", { name: "정산하기" }).click();
		await page.getByLabel("금액").fill("삼천");
		await dialog().getByRole("button", { name: "정산하기", exact: true }).waitFor();
		await page.getByLabel("금액").fill("3,000");
		await dialog().getByRole("button", { name: "3,000닢 정산" }).click();
		await page.getByText("3,000닢을 정산했어요.").waitFor();
		await page.getByText("정산 1건").waitFor();
		await look("report-paid-out");
	});

	it("ask for no report of a day that is being typed, nor of one to come", async () => {
		const asked: string[] = [];
		const stop = await intercept(page, /\/reports\//, (route) => {
			asked.push(String(route.request().url().split("/").at(-1)));
			return route.fallback();
		});
		for (const year of ["0002", "0020", "0202"]) await page.getByLabel("날짜").fill(`${year}-03-01`);
		await page.getByLabel("날짜").fill("2999-03-01");
		await page.getByText("오늘까지의 날짜만 볼 수 있어요.").waitFor();
		assert.equal(await page.getByLabel("날짜").inputValue(), "2999-03-01");
		await look("report-future");
		await page.getByLabel("날짜").fill("2025-03-01");
		await page.getByText("이날은 판매가 없어요.").waitFor();
		await stop();
		assert.deepEqual(asked, ["2025-03-01"]);
		assert.equal(await page.getByRole("link", { name: "계산대 열기" }).getAttribute("href"), "/till/");
	});

	it("find a product among many", async () => {
		await visit("products");
		await page.getByLabel("상품 찾기").fill("라떼");
		assert.deepEqual(await page.locator(".product-row strong").allTextContents(), ["바닐라 라떼", "카페 라떼"]);
		await page.getByLabel("상품 찾기").fill("없는 것");
		await page.getByText("찾는 상품이 없어요.").waitFor();
	});

	it("keep what was entered when somebody else has changed the product", async () => {
		await visit("products");
		await page.getByRole("button", { name: /녹차/ }).click();
		const tea = cafe.products.find(({ name }) => name === "녹차");
		const { sku, name, category, price, version, id: productId } = tea ?? assert.fail();
		await cafe.owner.api.ok("store.editProduct", {
			...{ storeId: cafe.id, productId, sku, name, category, price: price + 1, version },
		});
		await page.getByLabel("가격").fill("4,900");
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByText(/다른 곳에서 먼저 바뀌었어요/).waitFor();
		await look("product-conflict");
		await page.getByRole("button", { name: "지금 상품 불러오기" }).click();
		await page.getByText("입력한 내용은 그대로예요.").waitFor();
		await page.getByRole("button", { name: "저장" }).click();
		await dialog().waitFor({ state: "detached" });
		assert.equal((await listed()).find(({ id }) => id === productId)?.price, 4_900);
	});

	it("do not remove anybody by Enter, Enter", async () => {
		await cafe.owner.api.ok("store.addStaff", { storeId: cafe.id, handle: cafe.customer.handle });
		await visit("staff");
		await page.getByRole("button", { name: "지우기" }).focus();
		await page.keyboard.press("Enter");
		await dialog().waitFor();
		await look("staff-remove");
		await page.keyboard.press("Enter");
		await dialog().waitFor({ state: "detached" });
		assert.equal((await cafe.owner.api.ok("store.listStaff", { storeId: cafe.id })).items.length, 1);
	});

	it("ask before a webhook is removed or its secret changed", async () => {
		const made = await cafe.owner.api.ok("store.createWebhook", {
			...{ storeId: cafe.id, url: "https://192.0.2.1/hook", events: ["sale.posted", "payout.posted"] },
		});
		await visit("webhooks");
		await page.getByText("판매, 정산").waitFor();
		await page.getByRole("button", { name: "비밀키 바꾸기" }).click();
		await page.getByText(/하루에 한 번만 바꿀 수 있어요/).waitFor();
		await dialog().getByRole("button", { name: "취소" }).click();
		await page.getByRole("button", { name: "지우기" }).click();
		await page.getByText(/더 이상 https:\/\/192.0.2.1\/hook 주소로 알리지 않아요/).waitFor();
		await look("webhook-remove");
		const { items } = await cafe.owner.api.ok("store.listWebhooks", { storeId: cafe.id });
		assert.deepEqual(
			items.map(({ id }) => id),
			[made.id],
		);
		await dialog().getByRole("button", { name: "지우기" }).click();
		await page.getByText("웹훅이 없어요.").waitFor();
	});

	it("say of a wrong time zone that it is the time zone", async () => {
		await visit("store");
		await page.getByLabel("시간대").fill("Asia/Seul");
		await page.getByRole("button", { name: "저장" }).click();
		await page
			.locator(".field.wrong", { hasText: "시간대" })
			.getByText(/목록에 있는 시간대를/)
			.waitFor();
		assert.equal(await page.locator(".field.wrong").count(), 1);
		await look("time-zone-wrong");
		assert.ok((await page.locator('datalist option[value="Asia/Seoul"]').count()) === 1);
		assert.deepEqual(complaints, []);
	});
});
