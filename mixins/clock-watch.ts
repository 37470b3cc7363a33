import type { ServiceBroker } from "moleculer";
import { metricsOf } from "./metrics.ts";
import type { Mongo } from "./mongo.ts";

const LOOK_MS = 15_000;
/** An answer that took longer says too little: half of the way is what is not known. */
export const WAY_MAX_MS = 500;
/** Clocks that somebody keeps differ by milliseconds. */
const OFF_MS = 1_000;

/** As Moleculer tells it: `timeDiff` is by how many ms this process's clock is ahead of the other's, if the ways there and back were equal. */
export type Pong = { readonly elapsedTime: number; readonly timeDiff: number };

/** By how many ms this process's clock is ahead of most other processes'; null when none of them answered soon enough. */
export function aheadOf(pongs: readonly (Pong | null)[]): number | null {
	const aheadMs = pongs
		.flatMap((pong) => (pong && pong.elapsedTime <= WAY_MAX_MS ? pong.timeDiff : []))
		.sort((left, right) => left - right);
	const [low, high] = [aheadMs[(aheadMs.length - 1) >> 1], aheadMs[aheadMs.length >> 1]];
	if (low === undefined || high === undefined) return null;
	// Of two in the middle the smaller: of two others, one of which is wrong, the right one.
	return Math.abs(low) < Math.abs(high) ? low : high;
}

/**
 * Tells how far this process's clock is from the other processes', and from the database's: `hannip_clock_offset_seconds`, positive when it is
 * ahead; where there is nothing to compare it with, nothing. When that becomes more than a second, the log says so once.
 */
export function watchClock(broker: ServiceBroker, mongo: Mongo | null): { stop(): void } {
	let aheadOfProcessesMs: number | null = null;
	let wasOff = false;
	const offsets = () => [
		{ from: "processes", aheadMs: aheadOfProcessesMs },
		{ from: "mongodb", aheadMs: mongo?.aheadMs ?? null },
	];
	metricsOf(broker)?.gauge({
		name: "hannip_clock_offset_seconds",
		help: "How far the clock of this process is ahead, by whose it is compared with: most other processes', or the primary's",
		labelNames: ["from"],
		collect() {
			for (const { from, aheadMs } of offsets())
				if (aheadMs === null) this.remove({ from });
				else this.set({ from }, aheadMs / 1_000);
		},
	});
	const look = async () => {
		aheadOfProcessesMs = aheadOf(Object.values(await broker.ping()));
		const off = offsets().filter(({ aheadMs }) => Math.abs(aheadMs ?? 0) > OFF_MS);
		if (off.length > 0 && !wasOff) {
			const by = off.map(({ from, aheadMs }) => `${aheadMs} ms ahead of ${from}`).join(", ");
			broker.logger.warn(`The clock of this machine, or theirs, is wrong: ${by}. See docs/operations.md#clock-off`);
		}
		wasOff = off.length > 0;
	};
	const timer = setInterval(() => {
		look().catch((error: unknown) => broker.logger.debug("No other process could be asked for its time.", error));
	}, LOOK_MS);
	return { stop: () => clearInterval(timer) };
}
