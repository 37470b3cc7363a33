import { median, printFigures } from "./figures.ts";
import { coreCommandsPerS } from "./ledger-core.ts";
import { HELD, inTurn, ledgerRows, REFUNDED, startLedger } from "./ledger-load.ts";

export async function benchSqlite({ isQuick }: { isQuick: boolean }): Promise<void> {
	const ask = await startLedger({});
	const coreRuns: number[] = [];
	const measureCore = () => coreRuns.push(coreCommandsPerS(isQuick ? 200_000 : 1_000_000));
	const plan = isQuick ? { rounds: 3, seconds: 1 } : { rounds: 5, seconds: 3 };
	const results = await inTurn(ledgerRows(ask), plan, measureCore);

	results.print("SQLite, durable");
	const tps = (name: string) => results.perS(name);
	printFigures({
		"ledger.sqlite.tps1": [tps("1 waiting"), "/s"],
		"ledger.sqlite.tps32": [tps("32 waiting"), "/s"],
		"ledger.sqlite.tps128": [tps("128 waiting"), "/s"],
		"ledger.sqlite.tps1024": [tps("1,024 waiting"), "/s"],
		"ledger.sqlite.tps128_projected": [results.settledPerS("128 waiting"), "/s"],
		"ledger.sqlite.group_vs_single": [tps("128 waiting") / tps("1 waiting"), "x"],
		"ledger.sqlite.hot_vs_spread": [tps("128 waiting, into one account") / tps("128 waiting"), "x"],
		"ledger.sqlite.held": [tps(HELD), "/s"],
		"ledger.sqlite.refunded": [tps(REFUNDED), "/s"],
		"ledger.core": [median(coreRuns), "/s"],
	});
}
