import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { manifestsOf, type Overlay, overlays, textOf } from "../../scripts/deploy/manifests.ts";
import { isHere, partPath } from "../../scripts/parts.ts";
import { itWith } from "./with-parts.ts";

const root = join(import.meta.dirname, "../..");
const tracked = (pattern: string): string[] =>
	globSync(pattern, { cwd: root, exclude: (name) => name === "node_modules" || name === ".parts" });

function clean(name: Parameters<typeof partPath>[0], args: readonly string[], input = ""): void {
	const { status, stdout, stderr } = spawnSync(partPath(name), args, { cwd: root, encoding: "utf8", input });
	assert.equal(status, 0, `${name} ${args.join(" ").slice(0, 200)}:\n${stdout}${stderr}`);
}

/** Kubernetes itself does not have them: see custom-kinds.test.ts. */
const customKinds = ["PodMonitor", "PrometheusRule", "ExternalSecret", "HTTPRoute"];

/** As kubeconform wants them: each in a file of its own, with all that it refers to and nothing else, or it takes a minute to read them. */
const schemas = mkdtempSync(join(tmpdir(), "hannip-schemas-"));
after(() => rmSync(schemas, { recursive: true, force: true }));

function convertSchemas(): void {
	const folder = partPath("kubernetes-schemas");
	const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
	const definitions = read("_definitions.json").$defs as Record<string, unknown>;
	const collect = (part: unknown, found: Record<string, unknown>): void => {
		for (const [, name = ""] of JSON.stringify(part).matchAll(/#\/\$defs\/([\w.-]+)/g)) {
			if (name in found) continue;
			found[name] = definitions[name];
			collect(found[name], found);
		}
	};
	const ours = new RegExp(`^(${kindsOf(overlays).join("|")})-.*\\.json$`);
	for (const file of readdirSync(folder).filter((name) => ours.test(name))) {
		const { $id: _, ...schema } = read(file);
		const $defs = {};
		collect(schema, $defs);
		writeFileSync(join(schemas, file), JSON.stringify({ ...schema, $defs }).replaceAll("/api/_definitions.json#", "#"));
	}
}

const kindsOf = (names: readonly Overlay[]): string[] => [
	...new Set(names.flatMap(manifestsOf).map(({ kind }) => kind.toLowerCase())),
	"namespace",
	"priorityclass",
	"role",
	"rolebinding",
];

itWith(
	["kustomize", "kubeconform", "kubernetes-schemas"],
	"what every overlay makes is what Kubernetes 1.37 takes, to the last field",
	() => {
		convertSchemas();
		const location = `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
		for (const folder of [...overlays.map((name) => `overlays/${name}`), "cluster"])
			clean(
				"kubeconform",
				["-strict", "-summary", "-skip", customKinds.join(","), "-schema-location", location, "-"],
				textOf(folder),
			);
	},
);

itWith(
	["kustomize", "kubeconform", "kubernetes-schemas"],
	"a field that does not exist, or has a wrong type, is noticed",
	() => {
		const location = `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
		for (const [right, wrong, said] of [
			["minReadySeconds: 5", "minReadySecond: 5", /'minReadySecond' not allowed/],
			["maxReplicas: 10", "maxReplicas: ten", /maxReplicas.*got string/],
		] as const) {
			const input = textOf("base").replace(right, wrong);
			assert.notEqual(input, textOf("base"));
			const args = ["-strict", "-skip", customKinds.join(","), "-schema-location", location, "-"];
			const { status, stdout } = spawnSync(partPath("kubeconform"), args, { input, encoding: "utf8" });
			assert.equal(status, 1, wrong);
			assert.match(stdout, said);
		}
	},
);

itWith(["hadolint"], "the Dockerfiles are what hadolint takes", () =>
	clean("hadolint", ["--failure-threshold", "info", "Dockerfile", "jenkins/Dockerfile"]),
);

itWith(["shellcheck"], "every shell script is what shellcheck takes", () => {
	const scripts = [...tracked("k8s/**/*.sh"), ...tracked("jenkins/**/*.sh"), ".ci/run"];
	assert.ok(scripts.length > 1);
	clean("shellcheck", ["--severity=style", "--external-sources", ...scripts]);
});

itWith(["yamllint"], "every YAML file is what yamllint takes", () => {
	const rules = { extends: "default", rules: {} as Record<string, unknown> };
	for (const rule of ["document-start", "line-length", "comments-indentation"]) rules.rules[rule] = "disable";
	rules.rules.braces = { "max-spaces-inside": 1 };
	rules.rules.comments = { "min-spaces-from-content": 1 };
	rules.rules.truthy = { "check-keys": false };
	rules.rules.indentation = { "indent-sequences": "consistent" };
	const folders = ["k8s/**/*.yaml", "jenkins/**/*.yaml", "scripts/compose/*.yml"];
	const files = [...folders.flatMap(tracked), "compose.yaml"];
	assert.ok(files.length > 50);
	clean("yamllint", ["--strict", "--config-data", JSON.stringify(rules), ...files]);
});

// It takes minutes to build, so it is used where somebody has it: `npm run parts -- kube-score`.
it("kube-score finds nothing critical", { skip: isHere("kube-score") ? false : "kube-score is not here" }, () => {
	// Images come by digest: the one that was pulled is the one that was meant.
	const ignored = ["--ignore-test", "container-image-pull-policy"];
	for (const overlay of overlays) {
		const args = ["score", "--output-format", "ci", ...ignored, "-"];
		const { stdout } = spawnSync(partPath("kube-score"), args, {
			encoding: "utf8",
			input: textOf(`overlays/${overlay}`),
		});
		assert.ok(stdout.includes("[OK]"), stdout);
		assert.deepEqual(
			stdout.split("\n").filter((line) => line.startsWith("[CRITICAL]")),
			[],
			overlay,
		);
	}
});
