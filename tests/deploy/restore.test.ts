import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { parse } from "yaml";
import type { PodSpec } from "../../scripts/deploy/manifests.ts";

// Which archive is brought back. What does it, MongoDB's own `mongorestore`, cannot be had here: a script stands in its place.

const repository = join(import.meta.dirname, "../..");
const text = readFileSync(join(repository, "k8s/restore/job.yaml"), "utf8");
const guide = readFileSync(join(repository, "docs/deploy.md"), "utf8");
const commands = (/## Disaster drill.*?```sh\n(.*?)```/s.exec(guide)?.[1] ?? "").split("\n").filter(Boolean);
const root = mkdtempSync(join(tmpdir(), "hannip-restore-"));
after(() => rmSync(root, { recursive: true }));

const containerIn = (job: string) =>
	(parse(job) as { spec: { template: { spec: PodSpec } } }).spec.template.spec.containers[0] ?? assert.fail();

const names = ["2026-01-01T001700Z", "2026-01-03T001700Z", "2026-01-02T001700Z"].map(
	(time) => `hannip-${time}.archive.gz`,
);

/** The container's own command on folders of this machine. */
function restore(job: string, archives: readonly string[]) {
	const home = mkdtempSync(join(root, "home-"));
	for (const folder of ["backup", "secrets", "tmp", "bin"]) mkdirSync(join(home, folder));
	for (const name of archives) writeFileSync(join(home, "backup", name), "");
	writeFileSync(join(home, "secrets/mongo-root.password"), "secret");
	const asked = join(home, "asked");
	writeFileSync(join(home, "bin/mongorestore"), `#!/bin/sh\necho "$*" > "${asked}"\n`);
	chmodSync(join(home, "bin/mongorestore"), 0o755);
	const { command = [], env = [] } = containerIn(job);
	const [program = "", ...args] = command.map((each) => each.replaceAll(/\/(backup|secrets|tmp)\b/g, `${home}/$1`));
	const { status, stdout, stderr } = spawnSync(program, args, {
		encoding: "utf8",
		env: {
			...Object.fromEntries(env.map(({ name, value }) => [name, value ?? ""])),
			PATH: `${join(home, "bin")}:${process.env.PATH}`,
		},
	});
	const restored = existsSync(asked) ? readFileSync(asked, "utf8") : null;
	return { status, said: stdout + stderr, restored: restored?.match(/--archive=.*\/backup\/(\S*)/)?.[1] ?? restored };
}

/** As the runbook's own command makes it. */
function jobFor(archive: string): string {
	const command = commands.find((each) => each.includes("k8s/restore/job.yaml")) ?? assert.fail();
	const [make = ""] = command.split(" | kubectl");
	return spawnSync("bash", ["-c", `archive="${archive}"; ${make}`], { cwd: repository, encoding: "utf8" }).stdout;
}

it("the newest archive is brought back when none is named", () => {
	assert.equal(jobFor(""), text);
	const { status, said, restored } = restore(text, names);
	assert.equal(status, 0, said);
	assert.equal(restored, names[1]);
});

it("the one that is named is brought back", () => {
	const { status, said, restored } = restore(jobFor(names[2] ?? ""), names);
	assert.equal(status, 0, said);
	assert.equal(restored, names[2]);
});

it("where that is not there nothing is touched, and those that are there are told", () => {
	for (const archive of ["hannip-2025-01-01T001700Z.archive.gz", "hannip-2026-01-0", ".", "*"]) {
		const { status, said, restored } = restore(
			text.replace('ARCHIVE, value: ""', `ARCHIVE, value: "${archive}"`),
			names,
		);
		assert.equal(status, 1, archive);
		assert.equal(restored, null, archive);
		assert.ok(said.includes(`There is no archive "${archive}"`), said);
		for (const name of names) assert.ok(said.includes(name), said);
	}
});

it("where there are none at all nothing is touched", () => {
	const { status, said, restored } = restore(text, []);
	assert.deepEqual([status, restored], [1, null]);
	assert.match(said, /There is no archive/);
});

it("the runbook can be followed a second time, and nobody writes or archives meanwhile", () => {
	const at = (part: RegExp) => {
		const index = commands.findIndex((each) => part.test(each));
		assert.ok(index >= 0, `${part}`);
		return index;
	};
	const order = [/"suspend":true/, /--replicas=0/, /--for=delete pod/, /replace --force/, /Complete/, /--replicas=2/];
	const places = [...order, /create job/, /"suspend":false/].map(at);
	assert.deepEqual(
		places,
		places.toSorted((one, other) => one - other),
	);
	assert.ok(!commands.some((each) => each.includes("kubectl apply")), "it answers `unchanged` the second time");
	for (const [made] of guide.matchAll(/create job .*?--from=\S+ \S+/g)) assert.match(made, /-\$\(date$/, made);
});
