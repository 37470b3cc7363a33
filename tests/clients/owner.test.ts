import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import {
	assertAccessible,
	assertStill,
	complaintsOf,
	describeInBrowser,
	desktop,
	openBrowser,
	phone,
	screenshot,
} from "./browser.ts";
import { logIn } from "./owner-world.ts";
import { cafeForAll, codeOf } from "./till-world.ts";

describeInBrowser("the owner's pages", () => {
	const { platform, cafe } = cafeForAll();
	let browser: BrowserContext;
	let page: Page;
	let complaints: string[];
	before(async () => {
		browser = await openBrowser({ ...desktop });
		page = await browser.newPage();
		complaints = complaintsOf(page);
	});

	const tab = (name: string) => page.getByRole("navigation").getByRole("link", { name }).click();
	/** Accessible, and kept as a picture. */
	const look = async (name: string): Promise<void> => {
		await assertAccessible(page, name);
		await screenshot(page, `owner-${name}`);
	};

	it("let the owner in, and nobody else", async () => {
		await page.goto(`${platform.url}/owner/`);
		await logIn(page, cafe, "not the password");
		await page.getByText("아이디 또는 비밀번호가 맞지 않아요.").waitFor();
		await look("login");
		await logIn(page, cafe);
		await page.getByRole("link", { name: /카페 닢/ }).click();
		await page.getByRole("heading", { level: 1, name: "매출" }).waitFor();
		// Still logged in after a reload, by the cookie.
		await page.reload();
		await page.getByRole("heading", { level: 1, name: "매출" }).waitFor();
	});

	it("show the day, and pay out", async () => {
		for (let index = 0; index < 3; index++) {
			const items = [{ productId: String(cafe.products[index]?.id), quantity: index + 1 }];
			await cafe.owner.api.ok("store.sell", { storeId: cafe.id, code: (await codeOf(cafe.customer)).code, items });
		}
		await page.reload();
		await page.getByText("3건").waitFor();
		await look("report");
		await page.getByRole("button", { name: "정산하기" }).click();
		await page.getByLabel("금액").fill("99999999");
		await page.keyboard.press("Enter");
		await page.getByText(/1부터 .*까지 입력해 주세요/).waitFor();
		await page.getByLabel("금액").fill("5000");
		await page.getByRole("button", { name: "5,000닢 정산" }).click();
		await page.getByText("5,000닢을 정산했어요.").waitFor();
		const { payouts } = await cafe.owner.api.ok("store.report", {
			storeId: cafe.id,
			date: new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Seoul" }).format(Date.now()),
		});
		assert.deepEqual(payouts, { count: 1, amount: 5_000 });
		const [file] = await Promise.all([
			page.waitForEvent("download"),
			page.getByRole("button", { name: /CSV/ }).click(),
		]);
		assert.match(file.suggestedFilename(), /^hannip-\d{4}-\d{2}-\d{2}\.csv$/);
	});

	it("add, change, show and archive products", async () => {
		await tab("상품");
		await page.getByText("소금빵").waitFor();
		await look("products");
		await page.getByRole("button", { name: "상품 추가" }).click();
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByText("이름을 입력해 주세요").waitFor();
		await look("product-wrong");
		await page.getByLabel("이름").fill("레몬 타르트");
		await page.getByLabel("가격").fill("6500");
		await page.getByLabel("분류").fill("디저트");
		await page.getByLabel("상품 번호").fill("tart");
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByRole("button", { name: /레몬 타르트/ }).click();
		// Any picture that the browser can show becomes a small JPEG.
		await page.getByLabel("사진 고르기").setInputFiles({
			name: "tart.png",
			mimeType: "image/png",
			buffer: (await codeOf(cafe.customer)).png,
		});
		await page.getByRole("button", { name: "사진 지우기" }).waitFor();
		await look("product");
		await page.getByLabel("가격").fill("6900");
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByText("6,900").waitFor();
		const { items } = await cafe.owner.api.ok("store.listProducts", { storeId: cafe.id, limit: 100 });
		const tart = items.find(({ sku }) => sku === "tart");
		assert.equal(tart?.price, 6_900);
		assert.equal((await fetch(`${platform.url}/v1/photos/${tart?.photoId}`)).headers.get("content-type"), "image/jpeg");
		await page.getByRole("button", { name: /레몬 타르트/ }).click();
		await page.getByRole("button", { name: "판매 중지" }).click();
		await page.getByRole("button", { name: /레몬 타르트/ }).waitFor({ state: "detached" });
		await page.getByText("중지한 상품").click();
		await page.getByRole("button", { name: /레몬 타르트/ }).waitFor();
		await page.getByText("파는 상품").click();
	});

	it("say line by line what is wrong with a product list", async () => {
		await page.getByRole("button", { name: "CSV 올리기" }).click();
		const bring = (csv: string) =>
			page.getByLabel("파일 고르기").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
		await bring("sku,name,category,price\nok,좋음,기타,100\nbad sku,나쁨,기타,100\nno,나쁨,기타,0\n");
		await page.getByText("올리지 않았어요.").waitFor();
		assert.equal(await page.locator(".errors tbody tr").count(), 2);
		await look("import-wrong");
		await bring("sku,name,category,price\nok,좋음,기타,100\n");
		await page.getByText("새로 1개, 바뀜 0개, 그대로 0개").waitFor();
	});

	it("connect a till by QR and code, and disconnect it", async () => {
		await tab("계산대");
		await page.getByRole("button", { name: "계산대 연결" }).click();
		await page.getByLabel("계산대 이름").fill("테라스");
		await page.getByLabel("환불할 수 있어요").check();
		await page.getByLabel("할인 한도 (%)").fill("20");
		await page.getByRole("button", { name: "코드 만들기" }).click();
		await page.locator(".pairing-code").waitFor();
		await look("pairing");
		const link = String(await page.getByRole("link", { name: "이 기기를 계산대로 쓰기" }).getAttribute("href"));
		const till = await browser.newPage();
		await till.goto(link);
		await till.getByRole("button", { name: "연결하기", exact: true }).click();
		await till.getByRole("button", { name: /소금빵/ }).waitFor();
		await page.getByText("‘테라스’ 계산대가 연결됐어요.").waitFor();
		await page.getByRole("button", { name: "닫기" }).click();
		await page.getByText("할인 20%까지").waitFor();
		await look("tills");
		await page.getByRole("button", { name: "연결 끊기" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "연결 끊기" }).click();
		await page.getByText("연결된 계산대가 없어요.").waitFor();
		await till.getByRole("link", { name: "내역" }).click();
		await till.getByRole("heading", { name: "이 계산대는 연결이 끊겼어요" }).waitFor();
		await till.close();
	});

	it("let people sell, and no longer", async () => {
		await tab("직원");
		await page.getByLabel("직원의 아이디").fill("nobody.of.that.name");
		await page.keyboard.press("Enter");
		await page.getByText("이 아이디를 찾을 수 없어요.").waitFor();
		await page.getByLabel("직원의 아이디").fill(`@${cafe.customer.handle}`);
		await page.keyboard.press("Enter");
		await page.getByText(`@${cafe.customer.handle}`).waitFor();
		await look("staff");
		await page.getByRole("button", { name: "지우기" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "지우기" }).click();
		await page.getByText(/직원이 없어요/).waitFor();
	});

	it("show a webhook's secret once, try it, and tell what it was told", async () => {
		await tab("웹훅");
		await page.getByRole("button", { name: "웹훅 추가" }).click();
		await page.getByLabel("주소").fill("ftp://nowhere");
		await page.getByRole("dialog").getByRole("button", { name: "웹훅 추가" }).click();
		await page.getByText("https://로 시작하는 주소를 입력해 주세요.").waitFor();
		// Of documentation (RFC 5737): nobody is there, and nobody is asked.
		await page.getByLabel("주소").fill("https://192.0.2.1/hook");
		await page.getByRole("dialog").getByRole("button", { name: "웹훅 추가" }).click();
		await page.locator(".secret").waitFor();
		assert.match(String(await page.locator(".secret").textContent()), /^whsec_/);
		await page.getByRole("button", { name: "닫기" }).click();
		await page.getByRole("button", { name: "웹훅 고치기" }).click();
		await page.getByLabel("주소").fill("ftp://nowhere");
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByText("https://로 시작하는 주소를 입력해 주세요.").waitFor();
		await page.getByLabel("주소").fill("https://192.0.2.1/other");
		await page.getByLabel("payout.posted").check();
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByText("https://192.0.2.1/other").waitFor();
		const [webhook] = (await cafe.owner.api.ok("store.listWebhooks", { storeId: cafe.id })).items;
		assert.deepEqual(webhook?.events, ["sale.posted", "sale.refunded", "payout.posted"]);
		await page.getByRole("button", { name: "시험 보내기" }).click();
		await page.getByText(/공개된 주소가 아니에요/).waitFor();
		await look("webhooks");
		const items = [{ productId: String(cafe.products[0]?.id), quantity: 1 }];
		await cafe.owner.api.ok("store.sell", { storeId: cafe.id, code: (await codeOf(cafe.customer)).code, items });
		await page.getByRole("link", { name: "보낸 기록" }).click();
		const entry = page.getByText("sale.posted");
		while (!(await entry.isVisible())) {
			await page.reload();
			await entry.waitFor({ timeout: 1_000 }).catch(() => {});
		}
		await look("deliveries");
		await page.getByRole("button", { name: "다시 보내기" }).first().click();
		await page.getByText("다시 보내요.").waitFor();
	});

	it("do not move by themselves", async () => {
		const names = ["report", "products", "tills", "staff", "webhooks", "store"];
		await assertStill(
			page,
			["", ...names.map((name) => `s/${cafe.id}/${name}`)].map((path) => `${platform.url}/owner/#/${path}`),
		);
	});

	it("keep what stands on receipts, and speak English in the dark on a phone", async () => {
		await tab("가게");
		await page.getByLabel("주소와 전화").fill("서울시 마포구 1 · 02-123-4567");
		await page.getByRole("button", { name: "저장" }).click();
		await page.getByText("저장했어요.").waitFor();
		assert.equal((await cafe.owner.api.ok("store.get", { storeId: cafe.id })).place, "서울시 마포구 1 · 02-123-4567");
		await page.getByText("English").click();
		await page.getByText("Dark").click();
		await page.setViewportSize(phone.viewport);
		await look("store-en-dark-phone");
		await tab("Products");
		await look("products-en-dark-phone");
		assert.deepEqual(complaints, []);
	});
});
