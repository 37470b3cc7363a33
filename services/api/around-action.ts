import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import { nameSpan } from "../../mixins/traces.ts";
import type { Meta } from "../actions.ts";
import type { Access, Admitted } from "./access.ts";
import { filledIn } from "./addresses.ts";
import type { Alias, Failing } from "./answer-problem.ts";
import { clearedCookie, refreshCookie, refuseCrossSite } from "./refresh-cookie.ts";
import { checkPrecondition } from "./request-form.ts";
import { type Incoming, paramsOf, type Schema } from "./request-params.ts";
import { isFile, type Route } from "./routes.ts";

/** A request, with what moleculer-web and we write on it. */
export type Request = Incoming &
	Failing & {
		$untilMs?: number;
		$isWorkedOut?: () => void;
		$action?: { name: string; params?: object; returns?: object };
		$admitted?: Admitted;
	};
type GatewayMeta = { $statusCode?: number; $location?: string; $responseType?: string };
type Call = Context<unknown, Meta & GatewayMeta>;

type Options = {
	readonly routeOf: (alias: Alias) => Route;
	readonly addressOf: (req: IncomingMessage) => string;
	/** Ours, and those of others whose pages may call it. */
	readonly origins: readonly string[];
};

/** What moleculer-web does before and after the action of a route: who asks, and with which parameters; how the answer looks. */
export const aroundAction = ({ routeOf, addressOf, origins }: Options) => ({
	async onBeforeCall(
		this: { readonly access: Access; readonly broker: { readonly nodeID: string } },
		ctx: Call,
		_: object,
		req: Request,
		res: ServerResponse,
		alias: Alias,
	): Promise<void> {
		const route = routeOf(alias);
		ctx.meta.untilMs = req.$untilMs as number;
		ctx.meta.untilBy = this.broker.nodeID;
		// Its address has ids in it, or more.
		if (req.$ctx) nameSpan(req.$ctx, `${route.method} ${route.path}`);
		if (route.refreshCookie === "rotate") refuseCrossSite(req, origins);
		const address = addressOf(req);
		req.$admitted = await this.access.admit({ req, res, route, address });
		const { caller } = req.$admitted;
		if (caller) ctx.meta.caller = caller;
		req.$params = fullParams(req, route, address);
		checkPrecondition(req);
		if (route.csv && "fileName" in route.csv) {
			ctx.meta.$responseType = "text/csv; charset=utf-8";
			res.setHeader("Content-Disposition", `attachment; filename="${route.csv.fileName}"`);
		}
	},

	onAfterCall(ctx: Call, _: object, req: Request, res: ServerResponse, data: unknown): unknown {
		const route = routeOf(req.$alias as Alias);
		if (ctx.meta.replayed) res.setHeader("Idempotent-Replayed", "true");
		if (route.cacheS) res.setHeader("Cache-Control", `public, max-age=${route.cacheS}`);
		if (route.image) {
			ctx.meta.$responseType = "image/jpeg";
			return Buffer.from(data as string, "base64");
		}
		if (route.status) ctx.meta.$statusCode = route.status;
		if (route.location) ctx.meta.$location = filledIn(route.location, { ...req.$params, ...(data as object) });
		return withoutRefreshToken(route, res, data);
	},
});

/** What the client says, and what we found out about it, where the action asks for that. */
function fullParams(req: Request, route: Route, address: string): Record<string, unknown> {
	const schema: Schema = req.$action?.params ?? {};
	const { properties = {} } = schema;
	const { params: path } = req.$params as { params: Record<string, string> };
	const ours = {
		...("jkt" in properties && { jkt: req.$admitted?.jkt }),
		...("address" in properties && { address }),
		...(route.binds === "till" && { tillId: req.$admitted?.tillId }),
		...(isFile(route) && { cursor: null }),
	};
	return paramsOf(route, req, { ...path, ...ours }, schema);
}

function withoutRefreshToken({ refreshCookie: change }: Route, res: ServerResponse, data: unknown): unknown {
	if (change === "clear") res.setHeader("Set-Cookie", clearedCookie());
	if (change !== "issue" && change !== "rotate") return data;
	const { refreshToken, ...rest } = data as { refreshToken: string };
	res.setHeader("Set-Cookie", refreshCookie(refreshToken));
	return rest;
}
