import { setTimeout as sleep } from "node:timers/promises";
import { LedgerCluster } from "../tests/cluster/ledger-cluster.ts";
import { checkInterrupted, own } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { type Ask, caughtUp, inTurn, Payer, type Plan, prepare, progress, type Row, spread } from "./ledger-load.ts";

const PAYERS = 32;
const BEFORE_KILL_MS = 1_000;
/** Until the broker misses who was killed; until then each call finds out by itself. */
const MISSED_MS = 5_000;
/** And a bit more: calls go another way then. */
const AFTER_KILL_MS = MISSED_MS + 1_500;

/** Two processes of the ledger over NATS, with a mongod of their own, asked by this one. */
export async function benchProcesses({ isQuick }: { isQuick: boolean }): Promise<void> {
	const plan: Plan = isQuick ? { rounds: 3, seconds: 1 } : { rounds: 5, seconds: 3 };
	progress("two processes, NATS, and another mongod start");
	const cluster = await own(LedgerCluster.start({ processes: 2 }), (started) => started.stop());
	await prepare((name, params) => cluster.client.call(name, params));
	await benchTwoWriters(cluster, plan);
	await benchTakeover(cluster, isQuick ? 3 : 5);
}

/** Named by its node, a process gets what another one should have: nobody keeps both from writing. */
async function benchTwoWriters(cluster: LedgerCluster, plan: Plan): Promise<void> {
	const asks = [...cluster.processes.keys()].map(
		(nodeID): Ask =>
			(name, params) =>
				cluster.client.call(name, params, { nodeID }),
	);
	const settled = async () => {
		for (const ask of asks) await caughtUp(ask);
	};
	const row = (name: string, payers: readonly Payer[]): Row => ({
		name,
		width: 128,
		pay: (turn, client) => (payers[client % payers.length] as Payer).pay(spread(turn)),
		settled,
	});
	const both = asks.map((ask) => new Payer(ask));
	const alone = new Payer(asks[0] as Ask);
	const [one, two] = ["one of two processes, 128 waiting", "both, 64 waiting each"];
	const results = await inTurn([row(one, [alone]), row(two, both)], plan);

	results.print("Two processes of the ledger, over NATS");
	console.log(`the one, over all rounds: ${alone}`);
	for (const each of both) console.log(`each of both, over all rounds: ${each}`);
	const booked = both.map(({ booked }) => booked);
	printFigures({
		"ledger.mongo.two_writers": [results.perS(two) / results.perS(one), "x"],
		// 1: both got the same.
		"ledger.mongo.two_writers_fairness": [Math.min(...booked) / Math.max(...booked), "x"],
	});
}

async function benchTakeover(cluster: LedgerCluster, kills: number): Promise<void> {
	const gapsS: number[] = [];
	for (let kill = 1; kill <= kills; kill++) {
		const { gapS, beforePerS, afterPerS, refused } = await killWriter(cluster);
		gapsS.push(gapS);
		const rates = `${Math.round(beforePerS)} payments/s before it, ${Math.round(afterPerS)} in the ${MISSED_MS / 1_000} s after`;
		progress(`kill ${kill} of ${kills}: ${gapS.toFixed(2)} s without a payment; ${rates}; ${refused} refusals`);
		if (kill < kills) await cluster.add();
	}
	printFigures({
		"ledger.mongo.takeover": [median(gapsS), "s"],
		"ledger.mongo.takeover_max": [Math.max(...gapsS), "s"],
	});
}

type Takeover = {
	/** The longest time in which nobody was told "booked". */
	readonly gapS: number;
	readonly beforePerS: number;
	readonly afterPerS: number;
	readonly refused: number;
};

/** All pay all the time, and ask again under the same id. */
async function killWriter(cluster: LedgerCluster): Promise<Takeover> {
	const writer = await cluster.writer();
	let isOver = false;
	const [paidAtMs, refusals]: [number[], string[]] = [[], []];
	const payer = async () => {
		while (!isOver) {
			checkInterrupted();
			refusals.push(...(await cluster.pay()).refusals);
			paidAtMs.push(performance.now());
		}
	};
	const payers = Promise.all(Array.from({ length: PAYERS }, payer));
	await Promise.race([sleep(BEFORE_KILL_MS), payers]);
	const killedAtMs = performance.now();
	await cluster.signal(writer, "SIGKILL");
	await Promise.race([sleep(AFTER_KILL_MS), payers]);
	isOver = true;
	await payers;
	const since = paidAtMs.filter((atMs) => atMs >= killedAtMs);
	const gaps = since.map((atMs, index) => atMs - (since[index - 1] ?? killedAtMs));
	return {
		gapS: Math.max(...gaps) / 1_000,
		beforePerS: ((paidAtMs.length - since.length) / BEFORE_KILL_MS) * 1_000,
		afterPerS: (since.filter((atMs) => atMs < killedAtMs + MISSED_MS).length / MISSED_MS) * 1_000,
		refused: refusals.length,
	};
}
