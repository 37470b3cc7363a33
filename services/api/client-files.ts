import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";

/** Where `npm run build` leaves them. */
const FOLDER = join(import.meta.dirname, "../../clients/dist");

/** Scripts, styles and everything else from our own files only; nothing that stands in a page runs. */
export const CLIENTS_CSP = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data: blob:",
	"font-src 'self'",
	"connect-src 'self'",
	"worker-src 'self'",
	"manifest-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join("; ");

/** The scanner is WebAssembly, from our own files as well; this lets nothing else run (CSP 3, 'wasm-unsafe-eval'). */
const TILL_CSP = CLIENTS_CSP.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'");

/** Their names change with what is in them. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** May be kept, but must be asked for each time. */
const ASK_AGAIN = "no-cache";

const types: Readonly<Record<string, string>> = {
	".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".json": "application/json",
	".png": "image/png",
	".svg": "image/svg+xml",
	".wasm": "application/wasm",
	".webmanifest": "application/manifest+json",
	".woff2": "font/woff2",
};

/** Packed forms, the smaller one first, as their files are called and as HTTP calls them. */
const encodings = [
	[".br", "br"],
	[".gz", "gzip"],
] as const;

type ClientFile = {
	readonly type: string;
	readonly etag: string;
	readonly cacheControl: string;
	readonly bytes: Buffer;
	readonly packed: ReadonlyMap<string, Buffer>;
};

export type ClientFiles = {
	/** Where they can be read. */
	readonly paths: readonly string[];
	/** Answers a request for one of them. @returns whether it was one */
	serve(request: IncomingMessage, response: ServerResponse): boolean;
};

export const noFiles: ClientFiles = { paths: [], serve: () => false };

/**
 * The built clients, as they are when the process starts: a few hundred kB, read once, so that what is served is exactly this list and
 * no path of a request ever meets the file system. An app that is not built is not there.
 */
export function clientFiles(apps: readonly string[], publicOrigin?: string): ClientFiles {
	const files = new Map(apps.flatMap((app) => filesOf(app)));
	const bare = new Map(apps.filter((app) => files.has(`/${app}/`)).map((app) => [`/${app}`, `/${app}/`]));
	return {
		paths: [...bare.keys(), ...files.keys()],
		serve(request, response) {
			const [path = ""] = (request.url ?? "").split("?", 1);
			const target = bare.get(path);
			const file = files.get(path);
			// Who says no Host is refused, as everywhere (RFC 9112 3.2).
			const isRight = request.method === "GET" && request.headers.host !== undefined;
			if (!isRight || (!file && !target)) return false;
			response.setHeader("Content-Security-Policy", path.startsWith("/till") ? TILL_CSP : CLIENTS_CSP);
			const elsewhere = path.endsWith("/") && publicOrigin && properOrigin(publicOrigin, request.headers.host);
			if (elsewhere) return redirect(response, elsewhere + path);
			if (!file) return redirect(response, String(target));
			answer(file, request, response);
			return true;
		},
	};
}

function redirect(response: ServerResponse, to: string): true {
	response.writeHead(302, { Location: to }).end();
	return true;
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * This machine has several names, and what a page proves names one of them. Who came by another one is sent on; to nowhere but where the
 * settings say that the platform is.
 */
function properOrigin(publicOrigin: string, host = ""): string | undefined {
	const { host: proper, port } = new URL(publicOrigin);
	const isOurs =
		LOOPBACK.test(host) && LOOPBACK.test(proper) && host !== proper && (/:(\d+)$/.exec(host)?.[1] ?? "") === port;
	return isOurs ? publicOrigin : undefined;
}

function filesOf(app: string): [string, ClientFile][] {
	const folder = join(FOLDER, app);
	if (!existsSync(folder)) return [];
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((name) => types[extname(name)] !== undefined)
		.map((name) => [`/${app}/${name === "index.html" ? "" : name}`, readFile(join(folder, name))]);
}

function readFile(path: string): ClientFile {
	const bytes = readFileSync(path);
	const packed = encodings.flatMap(([extension, encoding]) =>
		existsSync(path + extension) ? [[encoding, readFileSync(path + extension)] as const] : [],
	);
	return {
		type: types[extname(path)] as string,
		etag: hash("sha256", bytes, "base64url").slice(0, 22),
		cacheControl: /\/assets\/[^/]+$/.test(path) ? FOR_EVER : ASK_AGAIN,
		bytes,
		packed: new Map(packed),
	};
}

function answer({ type, etag, cacheControl, bytes, packed }: ClientFile, req: IncomingMessage, res: ServerResponse) {
	const accepted = new Set(String(req.headers["accept-encoding"] ?? "").split(/\s*,\s*/));
	const [encoding, body] = [...packed].find(([name]) => accepted.has(name)) ?? [undefined, bytes];
	// Each form is other bytes (RFC 9110 8.8.3.3).
	const tag = `"${etag}${encoding ? `-${encoding}` : ""}"`;
	res.setHeader("Cache-Control", cacheControl);
	res.setHeader("ETag", tag);
	res.setHeader("Vary", "Accept-Encoding");
	if (String(req.headers["if-none-match"] ?? "").includes(tag)) return void res.writeHead(304).end();
	if (encoding) res.setHeader("Content-Encoding", encoding);
	res.setHeader("Content-Type", type);
	res.setHeader("Content-Length", body.length);
	res.end(body);
}
