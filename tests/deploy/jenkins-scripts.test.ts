import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { partPath } from "../../scripts/parts.ts";
import { type Running, startProcess } from "../api/process.ts";
import { itWith } from "./with-parts.ts";

const root = join(import.meta.dirname, "../..");
const script = (name: string): string => join(root, "jenkins/scripts", name);
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

describe("what is deployed is written to Git", () => {
	let folder: string;
	let repository: string;
	let env: NodeJS.ProcessEnv;
	const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8", env }).trim();
	const run = (name: string, ...args: string[]) => spawnSync(script(name), args, { encoding: "utf8", env });
	const imageIn = (overlay: string) => {
		const text = git("show", `main:k8s/overlays/${overlay}/kustomization.yaml`);
		const [image] = (parse(text) as { images: { name: string; newName: string; digest: string }[] }).images;
		return `${image?.newName}@${image?.digest}`;
	};

	before(() => {
		folder = mkdtempSync(join(tmpdir(), "hannip-gitops-"));
		[repository] = [join(folder, "gitops.git")];
		const tools = join(folder, "tools");
		mkdirSync(tools);
		symlinkSync(partPath("kustomize"), join(tools, "kustomize"));
		env = {
			...process.env,
			PATH: `${tools}${delimiter}${process.env.PATH}`,
			GIT_CONFIG_GLOBAL: "/dev/null",
			GIT_CONFIG_COUNT: "0",
		};
		const work = join(folder, "work");
		mkdirSync(work);
		cpSync(join(root, "k8s"), join(work, "k8s"), { recursive: true });
		const inWork = (...args: string[]) => execFileSync("git", args, { cwd: work, env });
		inWork("init", "--quiet", "--initial-branch=main");
		inWork("add", "--all");
		inWork("-c", "user.name=Test", "-c", "user.email=test@invalid", "commit", "--quiet", "--message", "As it is");
		execFileSync("git", ["clone", "--quiet", "--bare", work, repository], { env });
	});
	after(() => rmSync(folder, { recursive: true, force: true }));

	itWith(["kustomize"], "before anything was delivered there is nothing to promote", () => {
		const { status, stderr } = run("promote.sh", repository, "main", "staging", "production");
		assert.equal(status, 1);
		assert.match(stderr, /nothing was delivered to staging yet/);
	});

	itWith(["kustomize"], "an image goes into one overlay, in a commit that says which", () => {
		const before = imageIn("production");
		const image = `registry.example/hannip@${digest("a")}`;
		const { status, stderr } = run("write-image.sh", repository, "main", "staging", image);
		assert.equal(status, 0, stderr);
		assert.equal(imageIn("staging"), image);
		assert.equal(imageIn("production"), before);
		assert.equal(git("log", "-1", "--format=%s%n%b", "main"), `staging: ${digest("a")}\nImage: ${image}`);
		assert.deepEqual(git("show", "--name-only", "--format=", "main").split("\n"), [
			"k8s/overlays/staging/kustomization.yaml",
		]);
		assert.match(
			git("show", "main:k8s/overlays/staging/kustomization.yaml"),
			/^# Deployed by Argo CD/,
			"comments stay",
		);
	});

	itWith(["kustomize"], "the same image again is no commit", () => {
		const head = git("rev-parse", "main");
		assert.equal(
			run("write-image.sh", repository, "main", "staging", `registry.example/hannip@${digest("a")}`).status,
			0,
		);
		assert.equal(git("rev-parse", "main"), head);
	});

	itWith(["kustomize"], "production gets what staging has, and nothing else", () => {
		assert.equal(run("promote.sh", repository, "main", "staging", "production").status, 0);
		assert.equal(imageIn("production"), `registry.example/hannip@${digest("a")}`);
		assert.equal(
			run("image-of.sh", repository, "main", "production").stdout,
			`registry.example/hannip@${digest("a")}\n`,
		);
	});

	itWith(["kustomize"], "what has no digest, or is no overlay, is not written", () => {
		const head = git("rev-parse", "main");
		for (const [overlay, image] of [
			["staging", "registry.example/hannip:latest"],
			["staging", `registry.example/hannip@${digest("a").slice(0, -1)}`],
			["staging", `registry.example/hannip@${digest("0")}`],
			["../../base", `registry.example/hannip@${digest("b")}`],
			["nowhere", `registry.example/hannip@${digest("b")}`],
		] as const)
			assert.notEqual(run("write-image.sh", repository, "main", overlay, image).status, 0, `${overlay} ${image}`);
		assert.equal(git("rev-parse", "main"), head);
	});

	itWith(["kustomize"], "of two that write at once, both are written", async () => {
		const writing = [
			["staging", digest("c")],
			["production", digest("d")],
		].map(([overlay, value]) => {
			const args = [repository, "main", String(overlay), `registry.example/hannip@${value}`];
			return spawn(script("write-image.sh"), args, { env, stdio: "ignore" });
		});
		const codes = await Promise.all(writing.map(async (child) => (await once(child, "exit"))[0]));
		assert.deepEqual(codes, [0, 0]);
		assert.equal(imageIn("staging"), `registry.example/hannip@${digest("c")}`);
		assert.equal(imageIn("production"), `registry.example/hannip@${digest("d")}`);
	});

	itWith(["kustomize"], "an overlay that cannot be built is not pushed", () => {
		const broken = join(folder, "broken");
		execFileSync("git", ["clone", "--quiet", repository, broken], { env });
		rmSync(join(broken, "k8s/base/credit/hpa.yaml"));
		const commit = [
			"-c",
			"user.name=Test",
			"-c",
			"user.email=test@invalid",
			"commit",
			"--quiet",
			"--all",
			"--message",
			"Broken",
		];
		execFileSync("git", commit, { cwd: broken, env });
		execFileSync("git", ["push", "--quiet", "origin", "main"], { cwd: broken, env });
		const head = git("rev-parse", "main");
		const { status, stderr } = run(
			"write-image.sh",
			repository,
			"main",
			"staging",
			`registry.example/hannip@${digest("e")}`,
		);
		assert.notEqual(status, 0);
		assert.match(stderr, /hpa\.yaml/);
		assert.equal(git("rev-parse", "main"), head);
	});
});

