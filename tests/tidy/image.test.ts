import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { it } from "node:test";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
/** What `.dockerignore` lets in. */
const inImage = [
	"package.json",
	"package-lock.json",
	"main.ts",
	"moleculer.config.ts",
	"LICENSE",
	"mixins",
	"services",
];
const files = globSync(["main.ts", "moleculer.config.ts", "{mixins,services}/**/*.ts"], { cwd: root }).filter(
	(file) => !file.endsWith(".test.ts"),
);
const imports = files.flatMap((file) =>
	[...read(file).matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from "([^"]+)";/gm)].map(([, from]) => ({
		file,
		from: String(from),
	})),
);

/** Of what may name a file in it. */
const packageOf = (from: string): string => from.replace(/^(@[^/]+\/[^/]+|[^@/][^/]*)\/.*/, "$1");

it("the image has what it is made of, and nothing else", () => {
	const allowed = [...read(".dockerignore").matchAll(/^!(.+)$/gm)].map(([, path]) => path);
	assert.deepEqual(allowed, inImage);
	for (const path of inImage)
		assert.match(read("Dockerfile"), new RegExp(`^COPY .*\\b${path.replace(".", "\\.")}\\b`, "m"));
});

it("what runs in it imports only what is in it", () => {
	assert.ok(imports.length > 300, `${imports.length} imports`);
	const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
	const foreign = imports.filter(({ file, from }) => {
		if (!from.startsWith(".")) return !isBuiltin(from) && !(packageOf(from) in dependencies);
		const [top] = relative(root, join(root, dirname(file), from)).split("/");
		return !inImage.includes(String(top));
	});
	assert.deepEqual(foreign, []);
});
