import { signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import { client, end } from "./operator.ts";

export type Look = Result<"operator.listProcesses">;
export type Call = { readonly from: string; readonly to: string; readonly rate: number; readonly failed: number };
/** What a chart has a point of. */
export type Point = {
	readonly atS: number;
	readonly requests: number;
	readonly failed: number;
	readonly halfMs: number | null;
	readonly slowMs: number | null;
	readonly groups: number;
	readonly waiting: number;
	readonly circulation: number | null;
};

const EVERY_MS = 2_000;
/** A quarter of an hour. */
const POINTS_MAX = 450;
const SYSTEM = ["system:funding", "system:settlement", "system:fees", "system:adjustment"];

export const look = signal<Look | null>(null);
export const calls = signal<readonly Call[]>([]);
export const points = signal<readonly Point[]>([]);
/** Whether the last question was not answered. */
export const isSilent = signal(false);

type Flow = Look["items"][number]["flows"][number];
type Before = { readonly look: Look; readonly sequence: number; readonly at: number };

let before: Before | null = null;

/** Asks as long as somebody looks. @returns how to stop */
export function beat(): () => void {
	let isOver = false;
	let timer: ReturnType<typeof setTimeout>;
	const again = async () => {
		if (!document.hidden) await once();
		if (!isOver) timer = setTimeout(() => void again(), EVERY_MS);
	};
	void again();
	return () => {
		isOver = true;
		clearTimeout(timer);
	};
}

async function once(): Promise<void> {
	const operator = client.value;
	if (!operator) return;
	const [processes, ledger, ...systems] = await Promise.all([
		operator.call("operator.listProcesses", {}),
		operator.call("credit.status", {}),
		...SYSTEM.map((accountId) => operator.call("credit.account", { accountId })),
	]);
	if (!processes.ok && processes.problem.code === "unauthenticated") return end();
	isSilent.value = !processes.ok || !ledger.ok;
	if (!processes.ok || !ledger.ok) return;
	const now = { look: processes.value, sequence: ledger.value.sequence, at: performance.now() };
	look.value = processes.value;
	if (before) {
		const flows = differences(before.look, now.look);
		const seconds = (now.at - before.at) / 1_000;
		calls.value = between(flows, seconds);
		const requests = flows.filter(({ from }) => from === "clients");
		const buckets = sumOf(requests.map(({ buckets }) => buckets));
		const balances = systems.map((answer) => (answer.ok ? answer.value.balance : null));
		const point: Point = {
			atS: Date.now() / 1_000,
			requests: requests.reduce((sum, { count }) => sum + count, 0) / seconds,
			failed: flows.reduce((sum, { failed }) => sum + failed, 0) / seconds,
			halfMs: quantile(buckets, 0.5),
			slowMs: quantile(buckets, 0.99),
			groups: (now.sequence - before.sequence) / seconds,
			waiting: ledger.value.waiting,
			circulation: balances.includes(null) ? null : -balances.reduce<number>((sum, each) => sum + (each ?? 0), 0),
		};
		points.value = [...points.value, point].slice(-POINTS_MAX);
	}
	before = now;
}

/** What was called since; a process that is new, or was started again, counts from nothing. */
function differences(earlier: Look, later: Look): Flow[] {
	return later.items.flatMap(({ nodeId, flows }) => {
		const known = earlier.items.find((each) => each.nodeId === nodeId)?.flows ?? [];
		return flows.map((flow) => {
			const was = known.find(({ from, action }) => from === flow.from && action === flow.action);
			return {
				...flow,
				count: flow.count - (was?.count ?? 0),
				failed: flow.failed - (was?.failed ?? 0),
				buckets: flow.buckets.map((count, index) => count - (was?.buckets[index] ?? 0)),
			};
		});
	});
}

function between(flows: readonly Flow[], seconds: number): Call[] {
	const sums = new Map<string, { from: string; to: string; rate: number; failed: number }>();
	for (const { from: said, action, count, failed } of flows) {
		const to = action.slice(0, action.indexOf("."));
		// Asked for many requests at once, so by none of them.
		const from = action === "auth.admit" ? "api" : said;
		// What looks at everything would be all that is seen where nothing else goes on.
		if (count === 0 || from === "itself" || to === "process" || to === "operator" || to === "internal") continue;
		const sum = sums.get(`${from} ${to}`) ?? { from, to, rate: 0, failed: 0 };
		sum.rate += count / seconds;
		sum.failed += failed / seconds;
		sums.set(`${from} ${to}`, sum);
	}
	return [...sums.values()];
}

const sumOf = (all: readonly (readonly number[])[]): number[] =>
	all.reduce<number[]>((sum, buckets) => buckets.map((count, index) => count + (sum[index] ?? 0)), []);

/** The upper edge of the bucket in which it is. */
function quantile(buckets: readonly number[], share: number): number | null {
	const all = buckets.reduce((sum, count) => sum + count, 0);
	if (all === 0) return null;
	let seen = 0;
	for (const [index, count] of buckets.entries()) {
		seen += count;
		if (seen >= all * share) return 2 ** index;
	}
	return null;
}
