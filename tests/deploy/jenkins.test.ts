import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { partPath } from "../../scripts/parts.ts";
import { itWith } from "./with-parts.ts";

/** A Java that runs for some seconds is done sooner if it does not try to become fast. */
const env = { ...process.env, JAVA_TOOL_OPTIONS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" };
const folder = join(import.meta.dirname, "../../jenkins");
const read = (path: string): string => readFileSync(join(folder, path), "utf8");
/** What every branch brings itself, and what runs as it stands in main. */
const [branches, pipeline] = [read("Jenkinsfile"), read("delivery/Jenkinsfile")];
const casc = read("casc.yaml");
const jobs = read("jobs.groovy");
const groovy = [branches, pipeline, ...readdirSync(join(folder, "vars")).map((name) => read(`vars/${name}`))].join(
	"\n",
);
const all = (text: string, pattern: RegExp): string[] => [
	...new Set([...text.matchAll(pattern)].map(([, found]) => String(found))),
];

type Profiles = {
	readonly seccompProfile?: { readonly type: string };
	readonly appArmorProfile?: { readonly type: string };
	readonly privileged?: boolean;
};
type Pod = {
	readonly spec: {
		readonly containers: readonly {
			readonly name: string;
			readonly image: string;
			readonly securityContext: Profiles & { readonly capabilities?: object };
		}[];
		readonly securityContext?: Profiles;
		readonly automountServiceAccountToken: boolean;
	};
};

it("every script is used, and every one that is used is there", () => {
	const scripts = readdirSync(join(folder, "scripts")).sort();
	const inScripts = scripts.map((name) => read(`scripts/${name}`)).join("\n");
	const used = [...all(groovy, /jenkins\/scripts\/([\w-]+\.sh)/g), ...all(inScripts, /\$scripts\/([\w-]+\.sh)/g)];
	assert.deepEqual([...new Set(used)].sort(), scripts);
});

it("every credential, variable and library that the pipeline needs is in casc.yaml", () => {
	for (const id of all(groovy, /credentialsId: '([\w-]+)'/g)) assert.match(jobs, new RegExp(`id\\('${id}'\\)`), id);
	for (const id of all(`${jobs}${casc}`, /[cC]redentials(?:Id)?(?:\('|: )([\w-]+)/g))
		assert.match(casc, new RegExp(`id: ${id}\\b`), id);
	for (const name of ["HANNIP_IMAGE", "STAGING_URL", "STAGING_INTERNAL_URL"])
		assert.match(casc, new RegExp(`key: ${name}\\b`));
	assert.match(pipeline, /@Library\('hannip'\)/);
	assert.match(casc, /name: hannip\n\s+defaultVersion: main/);
	assert.deepEqual(all(jobs, /scriptPath\('jenkins\/([\w/]+)'\)/g), ["Jenkinsfile", "delivery/Jenkinsfile"]);
	assert.match(casc, /^ {2}- file: \/usr\/share\/jenkins\/jobs\.groovy$/m);
	assert.match(read("Dockerfile"), /^COPY .* jobs\.groovy \/usr\/share\/jenkins\/$/m);
	for (const name of all(pipeline, /\b(\w+)\.(?:writeImage|promote)\(/g)) assert.ok(read(`vars/${name}.groovy`));
});

type Cloud = {
	readonly name: string;
	readonly namespace: string;
	readonly credentialsId: string;
	readonly usageRestricted?: boolean;
};
const { jenkins } = parse(casc) as { jenkins: { clouds: { kubernetes: Cloud }[] } };
const clouds = jenkins.clouds.map(({ kubernetes }) => kubernetes);

type Bound = {
	readonly kind: string;
	readonly metadata: { readonly namespace: string };
	readonly subjects?: readonly { readonly name: string; readonly namespace: string }[];
};

it("what branches bring starts nothing where it is delivered, and what is there is out of its reach", () => {
	assert.deepEqual(
		clouds.map(({ name, usageRestricted }) => [name, usageRestricted]),
		[
			["branches", undefined],
			["delivery", true],
		],
	);
	for (const key of ["namespace", "credentialsId"] as const)
		assert.equal(new Set(clouds.map((cloud) => cloud[key])).size, 2, key);
	assert.deepEqual(all(branches, /kubernetes \{ (.*?);/g), ["cloud 'branches'"]);
	assert.deepEqual(all(pipeline, /kubernetes \{ (.*?);/g), ["cloud 'delivery'"]);
	assert.deepEqual(all(jobs, /'permittedClouds' << 'string'\('([\w-]+)'\)/g), ["delivery"]);
	assert.match(blockOf("hannip-delivery"), /KubernetesFolderProperty/);
	assert.deepEqual(
		parseAllDocuments(read("../k8s/cluster/jenkins-agents.yaml"))
			.map((document) => document.toJS() as Bound)
			.flatMap(({ kind, metadata, subjects = [] }) =>
				subjects.map(({ name, namespace }) => [kind, metadata.namespace, `${namespace}/${name}`]),
			),
		clouds.map(({ name, namespace }) => ["RoleBinding", namespace, `jenkins/${name}`]),
	);
});

type Credentials = { readonly [kind: string]: { readonly id: string; readonly scope: string } };

/** The block of this job, or folder, in `jobs.groovy`. */
const blockOf = (name: string): string =>
	new RegExp(`^\\w+\\('${name}'\\) \\{\\n.*?^\\}$`, "ms").exec(jobs)?.[0] ?? assert.fail(name);

it("what is needed to deliver is in a folder of its own, and no branch reaches it", () => {
	const { system } = (
		parse(casc) as { credentials: { system: { domainCredentials: { credentials: Credentials[] }[] } } }
	).credentials;
	const everywhere = system.domainCredentials.flatMap(({ credentials }) => credentials.flatMap(Object.values));
	// A build reaches what is global. What has the scope of the system only Jenkins itself does.
	assert.deepEqual(
		everywhere.map(({ id, scope }) => `${id} ${scope}`),
		["hannip-git GLOBAL", "hannip-webhook-secret SYSTEM", ...clouds.map((cloud) => `${cloud.credentialsId} SYSTEM`)],
	);
	const wanted = all(groovy, /credentialsId: '([\w-]+)'/g).sort();
	assert.equal(wanted.length, 4);
	assert.deepEqual(all(blockOf("hannip-delivery"), /^ {6}id\('([\w-]+)'\)/gm).sort(), wanted);
	assert.doesNotMatch(branches, /credentials|@Library|hannip-/i);
	// The jobs in that folder: one, and what it does is said in main.
	assert.deepEqual(all(jobs, /^\w+\('(hannip-delivery\/[\w-]+)'\)/gm), ["hannip-delivery/main"]);
	const delivery = blockOf("hannip-delivery/main");
	assert.deepEqual(all(delivery, /branch\('(.*?)'\)/g), ["main"]);
	assert.match(delivery, /scriptPath\('jenkins\/delivery\/Jenkinsfile'\)/);
	assert.match(blockOf("hannip"), /excludes\('main'\)[\s\S]*buildForkPRMerge\(false\)/);
});

it("every plug-in that the pipeline and casc.yaml use is in plugins.txt", () => {
	const pinned = read("plugins.txt")
		.split("\n")
		.filter((line) => line && !line.startsWith("#"));
	for (const line of pinned) assert.match(line, /^[a-z\d-]+:[\w.-]*\d[\w.-]*$/, "in an exact version");
	const plugins = pinned.map((line) => line.split(":")[0]);
	assert.deepEqual(plugins, [...new Set(plugins)].sort());
	const needed = {
		lock: "lockable-resources",
		timestamps: "timestamper",
		kubernetes: "kubernetes",
		withCredentials: "credentials-binding",
		input: "pipeline-input-step",
		stash: "workflow-basic-steps",
		sh: "workflow-durable-task-step",
		checkout: "workflow-scm-step",
		pipeline: "pipeline-model-definition",
	};
	for (const [step, plugin] of Object.entries(needed)) {
		assert.match(groovy, new RegExp(`\\b${step}\\b`));
		assert.ok(plugins.includes(plugin), plugin);
	}
	for (const plugin of [
		"cloudbees-folder",
		"configuration-as-code",
		"job-dsl",
		"github-branch-source",
		"matrix-auth",
		"oic-auth",
		"pipeline-groovy-lib",
		"github",
		"workflow-multibranch",
	])
		assert.ok(plugins.includes(plugin), plugin);
});

it("every container that a stage works in is in its pod, and none may more than it must", () => {
	const stagesIn = (text: string) => text.split(/stage\('/).slice(1);
	const stages = [...stagesIn(branches), ...stagesIn(pipeline)];
	assert.deepEqual(
		stages.map((stage) => stage.split("'")[0]),
		["Check and test", "Check and test", "Build the image", "Into staging", "Into production"],
	);
	for (const stage of stages) {
		const [, file = ""] = /yamlFile 'jenkins\/([\w-]+\.yaml)'/.exec(stage) ?? [];
		const { spec } = parse(read(file)) as Pod;
		const wanted = [...all(stage, /defaultContainer '(\w+)'/g), ...all(stage, /container\('(\w+)'\)/g)];
		for (const name of wanted)
			assert.ok(
				spec.containers.some((each) => each.name === name),
				`${file}: ${name}`,
			);
		assert.equal(spec.automountServiceAccountToken, false, file);
		assert.match(stage, /timeout\(time: \d+/);
		// Exact versions; the digests are the registry's to say: docs/deploy.md.
		for (const { name, image } of spec.containers)
			assert.match(image, /:v?\d[\w.-]*\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/, name);
		for (const { name, securityContext } of spec.containers)
			if (name !== "buildkit") assert.deepEqual(securityContext.capabilities, { drop: ["ALL"] }, `${file}: ${name}`);
	}
});

/** Of what the levels `baseline` and `restricted` forbid, what one of our pods could come to need. */
const needsPrivileged = ({ seccompProfile, appArmorProfile, privileged }: Profiles = {}): boolean =>
	seccompProfile?.type === "Unconfined" || appArmorProfile?.type === "Unconfined" || privileged === true;

it("the namespace of the agents lets in what they are, and no other one lets in as much", () => {
	const namespaces = parseAllDocuments(read("../k8s/cluster/namespaces.yaml")).map(
		(document) => document.toJS() as { metadata: { name: string; labels: Readonly<Record<string, string>> } },
	);
	const levelsOf = (labels: Readonly<Record<string, string>>) =>
		["enforce", "warn"].map((mode) => labels[`pod-security.kubernetes.io/${mode}`]);
	for (const { namespace } of clouds) assert.ok(namespaces.some(({ metadata }) => metadata.name === namespace));
	const home = clouds.find(({ name }) => name === "delivery")?.namespace;
	const pods = ["agent-pod.yaml", "build-pod.yaml"].map((file) => parse(read(file)) as Pod);
	const isPrivileged = pods.some(
		({ spec }) =>
			needsPrivileged(spec.securityContext) || spec.containers.some((each) => needsPrivileged(each.securityContext)),
	);
	const wanted = isPrivileged ? "privileged" : "restricted";
	for (const { metadata } of namespaces) {
		const level = metadata.name === home ? wanted : "restricted";
		assert.deepEqual(levelsOf(metadata.labels), [level, level], metadata.name);
	}
});

it("what runs where there is no bash needs none", () => {
	const [, stage = ""] = pipeline.split("stage('Build the image')");
	const [, steps = ""] = /steps \{(.*?)\n {6}post \{/s.exec(stage) ?? [];
	const called = [...steps.matchAll(/sh '(.*?)jenkins\/scripts\/([\w-]+\.sh)/g)];
	assert.deepEqual(
		called.map(([, , name]) => name),
		["build-image.sh", "sbom.sh", "scan.sh", "sign.sh"],
	);
	for (const [, before, name] of called) {
		assert.equal(before, "sh ", `${name}: no path of a shell is relied on`);
		assert.match(read(`scripts/${name}`), /^#!\/bin\/sh\n/, name);
	}
});

itWith(["npm-groovy-lint"], "Jenkinsfile and library are Groovy that the linter takes", () => {
	const args = [
		"--noserver",
		"--config",
		"recommended-jenkinsfile",
		"--failon",
		"error",
		"-p",
		folder,
		"-f",
		"**/{Jenkinsfile,*.groovy}",
	];
	const { status, stdout } = spawnSync(partPath("npm-groovy-lint"), args, { encoding: "utf8", env });
	assert.equal(status, 0, stdout);
	assert.match(stdout, /4.* linted files/);
});

itWith(["mvn"], "the library's unit tests pass", () => {
	const { status, stdout } = spawnSync(partPath("mvn"), ["-q", "-B", "test"], { cwd: folder, encoding: "utf8", env });
	assert.equal(status, 0, stdout);
});
