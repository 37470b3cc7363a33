// Keeps an app's own files, so that it starts without a network. Answers of the API are never kept: money is asked for anew.

type Waiting = Event & { waitUntil(work: Promise<unknown>): void };
type Asked = Waiting & { readonly request: Request; respondWith(answer: Promise<Response>): void };
/** As much of a worker's world as is used here; TypeScript has it only instead of a page's. */
type AppWorker = {
	skipWaiting(): Promise<void>;
	readonly clients: { claim(): Promise<void> };
	addEventListener(type: "install" | "activate", listener: (event: Waiting) => void): void;
	addEventListener(type: "fetch", listener: (event: Asked) => void): void;
};
const worker = globalThis as unknown as AppWorker;

/** Filled in when it is built, see `vite.config.ts`. */
declare const __SHELL__: readonly string[];

const [page, ...files] = __SHELL__;
const shell = new Set(__SHELL__);
/** The other apps of this origin keep theirs beside it. */
const ours = `shell ${page} `;
/** Another build has other files, and so another name. */
const cacheName = ours + files.join(" ");

worker.addEventListener("install", (event) => {
	void worker.skipWaiting();
	event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll([...shell])));
});

worker.addEventListener("activate", (event) => {
	event.waitUntil(replaceOthers());
});

async function replaceOthers(): Promise<void> {
	for (const name of await caches.keys()) if (name.startsWith(ours) && name !== cacheName) await caches.delete(name);
	await worker.clients.claim();
}

worker.addEventListener("fetch", (event) => {
	const { pathname, origin } = new URL(event.request.url);
	if (event.request.method !== "GET" || origin !== location.origin || !shell.has(pathname)) return;
	event.respondWith(answer(event.request));
});

async function answer(request: Request): Promise<Response> {
	const cache = await caches.open(cacheName);
	// The page itself is looked for first: it names the files of the newest build.
	if (request.mode === "navigate") return fetch(request).catch(() => found(cache, request));
	return (await cache.match(request)) ?? fetch(request);
}

const found = async (cache: Cache, request: Request): Promise<Response> =>
	(await cache.match(new URL(request.url).pathname)) ?? Response.error();

export {};
