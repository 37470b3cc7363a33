// `npm run simulate -- --seed N --transfers N [--seeds N]`: worlds in which everything fails that may, each from a seed of its own, and
// whether everything is right after each of their steps. A failing seed replays exactly. Exits with 1 when anything was wrong.
import { parseArgs } from "node:util";
import { simulate } from "../tests/simulation/simulate.ts";

const TRANSFERS_EACH = 5_000;

const string = { type: "string" } as const;
const { values } = parseArgs({ options: { seed: string, transfers: string, seeds: string } });

function wholeNumber(name: keyof typeof values, otherwise: number): number {
	const value = Number(values[name] ?? otherwise);
	if (Number.isSafeInteger(value) && value > 0) return value;
	throw new RangeError(`--${name} must be a whole number, it is ${values[name]}`);
}

const seed = wholeNumber("seed", 1 + Math.floor(Math.random() * 1e9));
const transfers = wholeNumber("transfers", 200_000);
const seeds = wholeNumber("seeds", Math.ceil(transfers / TRANSFERS_EACH));
process.exitCode = (await simulate({ seed, seeds, transfers })) > 0 ? 1 : 0;
