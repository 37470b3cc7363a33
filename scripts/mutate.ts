// `npm run mutate`: does a test fail when the money code is wrong? Stryker breaks it in every small way it knows, one at a time, and runs
// the tests beside it. What no test noticed must be explained in docs/mutants.md. With files behind it, or
// `FILE:FIRST-LAST` for some lines, only those; `--quick`: two files.
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";
import { printFigures } from "../bench/figures.ts";
import { root } from "./steps.ts";

const SCORE_MIN_PERCENT = 90;

/** Files of the core, and the tests beside them that must notice; those that are quick, or notice the most, come first. */
type Pass = {
	readonly name: string;
	readonly files: readonly string[];
	readonly tests: readonly string[];
	/** The name of tests that are left out. */
	readonly skip?: string;
};

/** `ledger.test.ts` and those that go on from there, as `ledger-holds.test.ts`. */
const testsOf = (name: string): string[] => globSync(`services/credit/${name}{,-*}.test.ts`, { cwd: root }).sort();

const passes: readonly Pass[] = [
	{
		name: "rules",
		files: ["services/amount.ts", "services/credit/model.ts", "services/credit/ledger.ts"],
		tests: ["services/amount.test.ts", ...testsOf("ledger")],
	},
	{
		name: "memory",
		files: ["services/credit/residents.ts", "services/credit/resident-book.ts"],
		tests: ["services/credit/residents.test.ts", ...testsOf("group-commit")],
	},
	{
		name: "log",
		files: ["journal", "claim-index", "group-commit", "running-ledger"].map((name) => `services/credit/${name}.ts`),
		tests: ["journal", "claim-index", "group-commit", "running-ledger"].flatMap(testsOf),
	},
	{
		name: "audit",
		files: ["audit", "audit-replay", "audit-comparison"].map((name) => `services/credit/${name}.ts`),
		tests: testsOf("audit"),
		// Its thread gives way to all others: on a busy machine it would seem to hang.
		skip: "auditLedger",
	},
];
const quick = ["services/amount.ts", "services/credit/residents.ts"];

type Result = Awaited<ReturnType<Stryker["runMutationTest"]>>[number];

const fileOf = ({ fileName }: Result): string => relative(root, fileName);

const texts = new Map<string, string>();

/** As it was when the run began: people go on working meanwhile. */
function textOf(file: string): string {
	const text = texts.get(file) ?? readFileSync(join(root, file), "utf8");
	texts.set(file, text);
	return text;
}

/** The mutant's lines before and after, as docs/mutants.md names it: that stays true when lines move. */
function nameOf(mutant: Result): string {
	const { start, end } = mutant.location;
	const lines = textOf(fileOf(mutant)).split("\n");
	const before = (lines[start.line - 1] ?? "").slice(0, start.column - 1);
	const after = (lines[end.line - 1] ?? "").slice(end.column - 1);
	const from = lines.slice(start.line - 1, end.line).join(" ");
	return `\`${shortened(from)}\` → \`${shortened(before + mutant.replacement + after)}\``;
}

const shortened = (code: string): string => {
	const line = code.replace(/\s+/g, " ").replaceAll("`", "'").trim();
	return line.length > 100 ? `${line.slice(0, 70)} … ${line.slice(-27)}` : line;
};

/** The survivors that are explained: a heading for each file, and a list item that begins with the mutant's name. */
function explanations(): Set<string> {
	const explained = new Set<string>();
	let file = "";
	for (const line of textOf("docs/mutants.md").split("\n")) {
		file = /^## `(.+)`$/.exec(line)?.[1] ?? file;
		const name = /^- (`[^`]*` → `[^`]*`)/.exec(line)?.[1];
		if (name) explained.add(`${file} ${name}`);
	}
	return explained;
}

const detected = ({ status }: Result): boolean => status === "Killed" || status === "Timeout";
const survived = ({ status }: Result): boolean => status === "Survived" || status === "NoCoverage";

function scoreOf(results: readonly Result[]): number {
	const killed = results.filter(detected).length;
	return (100 * killed) / (killed + results.filter(survived).length);
}

function mutate({ name, files, tests, skip }: Pass): Promise<Result[]> {
	const stryker = new Stryker({
		mutate: [...files],
		plugins: [fileURLToPath(import.meta.resolve("@stryker-mutator/tap-runner"))],
		testRunner: "tap",
		tap: {
			testFiles: [...tests],
			nodeArgs: [
				...["--disable-warning=ExperimentalWarning", "--test-reporter=tap"],
				...["--import", fileURLToPath(import.meta.resolve("../tests/mutation/first-failure.ts"))],
				...(skip ? [`--test-skip-pattern=/${skip}/`] : []),
			],
		},
		// Long, since a test that a busy machine makes slow would count as one that noticed.
		timeoutMS: 10_000,
		concurrency: 2,
		// Only what the tests need is copied; TypeScript 7 lacks the interface by which Stryker would rewrite a tsconfig.json.
		ignorePatterns: ["/*", "!/services", "!/mixins", "!/tests", "!/package.json"],
		reporters: ["html", "progress-append-only"],
		htmlReporter: { fileName: `.reports/mutation/${name}.html` },
		tempDirName: ".stryker-tmp",
	});
	return stryker.runMutationTest();
}

const fileIn = (range: string): string => range.split(":")[0] as string;

const { values, positionals } = parseArgs({ options: { quick: { type: "boolean" } }, allowPositionals: true });
const chosen = values.quick ? quick : positionals;
const results: Result[] = [];
for (const pass of passes) {
	const files = chosen.length > 0 ? chosen.filter((range) => pass.files.includes(fileIn(range))) : pass.files;
	for (const range of files) textOf(fileIn(range));
	if (files.length > 0) results.push(...(await mutate({ ...pass, files })));
}

const survivors = new Map(results.filter(survived).map((mutant) => [`${fileOf(mutant)} ${nameOf(mutant)}`, mutant]));
const explained = explanations();
const unexplained = [...survivors].filter(([name]) => !explained.has(name));
const files = new Set(results.map(fileOf).filter((file) => !chosen.some((range) => range.startsWith(`${file}:`))));
const noticed = [...explained].filter((name) => files.has(name.split(" `")[0] ?? "") && !survivors.has(name));

for (const [name, { status, location }] of unexplained) {
	console.log(`\n${status}, not explained (line ${location.start.line}):\n${name}`);
}
for (const name of noticed) console.log(`\nExplained, but there is no such survivor:\n${name}`);
console.log("\n  score  mutants  survived");
for (const [file, ofFile] of Map.groupBy(results, fileOf)) {
	const counts = [ofFile.length, ofFile.filter(survived).length].map((count) => String(count).padStart(9));
	console.log(`${scoreOf(ofFile).toFixed(1).padStart(5)} %${counts.join("")}  ${file}`);
}
const score = scoreOf(results);
printFigures({
	"mutate.score.core": [score, "%"],
	"mutate.mutants": [results.length, "mutants"],
	"mutate.unexplained": [unexplained.length, "mutants"],
});
if (score < SCORE_MIN_PERCENT || unexplained.length > 0) process.exitCode = 1;
