import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isProblemCode, problems } from "../errors.ts";

export type Page = { readonly type: string; readonly body: string | Buffer };

const folder = join(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"), "..");
/** Read once: the larger one is 1.7 MB, and anybody may ask for it. */
const fromFolder = (name: string, type: string): (() => Page) => {
	let page: Page | undefined;
	return () => {
		page ??= { type, body: readFileSync(join(folder, name)) };
		return page;
	};
};

const start = `window.onload = () => SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true, tryItOutEnabled: false });`;
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hannip API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>`;

/** The readable form of the API: Swagger UI, from our own files only. */
export const docsPages: ReadonlyMap<string, () => Page> = new Map<string, () => Page>([
	["", () => ({ type: "text/html; charset=utf-8", body: page })],
	["start.js", () => ({ type: "text/javascript", body: start })],
	["swagger-ui.css", fromFolder("swagger-ui.css", "text/css")],
	["swagger-ui-bundle.js", fromFolder("swagger-ui-bundle.js", "text/javascript")],
]);

/** Scripts and styles come from our own files only. What Swagger UI sets while it runs it sets by CSSOM, which CSP leaves alone. */
export const DOCS_CSP =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/** The page that a problem's `type` points at. */
export function problemPage(code: string): Page | undefined {
	if (!isProblemCode(code)) return undefined;
	const { status, title, remedy, retryable } = problems[code];
	const again = retryable
		? "The same request may succeed later, unchanged."
		: "The same request will be refused again: change it first.";
	return {
		type: "text/html; charset=utf-8",
		body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${code}</title></head>
<body><h1>${title}</h1><p><code>${code}</code>, HTTP ${status}</p><p>${remedy}</p><p>${again}</p></body></html>`,
	};
}
