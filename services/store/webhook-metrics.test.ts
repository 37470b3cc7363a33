import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { adapterFor, type Documents } from "../../mixins/database.ts";
import { DELIVERIES, type Delivery } from "./webhook-delivery.ts";
import { countsOf } from "./webhook-metrics.ts";

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const dataDir = mkdtempSync(join(tmpdir(), "hannip-webhook-metrics-"));
const adapter = adapterFor({ dataDir }, DELIVERIES);
const deliveries = adapter as unknown as Documents<Delivery>;
before(() => adapter.connect());
after(async () => {
	await adapter.disconnect();
	rmSync(dataDir, { recursive: true });
});

const fill = (state: Delivery["state"], count: number, dueAtMs: number) =>
	deliveries.insertMany(
		Array.from({ length: count }, (_, n) => ({
			...{ webhookId: "w_one", storeId: "s_one", ownerId: "u_one", eventId: `evt_${n}`, type: "sale.posted" as const },
			...{ body: "{}", state, attempts: 1, dueAtMs: dueAtMs + n, createdAtMs: NOW_MS - 9 * HOUR_MS },
			...{ lastAtMs: null, lastStatus: null, lastError: null, lastTookMs: null },
		})),
	);

it("what waits and what was given up within the hour is counted, and for how long the oldest is due", async () => {
	await fill("waiting", 3, NOW_MS - 90_000);
	await fill("failed", 2, NOW_MS - HOUR_MS + 1);
	await fill("failed", 5, NOW_MS - 2 * HOUR_MS);
	await fill("delivered", 7, NOW_MS - 1_000);
	assert.deepEqual(await countsOf(deliveries, NOW_MS), { waiting: 3, failed: 2, lateS: 90 });
});

it("no more are counted than ten thousand, however many there are", async () => {
	await fill("waiting", 10_010, NOW_MS - 3 * HOUR_MS);
	await fill("failed", 10_010, NOW_MS - 1_000);
	assert.deepEqual(await countsOf(deliveries, NOW_MS), { waiting: 10_000, failed: 10_000, lateS: 3 * 3_600 });
});
