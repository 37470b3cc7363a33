// `npm run bench`: every ratio that the platform is judged by, in one table. Each pair is measured in the same run, and each run is made several
// times, so that a slow moment of the machine is seen as spread and not as a figure. `-- --runs N`, `-- --only ledger`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "./figures.ts";

type Bench = { readonly file: string; readonly args?: readonly string[] };

const benches: Readonly<Record<string, Bench>> = {
	ledger: { file: "ledger.ts" },
	"ledger on MongoDB": { file: "ledger.ts", args: ["--journal", "mongo"] },
	http: { file: "http.ts" },
	cluster: { file: "cluster.ts" },
	access: { file: "access.ts" },
	scale: { file: "scale.ts" },
	observability: { file: "observability.ts" },
};

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" }, only: { type: "string" } } });
const wanted = Object.entries(benches).filter(([name]) => values.only === undefined || name.includes(values.only));
if (wanted.length === 0) throw new Error(`--only ${values.only} is none of ${Object.keys(benches).join(", ")}`);

/** The closing lines of a bench. */
function figuresOf({ file, args = [] }: Bench): Map<string, { value: number; unit: string }> {
	const { stdout, status } = spawnSync(
		process.execPath,
		["--disable-warning=ExperimentalWarning", join(import.meta.dirname, file), ...args, "--quick"],
		{ encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
	);
	if (status !== 0) throw new Error(`${file} ended with ${status}`);
	const lines = [...stdout.matchAll(/^figure (\S+) (\S+) (\S+)$/gm)];
	return new Map(lines.map(([, name = "", value, unit = ""]) => [name, { value: Number(value), unit }]));
}

const all = new Map<string, { unit: string; values: number[] }>();
for (let run = 1; run <= Number(values.runs); run++)
	for (const [name, bench] of wanted) {
		console.error(`run ${run} of ${values.runs}: ${name}`);
		for (const [figure, { value, unit }] of figuresOf(bench)) {
			const known = all.get(figure) ?? { unit, values: [] };
			known.values.push(value);
			all.set(figure, known);
		}
	}

const width = Math.max(...[...all.keys()].map((name) => name.length));
const row = (name: string, ...cells: readonly string[]) =>
	console.log(name.padEnd(width), ...cells.map((cell) => cell.padStart(10)));
row("", "median", "min", "max", "");
for (const [name, { unit, values: seen }] of all)
	row(name, String(median(seen)), String(Math.min(...seen)), String(Math.max(...seen)), unit);
console.log();
for (const [name, { unit, values: seen }] of all) console.log(`figure ${name} ${median(seen)} ${unit}`);
