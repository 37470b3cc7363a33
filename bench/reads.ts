// `npm run bench:reads -- [--journal sqlite|mongo] [--lines N] [--quick]`: what it takes to read of a shop and a wallet with N lines each (100,000),
// of 20,000 products, of N/2 deliveries and N/20 tills, as the time that the same request takes where there is little; and for how long each keeps
// the loop of an embedded platform, on which payments wait. This process is both platforms and their client: what it reads counts.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ReplicaSet } from "../scripts/cluster/replica-set.ts";
import { checkInterrupted, own, runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { startWith, type World } from "./reads-world.ts";

const { values } = parseArgs({
	options: {
		quick: { type: "boolean", default: false },
		journal: { type: "string", default: "sqlite" },
		lines: { type: "string" },
	},
});
const FEW = 200;
const MUCH = Number(values.lines ?? (values.quick ? 20_000 : 100_000));
const ROUNDS = values.quick ? 5 : 15;
/** Fits into a file. */
const EXPORTED = 9_000;
const CACHE_GB = 1;

type Request = (world: World) => Promise<unknown>;

/** On a busy machine a request may come too late to be begun; then it comes again. */
async function get({ owner, busy }: World, who: "owner" | "busy", path: string): Promise<void> {
	for (let left = 5; ; left--) {
		const { status, text } = await (who === "owner" ? owner : busy).api.raw({ method: "GET", path });
		if (status === 200) return;
		if (status !== 503 || left === 0) throw new Error(`${path} was answered ${status} ${text}`);
	}
}
const ofShop =
	(path: string): Request =>
	(world) =>
		get(world, "owner", `/v1/stores/${world.shop.id}${path}`);
const ofWallet =
	(path: string): Request =>
	(world) =>
		get(world, "busy", `/v1/me${path}`);

const requests: Readonly<Record<string, Request>> = {
	me: ofWallet(""),
	transactions: ofWallet("/transactions?limit=100"),
	transactions_kind: ofWallet("/transactions?kind=payout"),
	transactions_from: ofWallet("/transactions?fromMs=4000000000000"),
	transactions_to: ofWallet("/transactions?toMs=1"),
	events: ofWallet("/events"),
	approvals: ofWallet("/approvals"),
	sales: ofShop("/sales?limit=100"),
	sales_day: ofShop("/sales?date=2020-01-01"),
	report: ofShop("/reports/2020-01-01"),
	products: ofShop("/products?limit=100"),
	products_category: ofShop("/products?category=None"),
	products_state: ofShop("/products?state=archived"),
	tills: ofShop("/tills"),
	deliveries: (world) => ofShop(`/webhooks/${world.webhookId}/deliveries?limit=100`)(world),
	deliveries_failed: (world) => ofShop(`/webhooks/${world.webhookId}/deliveries?state=failed`)(world),
	invitation: ({ owner, shop }) => owner.api.ok("store.createPairing", { storeId: shop.id, name: "Till" }),
	operator_statement: ({ operator, shop }) => operator.ok("credit.statement", { accountId: shop.account, limit: 100 }),
	operator_holds: ({ operator }) => operator.ok("credit.listHolds", {}),
};

/** For how long nobody else had their turn, at most. */
async function heldBy(work: () => Promise<unknown>): Promise<number> {
	let [heldMs, lastMs] = [0, performance.now()];
	const timer = setInterval(() => {
		const nowMs = performance.now();
		heldMs = Math.max(heldMs, nowMs - lastMs - 1);
		lastMs = nowMs;
	}, 1);
	await work();
	await sleep(2);
	clearInterval(timer);
	return heldMs;
}

type Measured = { readonly ms: number; readonly heldMs: number };

async function measure(request: Request, world: World): Promise<Measured> {
	await request(world);
	const [tookMs, heldMs]: [number[], number[]] = [[], []];
	for (let round = 0; round < ROUNDS; round++) {
		checkInterrupted();
		const beganMs = performance.now();
		heldMs.push(await heldBy(() => request(world)));
		tookMs.push(performance.now() - beganMs - 2);
	}
	return { ms: median(tookMs), heldMs: median(heldMs) };
}

async function mongodb(): Promise<ReplicaSet | undefined> {
	if (values.journal === "sqlite") return undefined;
	if (values.journal !== "mongo") throw new Error(`--journal ${values.journal} is neither sqlite nor mongo`);
	return own(ReplicaSet.start({ cacheGb: CACHE_GB }), (started) => started.stop());
}

await runBench(async () => {
	const set = await mongodb();
	const little = await startWith(FEW, set?.uri("little"));
	const exported = await startWith(EXPORTED, set?.uri("exported"));
	const much = await startWith(MUCH, set?.uri("much"));
	const figures: Record<string, [number, string]> = {};
	let heldMax = 0;
	const say = (name: string, few: Measured, many: Measured) => {
		console.log(
			`${name.padEnd(20)} ${few.ms.toFixed(1).padStart(7)} ms, with much ${many.ms.toFixed(1).padStart(7)} ms, holding the loop for ${many.heldMs.toFixed(1)} ms`,
		);
		figures[`reads.${values.journal}.${name}`] = [many.ms / few.ms, "x"];
		heldMax = Math.max(heldMax, many.heldMs);
	};
	for (const [name, request] of Object.entries(requests))
		say(name, await measure(request, little), await measure(request, much));
	const csv = ofShop("/sales.csv?fromMs=1");
	const [few, many] = [await measure(csv, little), await measure(csv, exported)];
	// Of each line: there are as many more of them.
	say("sales_csv_a_line", { ...few, ms: few.ms / FEW }, { ...many, ms: many.ms / EXPORTED });
	printFigures({ ...figures, [`reads.${values.journal}.held`]: [heldMax, "ms"], "reads.lines": [MUCH, "lines"] });
});
