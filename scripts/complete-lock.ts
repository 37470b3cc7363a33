// `npm run lock`: after a change of package.json. Some registry mirrors have only the packages of their own platform; npm then leaves the
// other platforms' optional packages out of the lock file, and refuses such a lock everywhere (`npm ci`: "Missing … from lock file").
// This adds what is missing, by name and version; npm skips what is for another platform.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Locked = { version: string; license?: string; optionalDependencies?: Record<string, string> };
type Lock = { packages: Record<string, Locked & { optional?: true; os?: string[]; cpu?: string[]; libc?: string[] }> };

const path = join(import.meta.dirname, "..", "package-lock.json");
export const readLock = (): Lock => JSON.parse(readFileSync(path, "utf8")) as Lock;

/** The optional packages that the lock names but does not hold. */
export function missingFrom({ packages }: Lock): { name: string; version: string; license: string }[] {
	return Object.entries(packages).flatMap(([place, { optionalDependencies = {}, license = "MIT" }]) =>
		Object.entries(optionalDependencies)
			.filter(([name]) => !isFoundFrom(place, name, packages))
			.map(([name, version]) => ({ name, version: version.replace(/^[\^~]/, ""), license })),
	);
}

/** Node's own way to look: beside the package, then further out. */
function isFoundFrom(place: string, name: string, packages: Lock["packages"]): boolean {
	for (let from = place; ; from = from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/")))) {
		if (packages[`${from ? `${from}/` : ""}node_modules/${name}`]) return true;
		if (!from) return false;
		if (!from.includes("/node_modules/")) return packages[`node_modules/${name}`] !== undefined;
	}
}

const systems = ["android", "darwin", "linux", "win32", "freebsd", "netbsd", "openbsd", "openharmony", "sunos", "aix"];
const processors = ["arm64", "x64", "ia32", "arm", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"];

function platformOf(name: string) {
	const words = name.split(/[-/]/);
	const of = (known: readonly string[]) => known.filter((each) => words.includes(each));
	const [os, cpu, libc] = [of(systems), of(processors), of(["musl"])];
	return { ...(cpu.length > 0 && { cpu }), ...(os.length > 0 && { os }), ...(libc.length > 0 && { libc }) };
}

if (import.meta.main) {
	spawnSync("npm", ["install", "--package-lock-only"], { stdio: "inherit" });
	const lock = readLock();
	const missing = missingFrom(lock);
	for (const { name, version, license } of missing) {
		lock.packages[`node_modules/${name}`] = { version, optional: true, ...platformOf(name), license };
	}
	lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
	writeFileSync(path, `${JSON.stringify(lock, null, "\t")}\n`);
	console.log(`${missing.length} optional packages of other platforms added to the lock file`);
}
