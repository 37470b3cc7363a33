import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { basketOf, newCode, newPerson, newShop, type Person, type Shop } from "../api/people.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";
import { readPage, sumOf } from "./metrics-page.ts";

describe("/metrics", () => {
	let platform: TestPlatform;
	let customer: Person;
	let shop: Shop;
	const page = () => readPage(platform.probesUrl);

	before(async () => {
		platform = await startTestPlatform();
		customer = await newPerson(platform.anyone, { credit: 10_000 });
		shop = await newShop(await newPerson(platform.anyone, { name: "Grace" }), { prices: [4_500] });
	});
	after(() => platform.stop());

	it("counts credit where it is booked, once", async () => {
		const before = (await page()).samples;
		const paid = {
			storeId: shop.id,
			idempotencyKey: "paid-once-0001",
			code: await newCode(customer),
			items: basketOf(shop),
		};
		const sale = await shop.owner.api.ok("store.sell", paid);
		await shop.owner.api.ok("store.sell", paid);
		await shop.owner.api.ok("store.refundSale", { storeId: shop.id, saleId: sale.id, amount: 500 });
		const { samples } = await page();
		const moved = (movement: string) => {
			const of = (all: typeof samples) => sumOf(all, "hannip_credits_total", { movement });
			return of(samples) - of(before);
		};
		assert.deepEqual([moved("paid"), moved("refunded"), moved("charged")], [4_500, 500, 0]);
		assert.equal(sumOf(samples, "hannip_credits_in_circulation"), 10_000);
		assert.equal(sumOf(samples, "hannip_ledger_drift_credits"), 0);
	});

	it("tells payment codes that were made, used up and refused", async () => {
		const before = (await page()).samples;
		const code = await newCode(customer);
		const sell = (idempotencyKey: string, shown: string) =>
			shop.owner.api.call("store.sell", { storeId: shop.id, idempotencyKey, code: shown, items: basketOf(shop) });
		assert.equal((await sell("code-used-00001", code)).status, 201);
		assert.equal((await sell("code-used-00002", code)).status, 409);
		const { samples } = await page();
		const more = (name: string, labels = {}) => sumOf(samples, name, labels) - sumOf(before, name, labels);
		assert.equal(more("hannip_codes_issued_total"), 1);
		assert.equal(more("hannip_codes_redeemed_total"), 1);
		assert.equal(more("hannip_action_failures_total", { action: "store.sell", code: "code_used" }), 1);
	});

	it("counts requests by template and status, whatever a client makes up", async () => {
		const series = async () =>
			(await page()).samples.filter(({ name }) => name === "hannip_http_requests_total").length;
		const made = async (count: number) => {
			for (let index = 0; index < count; index++)
				await platform.anyone.raw({ method: "GET", path: `/made-up/${index}?token=x` });
		};
		await made(1);
		const before = await series();
		await made(50);
		assert.equal(await series(), before);
		const { text, samples } = await page();
		assert.ok(sumOf(samples, "hannip_http_requests_total", { route: "(none)", status: "404" }) >= 51);
		assert.doesNotMatch(text, /made-up/);
	});

	it("says nothing about anybody, and nothing that changes with every pod", async () => {
		const { text } = await page();
		assert.doesNotMatch(text, /[^a-z][ustnpw]_[A-Za-z0-9_-]{16}/);
		assert.doesNotMatch(text, /node_?id/i);
		assert.ok(!text.includes(platform.broker.nodeID));
	});

	it("keeps to Prometheus' names", async () => {
		const { text } = await page();
		const families = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name = "", type = ""]) => ({ name, type }));
		assert.equal(new Set(families.map(({ name }) => name)).size, families.length);
		const ours = families.filter(({ name }) => /^(hannip|moleculer)_/.test(name));
		assert.ok(ours.length > 40);
		for (const { name, type } of ours) {
			assert.doesNotMatch(name, /_(ms|milliseconds|total)$/, `${name}, a ${type}`);
			if (type === "histogram") assert.match(name, /_(seconds|entries)$/);
		}
		const counters = ours.filter(({ type }) => type === "counter");
		for (const { name } of counters) assert.doesNotMatch(text, new RegExp(`^${name}[ {]`, "m"));
		assert.ok(text.endsWith("# EOF\n"));
	});

	it("has the last audit, once there was one", async () => {
		assert.doesNotMatch((await page()).text, /^hannip_audit_clean /m);
		await platform.operator.ok("credit.audit", {});
		assert.equal(sumOf((await page()).samples, "hannip_audit_clean"), 1);
	});

	it("has one each day, also where nobody asks for it", async (t) => {
		const lastAudit = async () => sumOf((await page()).samples, "hannip_audit_timestamp_seconds");
		const tomorrowMs = Date.now() + 86_400_000;
		assert.ok((await lastAudit()) < tomorrowMs / 1_000);
		t.mock.timers.enable({ apis: ["Date"], now: tomorrowMs });
		while ((await lastAudit()) < tomorrowMs / 1_000) await sleep(100);
	});

	it("is not there where it is switched off", async () => {
		const dark = await startTestPlatform({ METRICS: "off" });
		try {
			await newPerson(dark.anyone, { credit: 1 });
			assert.equal((await fetch(`${dark.probesUrl}/metrics`)).status, 404);
		} finally {
			await dark.stop();
		}
	});
});
