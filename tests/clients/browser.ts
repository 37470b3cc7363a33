import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import axe from "axe-core";
import { type BrowserContext, chromium, type Page, type Route } from "playwright-core";
import { chromiumPath } from "../../scripts/chromium.ts";
import { Client } from "../api/client.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";

const missing = reasonWhyMissing();

function reasonWhyMissing(): string | null {
	try {
		chromiumPath();
		return null;
	} catch (error) {
		return (error as Error).message;
	}
}

/** Tests in a real browser: where there is none they are skipped, loudly, and fail where CI=true. */
export function describeInBrowser(name: string, tests: () => void): void {
	// The clients are served from the process that serves the API: what is apart is tested once, by the tests of the API.
	if (process.env.TEST_MONGODB_URI !== undefined) return;
	if (missing === null)
		describe(name, () => {
			tests();
			after(closeBrowsers);
		});
	else if (process.env.CI === "true") it(`${name}: needs Chromium`, () => assert.fail(missing));
	else describe(name, { skip: `NOT TESTED: ${missing}` }, tests);
}

const flags = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
	"--disable-dev-shm-usage",
];

export const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
export const tablet = { viewport: { width: 1180, height: 820 }, deviceScaleFactor: 1, hasTouch: true };
export const desktop = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 };

export type BrowserOptions = NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>;

const open = new Set<BrowserContext>();

/** A browser of its own with nothing in it: one person's phone, or one till. Its pages share what a browser's tabs share. */
export async function openBrowser({ args = [], ...options }: BrowserOptions = {}): Promise<BrowserContext> {
	const profile = mkdtempSync(join(tmpdir(), "hannip-browser-"));
	const context = await chromium.launchPersistentContext(profile, {
		executablePath: chromiumPath(),
		headless: true,
		locale: "ko-KR",
		timezoneId: "Asia/Seoul",
		...phone,
		...options,
		args: [...flags, ...args],
	});
	context.setDefaultTimeout(30_000);
	open.add(context);
	context.once("close", () => open.delete(context));
	context.once("close", () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
	return context;
}

/** A test that failed has not closed its own, and no file of tests ends before they are closed. */
const closeBrowsers = () => Promise.all([...open].map((context) => context.close()));

/**
 * Decides about requests until the page is closed, or it is told to stop. About all of the browser's: those that go by way of a service worker,
 * as some do while it takes a page over, are not the page's.
 */
export async function intercept(page: Page, url: string | RegExp, decide: (route: Route) => unknown) {
	const browser = page.context();
	await browser.route(url, decide);
	const stop = () => browser.unroute(url, decide);
	page.once("close", () => void stop().catch(() => {}));
	return stop;
}

/** Runs in the page: until it is loaded again nothing can be kept. */
export function fillDisk(): void {
	IDBObjectStore.prototype.put = () => {
		throw new DOMException("full", "QuotaExceededError");
	};
}

/** The flags that make a browser see this film (Y4M) where its camera would be. */
export const cameraOf = (film: string): string[] => [
	"--use-fake-device-for-media-stream",
	"--use-fake-ui-for-media-stream",
	`--use-file-for-fake-video-capture=${film}`,
];

/** Pages prove where they are, so the platform must know its port before it has it. */
const freePort = (): Promise<number> =>
	new Promise((resolve, reject) => {
		const server = createServer().once("error", reject);
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address() as { port: number };
			server.close(() => resolve(port));
		});
	});

export type ServedPlatform = TestPlatform & {
	/** Where browsers find it. */
	readonly url: string;
	readonly internalUrl: string;
};

/** The whole platform with its pages. */
export async function startServedPlatform(env: NodeJS.ProcessEnv = {}): Promise<ServedPlatform> {
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const platform = await startTestPlatform({ PORT: String(port), PUBLIC_ORIGIN: url, ...env });
	const anyone = new Client(url, platform.anyone.contract, { origin: url });
	return {
		...platform,
		anyone,
		url,
		internalUrl: `http://127.0.0.1:${platform.operator.port}`,
		stop() {
			anyone.close();
			return platform.stop();
		},
	};
}

/**
 * A platform for all tests of a `describe`, in whose body this is called: there is nothing to be read of it before they run. Browsers that
 * are open still when they end are closed before it is.
 */
