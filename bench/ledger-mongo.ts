import { ReplicaSet } from "../scripts/cluster/replica-set.ts";
import { endAll, own } from "./ending.ts";
import { printFigures } from "./figures.ts";
import {
	HELD,
	inTurn,
	ledgerRows,
	measure,
	Payer,
	type Plan,
	progress,
	REFUNDED,
	type Row,
	startLedger,
} from "./ledger-load.ts";
import { benchProcesses } from "./ledger-processes.ts";
import { type Place, sustain } from "./ledger-sustained.ts";
import { NaiveTransfers } from "./naive-transfers.ts";

/** As in `k8s/overlays/production`. */
const CACHE_GB = 4;
const FILL_S_MAX = 360;
const FILL_STEP_S = 20;

type Times = Plan & { readonly sustainedS: number; readonly stored: number };
const full: Times = { rounds: 5, seconds: 2, sustainedS: 60, stored: 2_000_000 };
const quick: Times = { rounds: 3, seconds: 1, sustainedS: 10, stored: 50_000 };

/** All but the processes of `ledger-processes.ts` is measured on one mongod: a replica set of one, on this machine. */
export async function benchMongo({ isQuick }: { isQuick: boolean }): Promise<void> {
	const times = isQuick ? quick : full;
	const set = await own(ReplicaSet.start({ cacheGb: CACHE_GB }), (started) => started.stop());
	const ask = await startLedger({ MONGODB_URI: set.uri("ledger") });
	const payer = new Payer(ask);
	const rows = ledgerRows(ask, payer);
	await benchRows(rows, set, times);
	await benchSustained(rows, { ask, mongodPid: set.members[0]?.process.pid as number, seconds: times.sustainedS });
	await benchGrowth(rows, payer, set, times);
	console.log(`this ledger, over all of it: ${payer}`);
	// What comes next has a mongod of its own.
	await endAll();
	await benchProcesses({ isQuick });
}

async function benchRows(ours: readonly Row[], set: ReplicaSet, times: Times): Promise<void> {
	const naive = await own(NaiveTransfers.open(set.uri("naive")), (opened) => opened.close());
	const rows = [...ours, ...naive.rows()];
	progress(`${rows.length} rows, ${times.rounds} rounds of ${times.seconds} s each`);
	const results = await inTurn(rows, times);

	results.print("MongoDB, a replica set of one, {w: majority, j: true}");
	console.log(`naive: ${naive.attemptsEach.toFixed(2)} attempts for a transfer, over all of its rows`);
	const tps = (name: string) => results.perS(name);
	const [one, spread, hot] = ["1 waiting", "128 waiting", "128 waiting, into one account"] as const;
	printFigures({
		"ledger.mongo.tps1": [tps(one), "/s"],
		"ledger.mongo.tps32": [tps("32 waiting"), "/s"],
		"ledger.mongo.tps128": [tps(spread), "/s"],
		"ledger.mongo.tps1024": [tps("1,024 waiting"), "/s"],
		"ledger.mongo.hot_vs_spread": [tps(hot) / tps(spread), "x"],
		"ledger.mongo.spread128_vs_naive": [tps(spread) / tps(`naive, ${spread}`), "x"],
		"ledger.mongo.hot128_vs_naive": [tps(hot) / tps(`naive, ${hot}`), "x"],
		"ledger.mongo.held": [tps(HELD), "/s"],
		"ledger.mongo.refunded": [tps(REFUNDED), "/s"],
		// With one waiting, the mean latency is the reciprocal of the rate.
		"ledger.mongo.latency1_vs_naive": [tps(`naive, ${one}`) / tps(one), "x"],
	});
}

async function benchSustained(rows: readonly Row[], place: Place): Promise<void> {
	const { seconds } = place;
	progress(`128 waiting for ${seconds} s`);
	const { perS, lagMaxS, lagMedianS, nodeS, mongodS } = await sustain(rowOf(rows, "128 waiting"), place);
	console.log(`\n128 waiting for ${seconds} s: ${Math.round(perS)} transfers/s`);
	console.log(`read model behind by at most ${lagMaxS.toFixed(2)} s, median ${lagMedianS.toFixed(2)} s`);
	console.log(
		`CPU for 1,000 transfers: ${nodeS.toFixed(4)} s here, with the load's own; ${mongodS.toFixed(4)} s in mongod`,
	);
	printFigures({
		"ledger.mongo.sustained": [perS, "/s"],
		"ledger.mongo.lag": [lagMaxS, "s"],
		"ledger.mongo.lag_median": [lagMedianS, "s"],
		"ledger.mongo.cpu_node": [nodeS, "s"],
		"ledger.mongo.cpu_mongod": [mongodS, "s"],
	});
}

function rowOf(rows: readonly Row[], name: string): Row {
	const row = rows.find((each) => each.name === name);
	if (!row) throw new Error(`there is no row ${name}`);
	return row;
}

async function benchGrowth(old: readonly Row[], payer: Payer, set: ReplicaSet, times: Times): Promise<void> {
	await fill(rowOf(old, "1,024 waiting"), payer, times.stored);
	const stored = payer.booked;
	const empty = ledgerRows(await startLedger({ MONGODB_URI: set.uri("empty") }));
	const grown = `128 waiting, ${stored.toLocaleString("en")} stored`;
	const rows = [
		{ ...rowOf(old, "128 waiting"), name: grown },
		{ ...rowOf(empty, "128 waiting"), name: "128 waiting, empty" },
	];
	const results = await inTurn(rows, times);
	results.print("A database with many transfers beside an empty one, in the same mongod");
	printFigures({
		"ledger.mongo.growth_stored": [stored, "transfers"],
		"ledger.mongo.growth": [results.perS(grown) / results.perS("128 waiting, empty"), "x"],
	});
}

/** What was measured before counts: each of it is a transfer like any other. A slow machine gets no further than the time goes. */
async function fill(row: Row, payer: Payer, wanted: number): Promise<void> {
	const endsAt = performance.now() + FILL_S_MAX * 1_000;
	while (payer.booked < wanted && performance.now() < endsAt) {
		await measure(row, Math.min(FILL_STEP_S, (wanted - payer.booked) / 5_000));
		progress(`${payer.booked.toLocaleString("en")} of ${wanted.toLocaleString("en")} transfers stored`);
	}
}
