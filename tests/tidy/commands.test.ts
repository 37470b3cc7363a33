import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";

const root = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** For who changes this repository and not for who runs it: in CONTRIBUTING.md, and in that of the clients. */
const forDevelopers = ["dev:clients", "lock"];

it("the README names each command", () => {
	const readme = readFileSync(join(root, "README.md"), "utf8");
	const named = new Set([...readme.matchAll(/`npm (?:run )?([\w:]+)/g)].map(([, name]) => name));
	const missing = Object.keys(scripts).filter((name) => !named.has(name) && !forDevelopers.includes(name));
	assert.deepEqual(missing, []);
});

it("the README names each setting that is read, and no other", () => {
	const [readme, config] = ["README.md", "moleculer.config.ts"].map((file) => readFileSync(join(root, file), "utf8"));
	const named = [...String(readme).matchAll(/^\| `([A-Z][A-Z_]+)`/gm)].map(([, name]) => name);
	const read = String(config).matchAll(/\benv\.([A-Z][A-Z_]+)|[([](?:env, )?"([A-Z][A-Z_]+)"|, "([A-Z]+_[A-Z_]+)"\]/g);
	const names = new Set([...read].map(([, ...found]) => found.find(Boolean)));
	assert.deepEqual(named.toSorted(), [...names].toSorted());
});

it("each command of ours explains itself with --help, and does nothing", () => {
	const ours = Object.entries(scripts).filter(([, command]) => /run\.mjs .*\b(scripts|bench)\//.test(command));
	assert.ok(ours.length > 25);
	for (const [name, command] of ours) {
		const { status, stdout, stderr } = spawnSync(`${command} --help`, { cwd: root, shell: true, encoding: "utf8" });
		assert.deepEqual([status, stderr], [0, ""], name);
		assert.match(stdout, /npm run|npm test|[Hh]annip/, name);
		assert.doesNotMatch(stdout, /^(import|\/\/)/m, name);
	}
});
