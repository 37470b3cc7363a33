// The image, built on a machine that reaches no registry of images: from this machine's own Node, npm and libraries. For
// tests/deploy/image.test.ts. The engine is Podman, with a storage of its own that is gone afterwards.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { partPath } from "../parts.ts";

const root = join(import.meta.dirname, "../..");
const [BASE, RUNTIME, IMAGE] = ["localhost/hannip-base:local", "localhost/hannip-runtime:local", "localhost/hannip"];
const node = join(root, "node_modules/node/bin/node");
/** What is loaded only when it is needed, so that no program names it: to look up names of hosts, and the bundler's. */
const loadedLater = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "librt.so.1"];
/** What the steps of the Dockerfile call. */
const programs = ["sh", "env", "rm", "mkdir", "find"];
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

const said = (command: string, ...args: readonly string[]): string =>
	execFileSync(command, args, { encoding: "utf8", maxBuffer: 1e8 }).trim();

const librariesOf = (program: string): string[] =>
	[...said("ldd", program).matchAll(/(?<= )\/\S+|^\s*\/\S+/gm)].map(([path]) => path.trim());

export class LocalImages {
	readonly #folder = mkdtempSync(join(tmpdir(), "hannip-images-"));
	readonly #env: NodeJS.ProcessEnv;

	/** @throws when there is no Podman, or none that works */
	constructor() {
		const [podman, runc] = [partPath("podman"), partPath("runc")];
		const [engine, storage] = [join(this.#folder, "containers.conf"), join(this.#folder, "storage.conf")];
		// What a machine without systemd, with the old control groups and with low limits lets it do.
		writeFileSync(
			engine,
			`[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n` +
				`[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n[engine.runtimes]\nrunc = ["${runc}"]\n`,
		);
		const [graph, run] = [join(this.#folder, "storage"), join(this.#folder, "run")];
		writeFileSync(storage, `[storage]\ndriver = "overlay"\ngraphroot = "${graph}"\nrunroot = "${run}"\n`);
		this.#env = {
			...process.env,
			PATH: `${dirname(podman)}${delimiter}${process.env.PATH}`,
			CONTAINERS_CONF: engine,
			CONTAINERS_STORAGE_CONF: storage,
		};
	}

	/** @throws with what it said */
	podman(...args: readonly string[]): string {
		const { status, stdout, stderr, error } = spawnSync("podman", args, { env: this.#env, encoding: "utf8" });
		if (status !== 0) throw new Error(`podman ${args.join(" ")}: ${error?.message ?? stderr}`);
		return stdout.trim();
	}

	/** What stands for `node:24-slim` (it builds), and for the image without a shell (it runs). */
	makeBases(): void {
		const [runtime, base] = [join(this.#folder, "runtime"), join(this.#folder, "base")];
		addSystem(runtime, [node]);
		this.#import(runtime, RUNTIME);
		addSystem(base, [node, ...programs.map((name) => said("which", name))]);
		addNpm(base);
		this.#import(base, BASE);
	}

	#import(folder: string, name: string): void {
		const archive = `${folder}.tar`;
		execFileSync("tar", ["--directory", folder, "--create", "--file", archive, "."]);
		this.podman("import", "--quiet", archive, name);
		for (const path of [folder, archive]) rmSync(path, { recursive: true });
	}

	/** By the script that Jenkins builds it with. @returns its name and digest, and `reference` to run it by */
	build(version: string): { readonly digest: string; readonly reference: string } {
		const env = { ...this.#env, BASE, RUNTIME, PUSH: "false", BUILDER: "podman" };
		const { status, stdout, stderr } = spawnSync(join(root, "jenkins/scripts/build-image.sh"), [IMAGE, version], {
			env,
			encoding: "utf8",
			maxBuffer: 1e8,
		});
		if (status !== 0) throw new Error(`build-image.sh: ${stdout.slice(-4_000)}${stderr.slice(-4_000)}`);
		return { digest: String(stdout.trim().split("@").at(-1)), reference: `${IMAGE}:${version}` };
	}

	/** Forgets the image and all that a later build of it could begin from, but what npm installed: that is as the lock file says, or it fails. */
	forget(reference: string): void {
		const created = this.podman("image", "inspect", "--format", "{{.Created.Unix}}", reference);
		const args = ["--layers", "--timestamp", created, "--build-arg", `BASE=${BASE}`, "--target", "everything"];
		this.podman("build", ...args, "--tag", "localhost/hannip-everything:local", root);
		this.podman("rm", "--all", "--force", "--volumes");
		this.podman("rmi", reference);
		this.podman("image", "prune", "--force");
	}

	/** As Kubernetes starts it: nobody, with no rights, and nothing that it could write to but its data. @returns its id */
	start(reference: string, env: Readonly<Record<string, string>>): string {
		const told = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
		const hard = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"];
		return this.podman("run", "--detach", ...hard, ...told, reference);
	}

	remove(): void {
		spawnSync("podman", ["rm", "--all", "--force", "--volumes", "--time", "0"], { env: this.#env });
		spawnSync("podman", ["rmi", "--all", "--force"], { env: this.#env });
		rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
	}
}

/** Programs into the first folder of `folder` that they are looked for in, their libraries to where they are, and who may be asked. */
function addSystem(folder: string, paths: readonly string[]): void {
	for (const name of ["tmp", "etc", "root", "usr/local/bin"]) mkdirSync(join(folder, name), { recursive: true });
	const libraries = [...new Set(paths.flatMap(librariesOf))];
	const beside = dirname(String(libraries.find((path) => path.endsWith("/libc.so.6"))));
	for (const path of [
		...libraries,
		...loadedLater.map((name) => join(beside, name)),
		CERTIFICATES,
		"/etc/nsswitch.conf",
	])
		cpSync(realpathSync(path), join(folder, path), { recursive: true });
	writeFileSync(join(folder, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n");
	for (const path of paths.slice(1)) {
		const name = String(path.split("/").at(-1));
		cpSync(realpathSync(path), join(folder, "usr/local/bin", name));
		for (const place of ["bin", "usr/bin"]) {
			mkdirSync(join(folder, place), { recursive: true });
			symlinkSync(`/usr/local/bin/${name}`, join(folder, place, name));
		}
	}
}

/** Node's place is that of its official images, and npm's as well; it asks the registry that this machine asks. */
function addNpm(folder: string): void {
	cpSync(node, join(folder, "usr/local/bin/node"));
	const npm = dirname(dirname(realpathSync(said("which", "npm"))));
	cpSync(npm, join(folder, "usr/local/lib/node_modules/npm"), { recursive: true });
	symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(folder, "usr/local/bin/npm"));
	mkdirSync(join(folder, "usr/local/etc"));
	writeFileSync(
		join(folder, "usr/local/etc/npmrc"),
		`registry=${said("npm", "config", "get", "registry")}\ncafile=${CERTIFICATES}\nupdate-notifier=false\n`,
	);
}
