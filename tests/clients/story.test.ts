import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { cameraOf, complaintsOf, describeInBrowser, openBrowser, screenshot, tablet, visit } from "./browser.ts";
import { writeFilm } from "./film.ts";
import { cafeForAll, codeOf, openTillPage } from "./till-world.ts";
import { charge, showsBalance, signUp } from "./wallet-person.ts";

// What Hannip is for, on two screens at once: nobody types a code, the till's camera sees the phone's screen.

describeInBrowser("a payment, seen from both sides", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-story-"));
	const film = join(folder, "camera.y4m");
	const { platform, cafe } = cafeForAll();
	before(async () => {
		// The camera sees an empty counter first.
		writeFilm(film, (await codeOf(cafe.customer)).png, { share: 0 });
	});
	after(() => rmSync(folder, { recursive: true }));

	it("goes from sign-up over the camera to a part refund, and both histories say the same", async (t) => {
		const { page: phone, browser: pocket, complaints } = await signUp(platform);
		t.after(() => pocket.close());
		const counter = await openBrowser({ ...tablet, args: cameraOf(film) });
		t.after(() => counter.close());
		const till = await openTillPage(counter, cafe, { mayRefund: true });
		const tillComplaints = complaintsOf(till);
		await charge(phone, 50_000);
		await till.getByRole("button", { name: /아메리카노/ }).dblclick();
		await till.getByRole("button", { name: /초콜릿/ }).click();

		await visit(phone, "/pay");
		await phone.locator(".qr").waitFor();
		writeFilm(film, await phone.locator(".pay-coin").screenshot(), { share: 0.8 });
		await till.getByRole("button", { name: /결제 받기/ }).click();
		await Promise.all([
			till.getByRole("heading", { name: "결제됐어요" }).waitFor(),
			phone.getByRole("dialog", { name: "결제했어요" }).waitFor(),
		]);
		await screenshot(till, "story-till-paid");
		await screenshot(phone, "story-wallet-paid");
		assert.match(String(await phone.locator(".paid").textContent()), /15,800닢.*카페 닢/s);

		await till.keyboard.press("Enter");
		await till.getByRole("link", { name: "내역" }).click();
		await till.getByRole("link", { name: /아메리카노/ }).click();
		await till.getByRole("button", { name: "환불하기" }).click();
		await till.getByText("일부").click();
		await till.getByLabel("환불할 금액").fill("6800");
		await till.getByLabel("이유").fill("케이크가 떨어졌어요");
		await till.getByRole("button", { name: "6,800닢 환불" }).click();
		await till.getByText("일부 환불").waitFor();
		await visit(phone, "/");
		await showsBalance(phone, 41_000);

		await visit(phone, "/history");
		// Before it is read there are rows that only take their place.
		await phone.locator('.history-list section[aria-busy="false"] .transaction').nth(2).waitFor();
		assert.equal(await phone.locator(".transaction").count(), 3);
		await screenshot(phone, "story-wallet-history");
		await till.getByRole("link", { name: "내역" }).click();
		await till.getByRole("link", { name: /아메리카노/ }).waitFor();
		await screenshot(till, "story-till-history");
		assert.match(String(await till.locator(".facts").textContent()), /15,800닢.*−6,800닢.*9,000닢/s);
		assert.deepEqual([...complaints, ...tillComplaints], []);
	});
});
