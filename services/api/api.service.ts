import type { IncomingMessage, ServerResponse } from "node:http";
import type { Service, ServiceSchema } from "moleculer";
import type { Settings } from "../../moleculer.config.ts";
import { fail, problems } from "../errors.ts";
import { clientFiles } from "./client-files.ts";
import { DOCS_CSP, docsPages, type Page, problemPage } from "./docs-page.ts";
import { gateway } from "./gateway.ts";
import { internalGateway } from "./internal.service.ts";
import { openApiOf, schemasOf } from "./openapi.ts";
import { publicRoutes } from "./routes.ts";

type PageRequest = IncomingMessage & { $params: { params: Record<string, string> } };
type Handler = (this: Service, req: PageRequest, res: ServerResponse, next: (error?: unknown) => void) => void;

const send = (res: ServerResponse, { type, body }: Page): void => {
	res.setHeader("Content-Type", type);
	res.end(body);
};

/** The gateway for clients, the description of its API, and beside it the one for operators. */
export default (settings: Settings): readonly ServiceSchema[] => {
	/** Made again when the services are others: it costs as much as several payments, and anybody may ask for it. */
	let description: Page | undefined;
	const openApi: Handler = function (_, res) {
		if (!description) {
			const document = openApiOf(publicRoutes, schemasOf(this.broker), {
				server: settings.publicOrigin,
				build: settings.version,
			});
			description = { type: "application/json; charset=utf-8", body: Buffer.from(JSON.stringify(document)) };
			this.broker.localBus.once("$services.changed", () => {
				description = undefined;
			});
		}
		send(res, description);
	};
	const docs: Handler = (req, res, next) => {
		const page = docsPages.get(req.$params.params.file ?? "");
		if (!page) return next(fail("not_found"));
		res.setHeader("Content-Security-Policy", DOCS_CSP);
		send(res, page());
	};
	const problem: Handler = (req, res, next) => {
		const page = problemPage(req.$params.params.code ?? "");
		if (!page) return next(fail("not_found"));
		send(res, page);
	};
	const files = clientFiles(["wallet", "till", "owner"], settings.publicOrigin);
	/** Whoever opens the address in a browser wants to see something. */
	const home: Handler = (_, res) => {
		res.writeHead(302, { Location: files.paths.includes("/wallet/") ? "/wallet/" : "/docs" }).end();
	};
	const page = (path: string, aliases: Record<string, Handler>) => ({
		name: path,
		path,
		mappingPolicy: "restrict",
		pathToRegexpOptions: { sensitive: true },
		mergeParams: false,
		logging: false,
		bodyParsers: false,
		aliases,
	});
	const pages = [
		page("/", { "GET /": home }),
		page("/openapi.json", { "GET /": openApi }),
		page("/docs", { "GET /": docs, "GET /:file": docs }),
		page("/problems", { "GET /:code": problem }),
	];
	const pagePaths = [
		"/",
		"/openapi.json",
		...[...docsPages.keys()].map((file) => (file ? `/docs/${file}` : "/docs")),
		...Object.keys(problems).map((code) => `/problems/${code}`),
	];
	return [
		gateway({
			name: "api",
			port: settings.port,
			audience: "everybody",
			routes: publicRoutes,
			pages,
			pagePaths,
			files,
			allowedOrigins: settings.allowedOrigins,
			settings,
		}),
		internalGateway(settings),
	];
};
