import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { it } from "node:test";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
/** What the image has, as it stands in the repository. */
const inImage = [
	"package.json",
	"package-lock.json",
	"main.ts",
	"moleculer.config.ts",
	"LICENSE",
	"mixins",
	"services",
];
/** What the clients are built of. They are in it only as they are built. */
const inBuild = ["tsconfig.json", "clients", "scripts/build.ts"];
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
	assert.deepEqual(allowed, [...inImage, ...inBuild]);
	const text = read("Dockerfile");
	for (const path of allowed) assert.match(text, new RegExp(`^COPY .*\\b${path?.replace(".", "\\.")}`, "m"));
	const last = text.slice(text.lastIndexOf("\nFROM "));
	assert.match(last, /^COPY --from=clients \/app\/clients\/dist clients\/dist$/m);
	assert.doesNotMatch(last.replace(/^COPY --from=clients .*$/m, ""), /clients|tsconfig|scripts/);
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
