import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { problems } from "../../services/errors.ts";

const root = resolve(import.meta.dirname, "../..");
const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "services", "mixins"], {
	cwd: root,
	encoding: "utf8",
})
	.split("\n")
	.filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "services/errors.ts");
const texts = sources.map((file) => readFileSync(join(root, file), "utf8"));
const catalogue = readFileSync(join(root, "services/errors.ts"), "utf8");

test("every code of the catalogue is used: nothing is documented that cannot happen", () => {
	const mapped = catalogue.slice(catalogue.indexOf("foreignTypes"));
	const unused = Object.keys(problems).filter(
		(code) => !texts.some((text) => text.includes(`"${code}"`)) && !mapped.includes(`"${code}"`),
	);
	assert.deepEqual(unused, []);
});

test("every code says what to do in a sentence", () => {
	for (const [code, { title, remedy, status }] of Object.entries(problems)) {
		assert.match(code, /^[a-z]+(_[a-z]+)*$/);
		assert.match(remedy, /^[A-Z].*\.$/s, code);
		assert.match(title, /^[A-Z].*[^.]$/s, code);
		assert.ok(status >= 400 && status < 600, code);
	}
});
