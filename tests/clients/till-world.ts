import { before, type TestContext } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import type { Client } from "../api/client.ts";
import { newPerson, newShop, type Person, type Shop } from "../api/people.ts";
import { PHOTO } from "../api/photo.ts";
import { openBrowser, platformForAll, type ServedPlatform, tablet } from "./browser.ts";

export const menu: readonly (readonly [name: string, category: string, price: number])[] = [
	["아메리카노", "커피", 4_500],
	["카페 라떼", "커피", 5_000],
	["바닐라 라떼", "커피", 5_500],
	["콜드 브루", "커피", 5_000],
	["녹차", "차", 4_800],
	["유자차", "차", 5_200],
	["초콜릿 케이크", "디저트", 6_800],
	["바스크 치즈 케이크 조각", "디저트", 7_200],
	["소금빵", "빵", 3_200],
	["크루아상", "빵", 3_800],
	["샌드위치 세트", "식사", 9_900],
	["생수", "음료", 1_500],
];

export type Cafe = Shop & { readonly customer: Person };

/** A café with a menu and a customer who has credit. */
export async function openCafe({ anyone }: ServedPlatform): Promise<Cafe> {
	const owner = await newPerson(anyone, { name: "Nip" });
	const customer = await newPerson(anyone, { name: "Kim", credit: 1_000_000 });
	const shop = await newShop(owner, { prices: [] });
	await owner.api.ok("store.edit", {
		storeId: shop.id,
		name: "카페 닢",
		registration: "123-45-67890",
		place: "서울시 종로구 세종대로 1",
	});
	const csv = [
		"sku,name,category,price",
		...menu.map(([name, category, price], index) => `m-${100 + index},${name},${category},${price}`),
	];
	await owner.api.ok("store.importProducts", { storeId: shop.id, csv: csv.join("\n") });
	const { items: products } = await owner.api.ok("store.listProducts", { storeId: shop.id, limit: 100 });
	const [first] = products;
	if (first) await owner.api.ok("store.setPhoto", { storeId: shop.id, productId: first.id, photo: PHOTO });
	return { ...shop, products, customer };
}

/** A platform with a café, for all tests of a `describe`; see `platformForAll`. */
export function cafeForAll(env: NodeJS.ProcessEnv = {}) {
	const platform = platformForAll(env);
	const cafe = {} as Cafe;
	before(async () => void Object.assign(cafe, await openCafe(platform)));
	const newBrowser = async (t: TestContext): Promise<BrowserContext> => {
		const browser = await openBrowser(tablet);
		t.after(() => browser.close());
		return browser;
	};
	/** In a browser of its own, until the test ends. */
	const newPage = async (t: TestContext): Promise<Page> => (await newBrowser(t)).newPage();
	/** A till in a browser of its own, until the test ends. */
	const openTill = async (t: TestContext, trust?: Trust): Promise<Page> =>
		openTillPage(await newBrowser(t), cafe, trust);
	return { platform, cafe, newBrowser, newPage, openTill };
}

type Trust = { readonly mayRefund?: boolean; readonly discountMaxPercent?: number };

/** A browser that has joined the café as its till. */
export async function openTillPage(browser: BrowserContext, cafe: Shop, trust: Trust = {}): Promise<Page> {
	const invitation = await cafe.owner.api.ok("store.createPairing", { storeId: cafe.id, name: "1번 계산대", ...trust });
	const page = browser.pages()[0] ?? (await browser.newPage());
	await page.goto(invitation.link);
	await page.getByRole("button", { name: "연결하기", exact: true }).click();
	await page.getByRole("button", { name: /아메리카노/ }).waitFor();
	return page;
}

/** A customer's code, as text and as the picture that their phone shows. */
export async function codeOf(customer: { readonly api: Client }, cap?: number): Promise<{ code: string; png: Buffer }> {
	const { code, image } = await customer.api.ok("user.issueCode", { image: "png", ...(cap !== undefined && { cap }) });
	return { code, png: Buffer.from(String(image).split(",")[1] ?? "", "base64") };
}

/** As a hand scanner types it: faster than the debugger could press keys. */
export const scanByHand = (page: Page, text: string): Promise<void> =>
	page.evaluate((scanned) => {
		const startedAtMs = performance.now();
		for (const [index, key] of [...scanned, "Enter"].entries()) {
			const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
			// A scanner's own pace, however busy this machine is.
			Object.defineProperty(event, "timeStamp", { value: startedAtMs + index });
			(document.activeElement ?? document.body).dispatchEvent(event);
		}
	}, text);
