import type { IncomingMessage, ServerResponse } from "node:http";
import cors from "cors";

/** How long a browser may remember what it was allowed. */
const MAX_AGE_S = 600;

/**
 * Lets pages of these origins call the gateway (Fetch standard, CORS protocol), and says nothing to others. An origin is on the list or
 * it is not: no patterns.
 *
 * @returns whether the request was a preflight of theirs, and is answered
 */
export function crossOrigin(
	origins: readonly string[],
): (request: IncomingMessage, response: ServerResponse) => boolean {
	if (origins.length === 0) return () => false;
	const allow = cors({
		origin: [...origins],
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
	return (request, response) => {
		allow(request as never, response as never, () => {});
		const isPreflight = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
		const isTheirs = origins.includes(String(request.headers.origin));
		if (!isPreflight || !isTheirs) return false;
		response.writeHead(204, { "Content-Length": "0" }).end();
		return true;
	};
}
