import type { Result } from "../../services/actions.ts";
import type { Ask } from "./ask.ts";
import { number, rows } from "./show.ts";

type Look = Result<"operator.listProcesses">;
type Flow = Look["items"][number]["flows"][number];
type Sum = { count: number; failed: number; tookMs: number; buckets: number[] };

const RIGHT = { align: "right" } as const;

/** What happened between two looks, a second. */
export function frame(before: Look, after: Look, tookS: number, width = 40): string {
	const flows = differences(before, after).filter(({ count }) => count > 0);
	const sorted = flows.sort((left, right) => right.count - left.count).slice(0, 20);
	const calls = sorted.map(({ from, action, count, failed, tookMs, buckets }) => [
		from,
		action,
		(count / tookS).toFixed(1),
		(failed / tookS).toFixed(1),
		(tookMs / count).toFixed(1),
		slowest(buckets),
	]);
	const load = after.items.map(({ nodeId, services, cpu, memoryBytes, loopLateMs, circuits }) => [
		nodeId,
		services.join(","),
		`${Math.round(cpu * 100)} %`,
		`${Math.round(memoryBytes / 1e6)} MB`,
		loopLateMs.toFixed(0),
		String(circuits.length),
	]);
	const callTable = rows(
		[
			{ title: "from" },
			{ title: "action", widthMax: width },
			{ title: "calls/s", ...RIGHT },
			{ title: "failed/s", ...RIGHT },
			{ title: "mean ms", ...RIGHT },
			{ title: "p99 ms", ...RIGHT },
		],
		calls,
	);
	const processTable = rows(
		[
			{ title: "process" },
			{ title: "services", widthMax: width },
			{ title: "cpu", ...RIGHT },
			{ title: "memory", ...RIGHT },
			{ title: "late ms", ...RIGHT },
			{ title: "circuits", ...RIGHT },
		],
		load,
	);
	return `${processTable}\n\n${calls.length > 0 ? callTable : "No calls."}`;
}

/** In which bucket the 99th of 100 is. */
function slowest(buckets: readonly number[]): string {
	const all = buckets.reduce((sum, count) => sum + count, 0);
	let seen = 0;
	for (const [index, count] of buckets.entries()) {
		seen += count;
		if (seen >= all * 0.99)
			return index === buckets.length - 1 ? `>${number(2 ** (index - 1))}` : `≤${number(2 ** index)}`;
	}
	return "";
}

/** Over all processes; one that is new, or was started again, counts from nothing. */
function differences(before: Look, after: Look): (Sum & Pick<Flow, "from" | "action">)[] {
	const sums = new Map<string, Sum & Pick<Flow, "from" | "action">>();
	for (const { nodeId, flows } of after.items) {
		const known = before.items.find((each) => each.nodeId === nodeId)?.flows ?? [];
		for (const flow of flows) {
			const was = known.find(({ from, action }) => from === flow.from && action === flow.action);
			const key = `${flow.from} ${flow.action}`;
			const { from, action } = flow;
			const sum = sums.get(key) ?? { from, action, count: 0, failed: 0, tookMs: 0, buckets: [] };
			sum.count += flow.count - (was?.count ?? 0);
			sum.failed += flow.failed - (was?.failed ?? 0);
			sum.tookMs += flow.tookMs - (was?.tookMs ?? 0);
			for (const [index, count] of flow.buckets.entries())
				sum.buckets[index] = (sum.buckets[index] ?? 0) + count - (was?.buckets[index] ?? 0);
			sums.set(key, sum);
		}
	}
	return [...sums.values()];
}

type Watching = {
	readonly ask: Ask;
	readonly draw: (text: string) => void;
	readonly seconds: number;
	readonly stop: AbortSignal;
};

/** Draws a frame every second, until it is told to stop or the time is over. */
export async function watch({ ask, draw, seconds, stop }: Watching): Promise<void> {
	let before = await ask("operator.listProcesses", {});
	let at = performance.now();
	for (let second = 0; second < seconds && !stop.aborted; second++) {
		await new Promise<void>((resolve) => {
			setTimeout(resolve, 1_000);
			stop.addEventListener("abort", () => resolve(), { once: true });
		});
		if (stop.aborted) return;
		const after = await ask("operator.listProcesses", {});
		const now = performance.now();
		draw(frame(before, after, (now - at) / 1_000));
		[before, at] = [after, now];
	}
}
