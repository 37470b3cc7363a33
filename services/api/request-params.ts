import type { IncomingMessage } from "node:http";
import { fail, failAt } from "../errors.ts";
import { isText } from "../schema.ts";
import { refreshTokenOf } from "./refresh-cookie.ts";
import type { Route } from "./routes.ts";
import { parseObject } from "./strict-json.ts";

export type Incoming = IncomingMessage & { body?: unknown; originalUrl?: string };
type Field = NonNullable<Parameters<typeof isText>[0]> & { type?: string };
export type Schema = { properties?: Record<string, Field> };

/**
 * The action's parameters from a request: the path, the query *or* the body (never both), the idempotency key's header and the
 * refresh cookie. No source may say again what another one said: a query string cannot override a signed body.
 *
 * What people type in, and nothing else, is brought into one form before anybody compares, counts or remembers it: the same word comes
 * composed from one keyboard and in parts from another.
 *
 * @param schema the action's parameters; tells which query values are numbers, and what is text
 * @throws malformed_request, unsupported_media_type, idempotency_key_missing, validation_failed, session_ended
 */
export function paramsOf(
	route: Route,
	request: Incoming,
	path: Record<string, string | null | undefined>,
	schema: Schema,
): Record<string, unknown> {
	const hasBody = route.method === "POST" || route.method === "PATCH";
	const query = queryOf(request.originalUrl ?? request.url ?? "", schema);
	// Who was cut off asks again with the same address, and says in the header how far it came since.
	if (route.live && request.headers["last-event-id"]) delete query.after;
	if (hasBody && Object.keys(query).length > 0) throw failAt(Object.keys(query)[0] as string, "belongs into the body");
	const sources = [path, hasBody ? bodyOf(route, request) : query, headersOf(route, request)];
	const params = new Map<string, unknown>();
	for (const [name, value] of sources.flatMap((source) => Object.entries(source))) {
		if (params.has(name)) throw failAt(name, "is said twice");
		params.set(name, isText(schema.properties?.[name]) ? inOneForm(value) : value);
	}
	// Also a field named __proto__ becomes a field by this, which the schema then refuses.
	return Object.fromEntries(params);
}

const inOneForm = (value: unknown): unknown => (typeof value === "string" ? value.normalize("NFC") : value);

/**
 * Query values are text; those that must be whole numbers become such, those that may be several become a list, and the schema judges
 * the rest. Brackets mean nothing: `limit[$gt]` is the name of a field that nobody has.
 */
function queryOf(url: string, { properties = {} }: Schema): Record<string, unknown> {
	const start = url.indexOf("?");
	// With the question mark: it drops one by itself, and a second one belongs to a name.
	const query = new URLSearchParams(start === -1 ? "" : url.slice(start));
	const typed = [...new Set(query.keys())].map((name) => {
		const values = query.getAll(name);
		const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
		if (type === "array") return [name, values];
		if (values.length > 1) throw failAt(name, "is said twice");
		const [value = ""] = values;
		return [name, type === "integer" && /^-?\d{1,16}$/.test(value) ? Number(value) : value];
	});
	return Object.fromEntries(typed);
}

function bodyOf({ csv }: Route, { headers, body }: Incoming): object {
	const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
	const contentType = headers["content-type"] ?? "";
	const type = contentType.split(";")[0]?.trim().toLowerCase();
	const [, charset = "utf-8"] = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType) ?? [];
	if (bytes.length > 0 && !/^utf-?8$/i.test(charset)) throw fail("unsupported_media_type", "Send UTF-8");
	if (csv && "into" in csv) {
		if (type !== "text/csv") throw fail("unsupported_media_type", "Send text/csv");
		return { [csv.into]: textOf(bytes) };
	}
	if (bytes.length === 0) return {};
	if (type !== "application/json") throw fail("unsupported_media_type", "Send application/json");
	return parseJson(textOf(bytes));
}

function textOf(bytes: Buffer): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		throw fail("malformed_request", "The body is not UTF-8");
	}
}

function parseJson(text: string): object {
	const value = parseObject(text);
	if (!value)
		throw fail("malformed_request", "The body is no JSON object, or has keys that are not allowed, or one twice");
	return value;
}

function headersOf({ idempotent, refreshCookie, live }: Route, request: Incoming): Record<string, string> {
	const { headers } = request;
	const found: Record<string, string> = {};
	if (idempotent) {
		const key = headers["idempotency-key"];
		if (typeof key !== "string" || key === "") throw fail("idempotency_key_missing");
		found.idempotencyKey = key;
	}
	const lastEventId = headers["last-event-id"];
	if (live && typeof lastEventId === "string" && lastEventId) found.after = lastEventId;
	if (refreshCookie === "issue") found.userAgent = (headers["user-agent"] ?? "").slice(0, 200);
	if (refreshCookie === "rotate") {
		const token = refreshTokenOf(request);
		if (!token) throw fail("session_ended", "There is no refresh cookie of ours");
		found.refreshToken = token;
	}
	return found;
}
