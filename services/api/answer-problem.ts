import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Context } from "moleculer";
import { newTraceId } from "../../mixins/trace-id.ts";
import { fail, type ProblemCode, problemOf, problems, surelyNotBooked } from "../errors.ts";
import { type Address, filledIn, otherMethods } from "./addresses.ts";
import { type Audience, challengeOf } from "./challenge.ts";
import { toProblem } from "./problem.ts";
import type { Route } from "./routes.ts";

/** How long a closing connection takes what still comes. */
export const LINGER_MS = 1_000;

export type Alias = { readonly method: string; readonly fullPath: string };
/** As much of what moleculer-web knows about a request as there is when it fails. */
export type Failing = IncomingMessage & {
	$ctx?: Context;
	$alias?: Alias;
	$params?: Record<string, unknown>;
	parsedUrl?: string;
	/** For whoever logs the request when it is over. */
	$problem?: { readonly code: ProblemCode; readonly error: unknown; readonly isCutOff?: true };
};
type Failure = {
	readonly error: unknown;
	readonly addresses: readonly Address[];
	readonly routeOf: (alias: Alias) => Route;
	/** Who may ask there at all, for what a 401 asks for. */
	readonly audience: Audience;
};

/** Answers in the words of the catalogue (RFC 9457), and says on the request why. */
export function answerProblem(req: Failing, res: ServerResponse, failure: Failure): void {
	if (res.headersSent) return void res.destroy();
	const { error, addresses, routeOf, audience } = failure;
	const traceId = req.$ctx?.requestID ?? newTraceId();
	const route = req.$alias && routeOf(req.$alias);
	const allowed = problemOf(error) === "not_found" && !route ? otherMethods(addresses, req) : [];
	const code = allowed.length > 0 ? "method_not_allowed" : codeFor(error, route);
	const { document, retryAfterS } = toProblem(error, { traceId, code });
	req.$problem = { code, error };
	const statusUrl = code === "outcome_unknown" ? statusUrlOf(route, req) : {};
	res.setHeader("X-Request-ID", traceId);
	// It was to be a file.
	res.removeHeader("Content-Disposition");
	const challenge = challengeOf(audience, { route, error });
	for (const [header, value] of problemHeaders(code, { allowed, retryAfterS, challenge })) res.setHeader(header, value);
	res.statusCode = problems[code].status;
	const text = JSON.stringify({ ...document, ...statusUrl });
	if (code === "payload_too_large" && !req.complete) answerAndLinger(req, res, text);
	else res.end(text);
}

/** Where to ask what became of a request. */
function statusUrlOf(route: Route | undefined, { $params = {} }: Failing): { statusUrl?: string } {
	return route?.idempotent ? { statusUrl: filledIn(route.idempotent.statusPath, $params) } : {};
}

/** The same where there is no request to answer, as it goes over the wire. Then the connection closes. */
export function rawProblem(code: ProblemCode, headers: readonly (readonly [string, string])[]): string {
	const traceId = newTraceId();
	const { document, retryAfterS } = toProblem(fail(code), { traceId });
	const text = JSON.stringify(document);
	const said = new Map([
		...headers,
		...problemHeaders(code, { allowed: [], retryAfterS }),
		["X-Request-ID", traceId],
		["Content-Length", String(Buffer.byteLength(text))],
		["Date", new Date().toUTCString()],
		["Connection", "close"],
	]);
	const lines = [...said].map(([name, value]) => `${name}: ${value}`);
	const { status } = document;
	return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", text].join("\r\n");
}

type Headers = readonly (readonly [name: string, value: string])[];
type Said = { allowed: readonly string[]; retryAfterS: number | undefined; challenge?: Headers };

function* problemHeaders(
	code: ProblemCode,
	{ allowed, retryAfterS, challenge = [] }: Said,
): Generator<readonly [string, string]> {
	yield ["Content-Type", "application/problem+json"];
	if (allowed.length > 0) yield ["Allow", allowed.join(", ")];
	if (retryAfterS !== undefined) yield ["Retry-After", String(retryAfterS)];
	if (code === "dpop_nonce_required") yield ["WWW-Authenticate", 'DPoP error="use_dpop_nonce", algs="ES256"'];
	else if (problems[code].status === 401) yield* challenge;
	// What comes behind a body that was too large is not a request.
	if (code === "payload_too_large") yield ["Connection", "close"];
}

function codeFor(error: unknown, route: Route | undefined): ProblemCode {
	const code = problemOf(error);
	if (!route?.idempotent || problems[code].status < 500) return code;
	return surelyNotBooked.has((error as { type?: unknown }).type) ? code : "outcome_unknown";
}

/**
 * Answers a request that is still coming before the connection closes. Closed at once it would be reset, and the client could lose
 * the answer (RFC 9112 9.6); so what comes is thrown away for a moment.
 */
function answerAndLinger(request: IncomingMessage, response: ServerResponse, text: string): void {
	response.setHeader("Content-Length", Buffer.byteLength(text)).write(text);
	const late = setTimeout(() => response.end(), LINGER_MS);
	response.once("close", () => clearTimeout(late));
	request.once("end", () => response.end()).resume();
}
