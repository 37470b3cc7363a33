import type { Actions, Answered, Params } from "../../services/actions.ts";
import { type ClientRoute, internalRoutes, publicRoutes } from "./routes.ts";

export type Name = keyof typeof publicRoutes | keyof typeof internalRoutes;

/** What the gateway says of a request, or a cookie does, is not for a client to say. */
type SaidElsewhere<N extends keyof Actions> =
	| "idempotencyKey"
	| "jkt"
	| "address"
	| "refreshToken"
	| "userAgent"
	| (Answered<N> extends string ? "cursor" : never)
	| (N extends "auth.signInTill" ? "tillId" : never);

/** What an action takes from a client. Of what moves credit, the key is made up unless it is given: keep it until the outcome is known. */
export type Said<N extends Name> = Omit<Params<N>, SaidElsewhere<N>> & { readonly idempotencyKey?: string };

/** What goes over the wire, but for what proves who sends it. */
export type Wire = {
	readonly method: string;
	readonly path: string;
	readonly contentType?: string;
	readonly body?: Uint8Array<ArrayBuffer>;
	readonly idempotencyKey?: string;
	/** Where to ask what became of it. */
	readonly statusUrl?: string;
};

export const routeOf = (name: Name): ClientRoute => ({ ...publicRoutes, ...internalRoutes })[name];

/** How parameters travel: in the path, in a header, and the rest in the query or the body. */
export function wireOf<N extends Name>(name: N, said: Said<N>): Wire {
	const route = routeOf(name);
	const { idempotencyKey = crypto.randomUUID(), ...all } = said as Record<string, unknown> & {
		idempotencyKey?: string;
	};
	const inPath = new Set([...route.path.matchAll(/:(\w+)/g)].map(([, key]) => key));
	const rest = Object.entries(all).filter(([key, value]) => !inPath.has(key) && value !== undefined);
	const path = filled(route.path, all);
	const money = route.statusPath && {
		idempotencyKey,
		statusUrl: filled(route.statusPath, { ...all, idempotencyKey }),
	};
	if (route.method === "GET" || route.method === "DELETE") {
		const query = new URLSearchParams(rest.map(([key, value]) => [key, String(value)])).toString();
		return { method: route.method, path: query ? `${path}?${query}` : path };
	}
	if (route.csv)
		return { method: route.method, path, contentType: "text/csv", body: bytesOf(String(all[route.csv])), ...money };
	if (rest.length === 0) return { method: route.method, path, ...money };
	const body = bytesOf(JSON.stringify(Object.fromEntries(rest)));
	return { method: route.method, path, contentType: "application/json", body, ...money };
}

const filled = (path: string, values: Readonly<Record<string, unknown>>): string =>
	path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(String(values[key])));

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
