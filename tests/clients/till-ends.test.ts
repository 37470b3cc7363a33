import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { Page, Route } from "playwright-core";
import { newShop } from "../api/people.ts";
import { assertAccessible, describeInBrowser, fillDisk, intercept, screenshot } from "./browser.ts";
import { cafeForAll, codeOf, scanByHand } from "./till-world.ts";

// What cannot go on comes to an end, and people are told which.

const SALES = /\/v1\/stores\/[^/]+\/sales$/;

describeInBrowser("a till that cannot go on", () => {
	const { cafe, openTill } = cafeForAll();

	/** As owners pair them: it may not refund. */
	const till = (t: TestContext) => openTill(t);

	async function buy(page: Page): Promise<void> {
		await page.getByRole("button", { name: /초콜릿/ }).click();
		await scanByHand(page, (await codeOf(cafe.customer)).code);
	}

	const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
	const stop = (page: Page) => page.getByRole("button", { name: "멈추고 취소하기" }).click();

	/** Books a sale of which this till does not hear. @returns how it would */
	async function sellUnheard(page: Page): Promise<() => Promise<void>> {
		const loseAnswer = async (route: Route): Promise<void> => {
			await route.fetch().catch(() => {});
			await route.abort("connectionreset").catch(() => {});
		};
		const hear = await intercept(page, SALES, (route) =>
			route.request().method() === "POST" ? loseAnswer(route) : route.continue(),
		);
		await buy(page);
		await heading(page, "결과를 확인하고 있어요");
		return hear;
	}

	async function revoke(page: Page, hear: () => Promise<void>): Promise<void> {
		const { items } = await cafe.owner.api.ok("store.listTills", { storeId: cafe.id });
		await cafe.owner.api.ok("store.revokeTill", { storeId: cafe.id, tillId: String(items.at(-1)?.id) });
		await hear();
		await page.getByRole("button", { name: "다시 연결하기" }).click();
	}

	async function pair(page: Page, storeId: string): Promise<void> {
		const { pairingCode } = await cafe.owner.api.ok("store.createPairing", { storeId, name: "2번 계산대" });
		await page.getByLabel("연결 코드").fill(pairingCode);
		await page.keyboard.press("Enter");
	}

	it("tells its number when it belongs to another shop since, until somebody has read it", async (t) => {
		const page = await till(t);
		const other = await newShop(cafe.owner);
		await revoke(page, await sellUnheard(page));
		await pair(page, other.id);
		await page.getByLabel("연결 코드").waitFor({ state: "detached" });
		for (const _ of ["at once", "after a reload"]) {
			await page.reload();
			await heading(page, "결과를 확인하지 못했어요");
		}
		const [sale] = (await cafe.owner.api.ok("store.listSales", { storeId: cafe.id, limit: 1 })).items;
		await page.getByText(String(sale?.id)).waitFor();
		await screenshot(page, "till-untold");
		await assertAccessible(page, "untold");
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: /Product 0/ }).waitFor();
		await page.reload();
		await page.getByRole("button", { name: /Product 0/ }).waitFor();
	});

	it("says that it was paid when it is too late to cancel it", async (t) => {
		const page = await till(t);
		await sellUnheard(page);
		// As the platform answers who may not refund, ten minutes after the sale.
		const problem = { type: "/problems/forbidden", title: "This is not allowed", status: 403, code: "forbidden" };
		await intercept(page, /\/cancel$/, (route) =>
			route.fulfill({ status: 403, contentType: "application/problem+json", json: problem }),
		);
		await stop(page);
		await heading(page, "결제됐어요");
		await page.getByText(/가게 주인은 다른 기기에서 .+환불할 수 있어요/).waitFor();
		await screenshot(page, "till-paid-too-late");
		await assertAccessible(page, "paid, too late");
		await page.keyboard.press("Enter");
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
		await page.reload();
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
		assert.equal(await page.getByRole("heading", { name: "결제됐어요" }).count(), 0);
	});

	it("goes on with what was in doubt when its owner ended it, after it has joined again", async (t) => {
		const page = await till(t);
		await revoke(page, await sellUnheard(page));
		await pair(page, cafe.id);
		await heading(page, "결제됐어요");
		await page.keyboard.press("Enter");
		await page.getByText("상품을 눌러 담아 보세요.").waitFor();
	});

	it("takes no payment that it has no room to keep, says so, and takes it when there is", async (t) => {
		const page = await till(t);
		let asked = 0;
		await intercept(page, SALES, (route) => {
			if (route.request().method() === "POST") asked++;
			return route.continue();
		});
		await page.evaluate(fillDisk);
		await buy(page);
		await heading(page, "결제되지 않았어요");
		await page.getByText(/저장할 공간이 없어/).waitFor();
		assert.equal(asked, 0);
		await page.reload();
		await heading(page, "손님의 QR을 비춰 주세요");
		await scanByHand(page, (await codeOf(cafe.customer)).code);
		await heading(page, "결제됐어요");
	});
});
