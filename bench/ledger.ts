// `npm run bench:ledger`: transfers through `credit.transfer` of a real broker, durable, all rules and the read model on.
//
// Rows are measured in turn, several rounds, so that a slow moment of the machine hits all of them; medians are shown. Each
// measurement starts when the read model has caught up; "with read model" also waits for it at the end.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ServiceBroker } from "moleculer";
import { startPlatform } from "../main.ts";
import { readSettings } from "../moleculer.config.ts";
import { call } from "../services/actions.ts";
import { median, printFigures } from "./figures.ts";
import { coreCommandsPerS } from "./ledger-core.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 5;
const SECONDS = values.quick ? 1 : 3;
const PAIRS = 1_000;

const id = (index: number): string => String(index).padStart(16, "0");
const wallets = Array.from({ length: PAIRS }, (_, index) => `wallet:u_${id(index)}`);
const stores = Array.from({ length: PAIRS }, (_, index) => `store:s_${id(index)}`);
const at = (list: readonly string[], index: number): string => list[index % list.length] as string;

type Row = { readonly name: string; readonly width: number; readonly payee: (count: number) => string };
const spread = (count: number) => at(stores, count);
const rows: readonly Row[] = [
	{ name: "1 waiting", width: 1, payee: spread },
	{ name: "32 waiting", width: 32, payee: spread },
	{ name: "128 waiting", width: 128, payee: spread },
	{ name: "128 waiting, into one account", width: 128, payee: () => at(stores, 0) },
	{ name: "1,024 waiting", width: 1_024, payee: spread },
];

async function prepare(broker: ServiceBroker): Promise<void> {
	const open = (accountId: string) => call(broker, "credit.open", { accountId, owner: "bench" });
	await Promise.all([...wallets, ...stores].map(open));
	await Promise.all(
		wallets.map((each) =>
			transfer(broker, { kind: "charge", from: "system:funding", to: each, amount: 1_000_000_000 }),
		),
	);
}

type Order = { kind: "charge" | "sale"; from: string; to: string; amount: number };

const transfer = (broker: ServiceBroker, { kind, from, to, amount }: Order) =>
	call(broker, "credit.transfer", {
		id: `s_benchbenchbench1.${randomUUID()}`,
		fingerprint: "benchbenchbenchbenchbe",
		kind,
		debitAccountId: from,
		creditAccountId: to,
		amount,
		details: { storeName: "Bench", items: [{ name: "Americano", unitPrice: 3_000, quantity: 1, amount: 3_000 }] },
	});

async function caughtUp(broker: ServiceBroker): Promise<void> {
	for (;;) {
		const { sequence, readModelSequence } = await call(broker, "credit.status", {});
		if (readModelSequence === sequence) return;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

/** Transfers per second with so many in flight, until the answer and until the read model has them too. */
async function measure(broker: ServiceBroker, { width, payee }: Row, seconds: number) {
	await caughtUp(broker);
	const startedAt = performance.now();
	const endsAt = startedAt + seconds * 1_000;
	let count = 0;
	const client = async () => {
		while (performance.now() < endsAt) {
			const turn = count++;
			await transfer(broker, { kind: "sale", from: at(wallets, turn * 7), to: payee(turn), amount: 1 });
		}
	};
	await Promise.all(Array.from({ length: width }, client));
	const answeredAt = performance.now();
	await caughtUp(broker);
	const perS = (from: number, to: number) => (count / (to - from)) * 1_000;
	return { answered: perS(startedAt, answeredAt), projected: perS(startedAt, performance.now()) };
}

const dataDir = mkdtempSync(join(tmpdir(), "hannip-bench-"));
const settings = readSettings({
	...process.env,
	DATA_DIR: dataDir,
	SERVICES: "credit",
	PROBE_PORT: "0",
	LOG_LEVEL: "error",
});
const { broker, stop } = await startPlatform(settings);
const answered = new Map(rows.map(({ name }) => [name, [] as number[]]));
const projected = new Map(rows.map(({ name }) => [name, [] as number[]]));
const coreRuns: number[] = [];
try {
	await prepare(broker);
	for (const row of rows) await measure(broker, row, 0.5);
	for (let round = 1; round <= ROUNDS; round++) {
		for (const row of rows) {
			const result = await measure(broker, row, SECONDS);
			answered.get(row.name)?.push(result.answered);
			projected.get(row.name)?.push(result.projected);
		}
		coreRuns.push(coreCommandsPerS(values.quick ? 200_000 : 1_000_000));
		console.log(`round ${round} of ${ROUNDS} done`);
	}
} finally {
	await stop();
	rmSync(dataDir, { recursive: true, force: true });
}

const tps = (name: string): number => median(answered.get(name) ?? []);
const share = (list: readonly number[]) => `${Math.round(Math.min(...list))} … ${Math.round(Math.max(...list))}`;
console.log("\ntransfers/s, SQLite, durable                median   min … max          with read model");
for (const { name } of rows) {
	const list = answered.get(name) ?? [];
	console.log(
		`${name.padEnd(40)} ${String(Math.round(median(list))).padStart(8)}   ${share(list).padEnd(18)} ${Math.round(median(projected.get(name) ?? []))}`,
	);
}
printFigures({
	"ledger.sqlite.tps1": [tps("1 waiting"), "/s"],
	"ledger.sqlite.tps32": [tps("32 waiting"), "/s"],
	"ledger.sqlite.tps128": [tps("128 waiting"), "/s"],
	"ledger.sqlite.tps1024": [tps("1,024 waiting"), "/s"],
	"ledger.sqlite.tps128_projected": [median(projected.get("128 waiting") ?? []), "/s"],
	"ledger.sqlite.group_vs_single": [tps("128 waiting") / tps("1 waiting"), "x"],
	"ledger.sqlite.hot_vs_spread": [tps("128 waiting, into one account") / tps("128 waiting"), "x"],
	"ledger.core": [median(coreRuns), "/s"],
});
