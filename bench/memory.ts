// `npm run bench:memory -- [--journal mongo|sqlite]`: how much memory the ledger takes with many accounts that all pay each other at random,
// so that none is in memory for long. The script gives V8 little room, as an operator would in a small container; without that it lets
// the heap grow to where collecting is cheap. `--accounts N --transfers N` for other sizes. The load is made in the same process, and
// counts; mongod is another one, and does not. SQLite's threads are in it, and need more than the script gives (256 MB). About 40 minutes.
import { parseArgs } from "node:util";
import { ReplicaSet } from "../scripts/cluster/replica-set.ts";
import { checkInterrupted, own, runBench } from "./ending.ts";
import { printFigures } from "./figures.ts";
import { type Ask, order, startLedger } from "./ledger-load.ts";

const { values } = parseArgs({
	options: {
		accounts: { type: "string", default: "1000000" },
		transfers: { type: "string", default: "9000000" },
		journal: { type: "string", default: "mongo" },
	},
});
const accounts = Number(values.accounts);
const transfers = Number(values.transfers);
const AT_ONCE = 1_000;
/** Of mongod: with less, most of the time goes into pages that do not fit. */
const CACHE_GB = 6;
const MB = 1_000_000;

const wallet = (index: number): string => `wallet:u_${String(index).padStart(16, "0")}`;
const anyWallet = (): string => wallet(Math.floor(Math.random() * accounts));
let rssMax = 0;

/** Asks for so many, some at a time, and says now and then how it goes. */
async function all(name: string, count: number, work: (index: number) => Promise<unknown>): Promise<void> {
	const startedAt = performance.now();
	for (let from = 0; from < count; from += AT_ONCE) {
		checkInterrupted();
		await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => work(from + index)));
		const { rss, heapUsed } = process.memoryUsage();
		rssMax = Math.max(rssMax, rss);
		if (from % (AT_ONCE * Math.ceil(count / AT_ONCE / 5)) > 0) continue;
		console.log(
			`${name.padEnd(8)} ${from.toLocaleString("en").padStart(11)}  ${size(rss)} resident, heap ${size(heapUsed)}`,
		);
	}
	const perS = (count / (performance.now() - startedAt)) * 1_000;
	console.log(
		`${name.padEnd(8)} ${count.toLocaleString("en").padStart(11)}  ${Math.round(perS).toLocaleString("en")}/s`,
	);
}

const size = (bytes: number): string => `${Math.round(bytes / MB)} MB`;

/** Some who pay have nothing. @throws when it ends in any other way */
const pay = (
	ask: Ask,
	debitAccountId: string,
	kind: "charge" | "p2p",
	creditAccountId = anyWallet(),
): Promise<unknown> =>
	ask("credit.transfer", order({ kind, debitAccountId, creditAccountId, amount: 1 })).catch(
		({ type }: { type?: string }) => {
			if (type !== "insufficient_credit" && type !== "same_account") throw new Error(`a payment ended with ${type}`);
		},
	);

async function placeOf(journal: string): Promise<NodeJS.ProcessEnv> {
	if (journal === "sqlite") return {};
	if (journal !== "mongo") throw new Error(`--journal ${journal} is neither sqlite nor mongo`);
	const set = await own(ReplicaSet.start({ cacheGb: CACHE_GB }), (started) => started.stop());
	return { MONGODB_URI: set.uri("ledger") };
}

await runBench(async () => {
	const ask = await startLedger(await placeOf(values.journal));
	const { rss: rssAtStart } = process.memoryUsage();
	await all("opened", accounts, (index) => ask("credit.open", { accountId: wallet(index), owner: "bench" }));
	await all("charged", accounts, (index) => pay(ask, "system:funding", "charge", wallet(index)));
	await all("paid", transfers, () => pay(ask, anyWallet(), "p2p"));
	printFigures({
		"memory.rss_start": [rssAtStart / MB, "MB"],
		"memory.rss_max": [rssMax / MB, "MB"],
		"memory.accounts": [accounts, "accounts"],
		"memory.transfers": [accounts + transfers, "transfers"],
	});
});