describe("the smoke test", () => {
	let platform: Running;
	const OPERATOR_TOKEN = randomBytes(32).toString("base64url");
	before(async () => {
		platform = await startProcess({ VERSION: "0123abc", OPERATOR_TOKEN });
	});
	after(async () => {
		platform?.child.kill("SIGKILL");
		await platform?.exited;
	});
	const few = ["--sales", "8", "--customers", "4"];
	const smoke = async (version: string) => {
		const env = { ...process.env, ATTEMPTS: "2", PAUSE_S: "0", OPERATOR_TOKEN };
		const child = spawn(script("smoke-test.sh"), [platform.publicUrl, platform.internalUrl, version, ...few], {
			env,
			stdio: "ignore",
		});
		return (await once(child, "exit"))[0];
	};

	it("plays a shop's day on the version that was deployed", async () => assert.equal(await smoke("0123abc"), 0));
	it("fails as long as it is another one that answers", async () => assert.equal(await smoke("4567def"), 1));
});

describe("an image that is built", () => {
	let folder: string;
	before(() => {
		folder = mkdtempSync(join(tmpdir(), "hannip-build-"));
		// The scripts work in the repository that they lie in.
		mkdirSync(join(folder, "jenkins"));
		cpSync(join(root, "jenkins/scripts"), join(folder, "jenkins/scripts"), { recursive: true });
		execFileSync("git", ["init", "--quiet"], { cwd: folder });
		execFileSync(
			"git",
			["-c", "user.name=T", "-c", "user.email=t@invalid", "commit", "--quiet", "--allow-empty", "-m", "x"],
			{ cwd: folder },
		);
	});
	after(() => rmSync(folder, { recursive: true, force: true }));

	/** These cannot be had here: programs of their names note what they were asked, and do `work`. */
	const standIn = (name: string, work = "") => {
		const file = join(folder, "tools", name);
		mkdirSync(join(folder, "tools"), { recursive: true });
		writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> "${folder}/asked"\n${work}\n`);
		chmodSync(file, 0o755);
	};
	/** As the pipeline does; `dash`, where it is there, knows nothing that is bash's only. */
	const shell = spawnSync("dash", ["-c", ":"]).status === 0 ? "dash" : "sh";
	const run = (name: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
		spawnSync(shell, [join(folder, "jenkins/scripts", name), ...args], {
			encoding: "utf8",
			env: { ...process.env, PATH: `${join(folder, "tools")}${delimiter}${process.env.PATH}`, ...more },
		});
	const asked = () => readFileSync(join(folder, "asked"), "utf8");

	it("is pushed by the commit's name, is as old as the commit, and its digest is noted", () => {
		standIn(
			"buildctl-daemonless.sh",
			`echo '{"containerimage.digest": "${digest("f")}"}' > .reports/image/metadata.json`,
		);
		const { status, stdout, stderr } = run("build-image.sh", ["registry.example/hannip", "HEAD"], {
			BASE: "node:local",
		});
		assert.equal(status, 0, stderr);
		assert.equal(stdout, `registry.example/hannip@${digest("f")}\n`);
		assert.equal(readFileSync(join(folder, ".reports/image/digest"), "utf8"), `${digest("f")}\n`);
		const time = execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: folder, encoding: "utf8" }).trim();
		for (const part of [
			"name=registry.example/hannip:HEAD,push=true",
			"build-arg:BASE=node:local",
			`SOURCE_DATE_EPOCH=${time}`,
		])
			assert.ok(asked().includes(part), part);
	});

	it("is built of what it is told, by whoever builds it", () => {
		const told = { BASE: "node:of our own", RUNTIME: "" };
		standIn(
			"buildah",
			`case $1 in images) echo ${digest("e")};; *) for each; do echo "<$each>"; done >> "${folder}/asked";; esac`,
		);
		const built = run("build-image.sh", ["hannip", "HEAD"], { ...told, BUILDER: "buildah", PUSH: "false" });
		assert.equal(built.status, 0, built.stderr);
		assert.equal(built.stdout, `hannip@${digest("e")}\n`);
		assert.match(asked(), /<--build-arg=VERSION=HEAD>\n<--build-arg=BASE=node:of our own>\n<--tag>/);
		standIn(
			"buildctl-daemonless.sh",
			`echo '{"containerimage.digest": "${digest("f")}"}' > .reports/image/metadata.json; for each; do echo "<$each>"; done >> "${folder}/asked"`,
		);
		assert.equal(run("build-image.sh", ["registry.example/hannip", "HEAD"], told).status, 0);
		assert.match(asked(), /<--opt=build-arg:VERSION=HEAD>\n<--opt=build-arg:BASE=node:of our own>\n<--opt>/);
	});

	it("is none when no digest comes out of it", () => {
		standIn("buildctl-daemonless.sh", "echo '{}' > .reports/image/metadata.json");
		assert.equal(run("build-image.sh", ["registry.example/hannip", "HEAD"]).status, 1);
	});

	it("is listed, scanned and signed by that digest", () => {
		standIn("trivy");
		standIn("cosign");
		for (const name of ["sbom.sh", "scan.sh", "sign.sh"])
			assert.equal(run(name, ["registry.example/hannip"], { COSIGN_KEY: "/key" }).status, 0, name);
		assert.match(asked(), new RegExp(`trivy image .*registry.example/hannip@${digest("f")}`));
		assert.match(asked(), /trivy sbom .*--exit-code 1/);
		assert.match(asked(), new RegExp(`cosign sign --yes --key /key registry.example/hannip@${digest("f")}`));
	});

	it("is not signed when the scan found something", () => {
		standIn("trivy", "exit 1");
		assert.equal(run("scan.sh", []).status, 1);
	});
});
