import type { IncomingMessage, ServerResponse } from "node:http";
import cors from "cors";
import { type Address, fits } from "./addresses.ts";

/** How long a browser may remember what it was allowed. */
const MAX_AGE_S = 600;

const allow = cors({
	// Whose request it is has been decided, see `crossOrigin`.
	origin: true,
	// The refresh token's cookie.
	credentials: true,
	methods: ["GET", "POST", "PATCH", "DELETE"],
	allowedHeaders: [
		"Authorization",
		"Content-Type",
		"DPoP",
		"Idempotency-Key",
		"Content-Digest",
		"Signature",
		"Signature-Input",
	],
	exposedHeaders: [
		"DPoP-Nonce",
		"WWW-Authenticate",
		"Idempotent-Replayed",
		"Location",
		"Retry-After",
		"RateLimit",
		"RateLimit-Policy",
		"X-Request-ID",
	],
	maxAge: MAX_AGE_S,
	preflightContinue: true,
});

/**
 * Lets pages of these origins call the gateway (Fetch standard, CORS protocol), and says nothing to others. An origin is on the list or
 * it is not: no patterns.
 *
 * @returns whether the request was a preflight of theirs, and is answered
 */
export function crossOrigin(
	origins: readonly string[],
	addresses: readonly Address[],
): (request: IncomingMessage, response: ServerResponse) => boolean {
	const listed = new Set(origins);
	if (listed.size === 0) return () => false;
	return (request, response) => {
		const { method, headers, url = "" } = request;
		// Also of what nobody else may read: a cache must not give it to those who may, or the other way round.
		response.setHeader("Vary", "Origin");
		if (!listed.has(headers.origin ?? "")) return false;
		allow(request, response, () => {});
		const isPreflight = method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
		if (!isPreflight || !addresses.some(({ path }) => fits(path, url.split("?", 1)[0] ?? ""))) return false;
		response.writeHead(204).end();
		return true;
	};
}
