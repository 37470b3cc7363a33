import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { manifestsOf, named, ofKind, workloads } from "../../scripts/deploy/manifests.ts";
import { networkMatrix } from "../../scripts/deploy/network-matrix.ts";
import { networkPicture, pictureFile } from "../../scripts/deploy/network-picture.ts";
import { makeSecrets } from "../../scripts/deploy/secrets.ts";
import { itWith } from "./with-parts.ts";

const root = join(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/deploy.md"), "utf8");
const commands = [...guide.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) =>
	String(block).split("\n").filter(Boolean),
);

itWith(
	["kustomize"],
	"the picture is of the policies: `node scripts/deploy/network-picture.ts` changes nothing",
	() => {
		assert.equal(readFileSync(pictureFile, "utf8"), networkPicture(networkMatrix(manifestsOf("production"))));
	},
);

it("every file, npm script and overlay that a command names is there", () => {
	assert.ok(commands.length >= 10);
	const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
		scripts: Record<string, string>;
	};
	for (const command of commands) {
		for (const [path] of command.matchAll(/\b(k8s|jenkins|docs)\/[\w./-]*\w/g))
			assert.ok(existsSync(join(root, path)), path);
		for (const [, name] of command.matchAll(/npm run (?:--silent )?([\w:]+)/g)) assert.ok(scripts[String(name)], name);
	}
});

it("from an empty cluster to a payment it is five commands", () => {
	const [first] = guide.split("## Secrets");
	assert.equal(
		String(first)
			.match(/```sh\n(.*?)\n```/s)?.[1]
			?.split("\n").length,
		5,
	);
});

it("every secret that a command reads is made, and has that key", () => {
	const secrets = makeSecrets();
	const read = commands.flatMap((command) => [...command.matchAll(/get secret ([\w-]+) .*?\{\.data\.([^}]+)\}/g)]);
	assert.ok(read.length >= 3);
	for (const [, name = "", key = ""] of read) assert.ok(secrets[name]?.[key.replaceAll("\\.", ".")], `${name} ${key}`);
});

itWith(["kustomize"], "every object that a command names is made", () => {
	const manifests = [...manifestsOf("local"), ...manifestsOf("staging")];
	for (const command of commands)
		for (const [, kind, name] of command.matchAll(/\b(service|cronjob|deployment)\/([\w-]+)/g)) {
			const kinds = { service: "Service", cronjob: "CronJob", deployment: "Deployment" } as const;
			assert.ok(named(manifests, kinds[kind as keyof typeof kinds], String(name)), command);
		}
	assert.ok(commands.some((command) => command.includes("hannip-staging")));
});

itWith(["kustomize"], "the table of sizes is that of the manifests", () => {
	const manifests = manifestsOf("staging");
	for (const { metadata, spec } of ofKind(manifests, "HorizontalPodAutoscaler")) {
		const [row = ""] = guide
			.split("\n")
			.filter(
				(line) =>
					line.startsWith("| `") && line.split("|")[1]?.includes(`\`${metadata.name}\``) && line.includes("CPU"),
			);
		const { requests, limits } =
			workloads(manifests).find(({ name }) => name === metadata.name)?.template.spec.containers[0]?.resources ?? {};
		assert.ok(
			row.includes(
				`${Number.parseInt(String(requests?.cpu), 10) / 1_000} CPU, ${requests?.memory?.replace("Mi", " MiB")}`,
			),
			row,
		);
		assert.ok(row.includes(`${limits?.cpu} CPU, ${limits?.memory?.replace("Mi", " MiB")}`), row);
		assert.ok(row.includes(`${spec?.minReplicas}–${spec?.maxReplicas}`), row);
	}
});
