import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const instead = "Install it and put it on the PATH, or set CHROMIUM.";

/**
 * The browser that tests look at the clients with: a path in the environment (CHROMIUM), the PATH, or else the system's own package, with
 * fonts for Korean: a browser has too much around it to be unpacked somewhere. @throws with the reason why it cannot be had here
 */
export function chromiumPath(): string {
	const given = process.env.CHROMIUM;
	if (given) {
		if (!existsSync(given)) throw new Error(`CHROMIUM=${given} does not exist`);
		return given;
	}
	return onPath(names) ?? installed();
}

function onPath(wanted: readonly string[]): string | undefined {
	const folders = (process.env.PATH ?? "").split(delimiter);
	return wanted.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Only where that is allowed, and nobody is asked for a password. */
function installed(): string {
	if (process.getuid?.() !== 0 || !onPath(["apt-get"])) throw new Error(`Chromium is not on this machine. ${instead}`);
	console.error("hannip: installing Chromium (once; to use your own, set CHROMIUM or put it on the PATH) …");
	for (const args of [["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-cjk"]]) {
		const { status, stderr } = spawnSync("apt-get", ["--quiet", ...args], { encoding: "utf8" });
		if (status !== 0) throw new Error(`Chromium cannot be had: ${stderr.trim().split("\n").at(-1)}. ${instead}`);
	}
	const path = onPath(names);
	if (!path) throw new Error(`Chromium was installed, and is not on the PATH. ${instead}`);
	return path;
}
