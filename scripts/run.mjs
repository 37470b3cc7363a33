// Starts one of the project's commands with everything it needs in place: the locked dependencies, and with them Node 24.
// Plain JavaScript without dependencies, since it runs on a clone where nothing is installed, on any Node >= 20.
//
//   node scripts/run.mjs FILE [ARGUMENTS]     e.g. `node scripts/run.mjs main.ts`
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const parent = process.ppid;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const file = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "";
const hasHelpOfItsOwn = ["scripts/demo/demo.ts", "scripts/cluster/command.ts", "scripts/load/command.ts"];
// The head of each of our commands says what it does and takes: that is its help, and needs nothing installed.
if (/^(scripts|bench)\//.test(file) && !hasHelpOfItsOwn.includes(file) && process.argv.includes("--help")) {
	const [head] = readFileSync(join(root, file), "utf8").split(/^(?!\/\/)/m);
	process.stdout.write(head.replaceAll(/^\/\/ ?/gm, ""));
	process.exit(0);
}

const stampPath = join(root, "node_modules", ".hannip-installed");
const node = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");

function installDependencies() {
	const wanted = createHash("sha256")
		.update(readFileSync(join(root, "package-lock.json")))
		.digest("hex");
	const installed = existsSync(stampPath) ? readFileSync(stampPath, "utf8") : "";
	if (installed === wanted && existsSync(node)) return;
	console.error("hannip: installing the locked dependencies (once, and after each change of package-lock.json) …");
	// NODE_ENV=production would leave out what the tests and the demo need; npm's own progress goes to stderr.
	const npm = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
		cwd: root,
		stdio: ["ignore", 2, "inherit"],
		shell: process.platform === "win32",
	});
	if (npm.status !== 0 || !existsSync(node)) {
		console.error(
			"hannip: `npm ci` failed, see above. Hannip needs npm, Node >= 20 and its package registry at this point.",
		);
		process.exit(1);
	}
	writeFileSync(stampPath, wanted);
}

installDependencies();

/** What serves the clients, or looks at them. */
const needsClients = ["main.ts", "scripts/test.ts", "bench/clients.ts"];
const clientsStampPath = join(root, "clients", "dist", ".stamp");

/** What the wallet, the till and the console are made of: all files of theirs, one by one a few milliseconds. */
function clientsHash() {
	const hash = createHash("sha256");
	const clients = join(root, "clients");
	const names = readdirSync(clients, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && !/\.(test\.ts|md)$/.test(entry.name))
		.map((entry) => join(entry.parentPath ?? entry.path, entry.name))
		.filter((path) => !path.startsWith(join(clients, "dist")));
	for (const path of [...names.sort(), join(root, "package-lock.json"), join(root, "services/api/signature-base.ts")])
		hash.update(`${path}\n`).update(readFileSync(path));
	return hash.digest("hex");
}

function buildClients() {
	const wanted = clientsHash();
	if (existsSync(clientsStampPath) && readFileSync(clientsStampPath, "utf8") === wanted) return;
	console.error("hannip: building the clients (once, and after each change of theirs) …");
	const built = spawnSync(node, ["--disable-warning=ExperimentalWarning", join(root, "scripts/build.ts")], {
		cwd: root,
		stdio: ["ignore", 2, "inherit"],
	});
	if (built.status !== 0) process.exit(1);
	writeFileSync(clientsStampPath, wanted);
}

if (needsClients.includes(file)) buildClients();

// Without it every start, and every worker thread, strips the types again and keeps the compiler for it in memory.
const compileCache = {
	NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, "node_modules", ".cache", "compile"),
};

// glibc keeps the 19 MiB of a password's hash for each of eight heaps: 140 MB that nobody needs. See also the Dockerfile.
const memory = { MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? "2" };
// libuv's own four could all be taken by passwords and names that nobody resolves, and every signature would wait for them.
const threads = { UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? "8" };

const child = spawn(node, ["--disable-warning=ExperimentalWarning", ...process.argv.slice(2)], {
	stdio: "inherit",
	env: {
		...process.env,
		...compileCache,
		...memory,
		...threads,
		PATH: `${join(root, "node_modules", ".bin")}:${dirname(node)}:${process.env.PATH ?? ""}`,
	},
});
let isTold = false;
// A terminal sends Ctrl-C to both; a supervisor signals only this process, so pass it on. Waiting for the child comes first either way.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		isTold = true;
		if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
	});
}
// npm passes its signal to the shell between it and this process. That shell (dash, for one) dies of it and passes nothing on; all that
// is seen of it here is another parent. Only below npm: whoever starts this file from a shell of their own may leave it running.
if (process.env.npm_lifecycle_script?.includes("scripts/run.mjs")) {
	const watching = setInterval(() => {
		if (process.ppid === parent) return;
		clearInterval(watching);
		if (!isTold) child.kill("SIGTERM");
	}, 200);
}
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? "SIGTERM"]));
