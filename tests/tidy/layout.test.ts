import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

// Also what is not committed yet, or a rule would only hold one commit later.
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
	cwd: root,
	encoding: "utf8",
})
	.split("\n")
	.filter((file) => /\.(ts|tsx|mjs)$/.test(file));
const textOf = (file: string): string => readFileSync(join(root, file), "utf8");

/** Every import of a file: its target within the repository, and whether it is erased when it runs. */
function* importsOf(file: string): Generator<{ target: string; typeOnly: boolean }> {
	for (const match of textOf(file).matchAll(/^\s*(?:import|export)\s(type\s)?[^;]*?from\s+"(\.[^"]+)"/gms)) {
		yield {
			target: relative(root, resolve(root, dirname(file), match[2] as string)),
			typeOnly: match[1] !== undefined,
		};
	}
}

const serviceOf = (file: string): string | undefined => /^services\/([^/]+)\//.exec(file)?.[1];

test("a service imports nothing from another service's folder, types aside", () => {
	const wrong = files
		.filter((file) => serviceOf(file) && !file.endsWith(".test.ts"))
		.flatMap((file) =>
			[...importsOf(file)]
				.filter(({ target, typeOnly }) => !typeOnly && serviceOf(target) && serviceOf(target) !== serviceOf(file))
				.map(({ target }) => `${file} imports ${target}`),
		);
	assert.deepEqual(wrong, []);
});

test("mixins import no service's folder, types aside", () => {
	const wrong = files
		.filter((file) => file.startsWith("mixins/"))
		.flatMap((file) =>
			[...importsOf(file)]
				.filter(({ target, typeOnly }) => !typeOnly && serviceOf(target))
				.map(({ target }) => `${file} imports ${target}`),
		);
	assert.deepEqual(wrong, []);
});

test("the ledger's core does no I/O: it imports its model and amounts only", () => {
	const targets = [...importsOf("services/credit/ledger.ts")].map(({ target }) => target);
	assert.deepEqual(targets.sort(), ["services/amount.ts", "services/credit/model.ts"]);
	const code = textOf("services/credit/ledger.ts").replace(/\/\*.*?\*\/|\/\/.*$/gms, "");
	assert.equal(/Date\.now|Math\.random|performance|\bawait\b|\basync\b/.exec(code), null);
});

test("there is no room for what has no name", () => {
	const nameless = /(^|\/)(utils?|helpers?|common|lib|shared|misc)(\/|\.ts$)/;
	assert.deepEqual(
		files.filter((file) => nameless.test(file)),
		[],
	);
});

test("the environment is read in one place", () => {
	const readers = files
		.filter((file) => /^(services|mixins|main|moleculer)/.test(file) && !file.endsWith(".test.ts"))
		.filter((file) => textOf(file).includes("process.env"));
	assert.deepEqual(readers, ["main.ts"], "main.ts hands it to readSettings, which takes it as a parameter");
});

test("the top level holds what the design names, nothing else", () => {
	const allowed = [
		"services",
		"mixins",
		"clients",
		"k8s",
		"jenkins",
		"tests",
		"docs",
		"scripts",
		"bench",
		"main.ts",
		"moleculer.config.ts",
		"package.json",
		"package-lock.json",
		"README.md",
		"tsconfig.json",
		"biome.json",
		"knip.json",
		"CONTRIBUTING.md",
		"CHANGELOG.md",
		"LICENSE",
		"Dockerfile",
		"compose.yaml",
	];
	const ignored = ["node_modules"];
	const found = readdirSync(root).filter(
		(name) => !name.startsWith(".") && !ignored.includes(name) && !allowed.includes(name),
	);
	assert.deepEqual(found, []);
});

test("files stay short", () => {
	const lengths = files
		.filter((file) => /^(services|mixins|main|moleculer|scripts|bench)/.test(file) && !file.endsWith(".test.ts"))
		.map((file) => ({ file, lines: textOf(file).split("\n").length }))
		.sort((left, right) => left.lines - right.lines);
	const at = (share: number) => lengths[Math.floor((lengths.length - 1) * share)]?.lines ?? 0;
	assert.ok(at(0.5) <= 120, `the median file has ${at(0.5)} lines, at most 120`);
	assert.ok(at(0.9) <= 300, `the 90th percentile is ${at(0.9)} lines, at most 300`);
	assert.deepEqual(
		lengths.filter(({ lines }) => lines > 500),
		[],
	);
});