export function platformForAll(env: NodeJS.ProcessEnv = {}): ServedPlatform {
	const platform = {} as ServedPlatform;
	before(async () => void Object.assign(platform, await startServedPlatform(env)));
	after(async () => {
		await closeBrowsers();
		await (platform as Partial<ServedPlatform>).stop?.();
	});
	return platform;
}

const screens = join(import.meta.dirname, "../../.reports/screens");

/** Keeps how it looks, as `.reports/screens/NAME.png`. */
export async function screenshot(page: Page, name: string): Promise<void> {
	mkdirSync(screens, { recursive: true });
	await page.screenshot({ path: join(screens, `${name}.png`), animations: "disabled" });
}

/** Opens these screens anew, one after the other: nothing on them may move by itself once it is there (no layout shift). */
export async function assertStill(page: Page, urls: readonly string[]): Promise<void> {
	for (const url of urls) {
		await page.goto(url);
		await page.reload();
		await page.locator("h1").first().waitFor();
		await page.waitForFunction(() => !document.querySelector('[aria-busy="true"], .skeleton'));
		await assertUnmoved(page, url);
	}
}

/** Since this page was loaded nothing on it has moved by itself. */
export const assertUnmoved = async (page: Page, where: string): Promise<void> =>
	assert.deepEqual(await page.evaluate(shiftsSoFar), [], where);

type Shift = PerformanceEntry & {
	readonly value: number;
	readonly hadRecentInput: boolean;
	readonly sources: readonly { readonly node: Element | null }[];
};

/** Runs in the page. */
function shiftsSoFar(): Promise<string[]> {
	const found: string[] = [];
	const note = (entries: readonly PerformanceEntry[]) => {
		for (const { value, hadRecentInput, sources } of entries as Shift[])
			if (!hadRecentInput) found.push(`${value} ${sources.map(({ node }) => node?.className || node?.nodeName)}`);
	};
	const observer = new PerformanceObserver((list) => note(list.getEntries()));
	observer.observe({ type: "layout-shift", buffered: true });
	return new Promise((resolve) => {
		requestAnimationFrame(() =>
			setTimeout(() => {
				note(observer.takeRecords());
				resolve(found);
			}),
		);
	});
}

/** Another screen, without loading the app again. Done when the app is there, which a browser tells it some time after the address has changed. */
export const visit = (page: Page, path: string): Promise<void> =>
	page.evaluate(
		(to) =>
			new Promise((resolve) => {
				const before = location.hash;
				addEventListener("hashchange", () => resolve(), { once: true });
				location.hash = to;
				if (location.hash === before) resolve();
			}),
		path,
	);

/** As `visit`, by the browser's own Back. */
export const goBack = (page: Page): Promise<void> =>
	page.evaluate(
		() =>
			new Promise((resolve) => {
				addEventListener("hashchange", () => resolve(), { once: true });
				history.back();
			}),
	);

/** What has changed on the page is on the screen. */
export const drawn = (page: Page): Promise<unknown> =>
	page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

type Finding = { id: string; help: string; nodes: { target: unknown; failureSummary?: string }[] };

/** Holds the page against WCAG 2.2 AA, as far as a program can (axe). */
export async function assertAccessible(page: Page, where: string): Promise<void> {
	await page.evaluate(async () => {
		const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
		// What changes now begins to move only when it is drawn.
		for (;;) {
			await drawn();
			const appearing = document.getAnimations().filter(({ effect, playState }) => {
				return playState === "running" && Number(effect?.getComputedTiming().endTime) <= 1_000;
			});
			if (appearing.length === 0) return;
			await Promise.allSettled(appearing.map(({ finished }) => finished));
		}
	});
	// Injected by the debugger: the page's own policy would not let it in.
	await page.evaluate(axe.source);
	const violations = (await page.evaluate(async () => {
		const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
		const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
		return (await axe.run(document, { runOnly: tags })).violations;
	})) as Finding[];
	const found = violations.map(({ id, help, nodes }) => ({
		id,
		help,
		nodes: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
	}));
	assert.deepEqual(found, [], where);
}

/** Everything that a page complains about. Held to be nothing at the end of a test. */
export function complaintsOf(page: Page): string[] {
	const complaints: string[] = [];
	page.on("pageerror", (error) => complaints.push(String(error)));
	page.on("console", (message) => {
		if (/Content Security Policy|Uncaught/i.test(message.text())) complaints.push(message.text());
	});
	return complaints;
}
