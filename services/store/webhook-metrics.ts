import type { Documents } from "../../mixins/database.ts";
import type { Metrics } from "../../mixins/metrics.ts";
import type { Delivery } from "./webhook-delivery.ts";

/** All processes of the service see the same ones, and the database is not asked more often than that. */
const ASK_EVERY_MS = 30_000;

/** Where a receiver is away for a day, a million may wait. Nobody asks how many they are exactly, and each of them would be counted each time. */
const COUNTED_MAX = 10_000;
const HOUR_MS = 3_600_000;

type Counts = { readonly waiting: number; readonly failed: number; readonly lateS: number };

export function measureWebhooks(metrics: Metrics, deliveries: Documents<Delivery>, clock: () => number): void {
	let asked: { readonly atMs: number; readonly counts: Promise<Counts | null> } | undefined;
	const latest = () => {
		const nowMs = clock();
		if (!asked || asked.atMs + ASK_EVERY_MS < nowMs)
			asked = { atMs: nowMs, counts: countsOf(deliveries, nowMs).catch(() => null) };
		return asked.counts;
	};
	metrics.gauge({
		name: "hannip_webhook_deliveries",
		help: "Events that wait to be told to a webhook, and those that were given up within the last hour, as far as 10,000; the same in every process",
		labelNames: ["state"],
		async collect() {
			const counts = await latest();
			if (!counts) return this.reset();
			this.set({ state: "waiting" }, counts.waiting);
			this.set({ state: "failed" }, counts.failed);
		},
	});
	metrics.reads(
		"hannip_webhook_late_seconds",
		"For how long the delivery that is due the longest is due",
		async () => (await latest())?.lateS ?? null,
	);
}

export async function countsOf(deliveries: Documents<Delivery>, nowMs: number): Promise<Counts> {
	const limit = COUNTED_MAX;
	const [waiting, failed, [longest]] = await Promise.all([
		deliveries.count({ query: { state: "waiting" }, limit }),
		// It was due when its last attempt would have been given up, some seconds later than it was.
		deliveries.count({ query: { state: "failed", dueAtMs: { $gt: nowMs - HOUR_MS } }, limit }),
		deliveries.find({ query: { state: "waiting" }, sort: "dueAtMs", limit: 1 }),
	]);
	return { waiting, failed, lateS: longest ? Math.max(0, (nowMs - longest.dueAtMs) / 1_000) : 0 };
}
