// `npm run bench:ledger -- [--journal sqlite|mongo] [--quick]`: transfers through `credit.transfer` of a real broker, durable, all rules
// and the read model on.
//
// Rows are measured in turn, several rounds, so that a slow moment of the machine hits all of them; medians are shown. Each
// measurement starts when the read model has caught up; "read model" also waits for it at the end.
import { parseArgs } from "node:util";
import { runBench } from "./ending.ts";

const { values } = parseArgs({
	options: { quick: { type: "boolean", default: false }, journal: { type: "string", default: "sqlite" } },
});

const benches = {
	sqlite: async () => (await import("./ledger-sqlite.ts")).benchSqlite,
	mongo: async () => (await import("./ledger-mongo.ts")).benchMongo,
};
const load = (benches as Record<string, () => Promise<(plan: { isQuick: boolean }) => Promise<void>>>)[values.journal];
if (!load) throw new Error(`--journal ${values.journal} is neither sqlite nor mongo`);
await runBench(async () => (await load())({ isQuick: values.quick }));
