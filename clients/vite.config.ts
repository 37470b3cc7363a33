import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { defineConfig, type InlineConfig, type Plugin } from "vite";

const clients = import.meta.dirname;

/** Every folder with a page in it is an app. */
export const apps: readonly string[] = readdirSync(clients, { withFileTypes: true })
	.filter((entry) => entry.isDirectory() && entry.name !== "dist" && hasFile(entry.name, "index.html"))
	.map(({ name }) => name);

/** What can be installed starts without a network. */
function isInstallable(app: string): boolean {
	return existsSync(join(clients, app, "public", `${app}.webmanifest`));
}

function hasFile(folder: string, name: string): boolean {
	return readdirSync(join(clients, folder)).includes(name);
}

/** How an app is built: all that its page needs, to be served below `/<app>/` by any static server. */
export function configOf(app: string): InlineConfig {
	const outDir = join(clients, "dist", app);
	const worker = isInstallable(app) ? { "service-worker": join(clients, "ui/service-worker.ts") } : {};
	return {
		configFile: false,
		root: join(clients, app),
		base: `/${app}/`,
		logLevel: "warn",
		build: {
			outDir,
			emptyOutDir: true,
			target: "es2023",
			// Data URLs would need a weaker policy, and small files cost nothing over HTTP/2.
			assetsInlineLimit: 0,
			modulePreload: { polyfill: false },
			reportCompressedSize: false,
			rolldownOptions: {
				input: { index: join(clients, app, "index.html"), ...worker },
				// How long each part of it took is of interest to who makes the bundler.
				checks: { pluginTimings: false },
				output: {
					// A service worker is looked for at one address for ever.
					entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
				},
			},
		},
		plugins: [shellList(app), packed(outDir)],
	};
}

/** Tells the service worker which files make the app, so that it starts without a network. */
function shellList(app: string): Plugin {
	return {
		name: "hannip-shell-list",
		generateBundle(_, bundle) {
			const worker = bundle["service-worker.js"];
			if (worker?.type !== "chunk") return;
			const files = Object.keys(bundle).filter(
				(name) => /\.(js|css|wasm|woff2)$/.test(name) && name !== worker.fileName,
			);
			const shell = [`/${app}/`, ...files.map((name) => `/${app}/${name}`)];
			worker.code = worker.code.replaceAll("__SHELL__", JSON.stringify(shell));
		},
	};
}

/** Packs what packs well, once: the gateway only hands it out. */
function packed(outDir: string): Plugin {
	return {
		name: "hannip-packed",
		apply: "build",
		async closeBundle() {
			const names = readdirSync(outDir, { recursive: true, encoding: "utf8" });
			await Promise.all(names.filter((name) => /\.(js|css|html|svg|webmanifest|wasm)$/.test(name)).map(packFile));
		},
	};

	async function packFile(name: string): Promise<void> {
		const path = join(outDir, name);
		const bytes = readFileSync(path);
		const [br, gz] = await Promise.all([
			promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: qualityFor(bytes) } }),
			promisify(gzip)(bytes, { level: 9 }),
		]);
		writeFileSync(`${path}.br`, br);
		writeFileSync(`${path}.gz`, gz);
	}
}

/** The best takes twenty seconds for a megabyte, and saves three percent of it. */
const qualityFor = ({ length }: Buffer): number => (length > 500_000 ? 9 : constants.BROTLI_MAX_QUALITY);

/** For `vite` itself: `npm run dev:clients`. The platform must name itself as this does: `PUBLIC_ORIGIN=http://127.0.0.1:5173 npm start`. */
export default defineConfig({
	root: clients,
	appType: "mpa",
	server: { host: "127.0.0.1", port: 5173, proxy: { "/v1": "http://127.0.0.1:3000" } },
});
