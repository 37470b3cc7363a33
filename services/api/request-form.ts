import type { IncomingMessage } from "node:http";
import { fail } from "../errors.ts";

/** RFC 9110 7.2: a host and perhaps a port. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?$/i;

/** What others on the way could understand otherwise than we do. @returns why nobody should rely on it */
export function unclearIn({ headers, rawHeaders, httpVersion }: IncomingMessage): Error | undefined {
	const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length;
	// RFC 9112 3.2.
	if (hosts === 0 && httpVersion === "1.1") return fail("malformed_request", "There is no Host header");
	if (hosts > 1) return fail("malformed_request", "There is more than one Host header");
	if (hosts === 1 && !HOST.test(headers.host ?? "")) return fail("malformed_request", "The Host header names no host");
	// RFC 9112 6.1: whoever does not know a coding must not take what is in it for the body.
	const coding = headers["transfer-encoding"] ?? "chunked";
	if (coding.toLowerCase() === "chunked") return undefined;
	return fail("malformed_request", "No other Transfer-Encoding than chunked is known here");
}

/**
 * RFC 9112 3.2.2: who believes that they speak to a proxy says the whole address. It is ours when its origin is the public one, or names
 * the socket at which it arrived; what is another's stays as it is, and is found nowhere.
 *
 * @returns the address without its origin
 */
export function originForm({ url = "", socket }: IncomingMessage, publicOrigin: string): string {
	const [, origin, rest = ""] = /^(https?:\/\/[^/?#]*)(.*)$/i.exec(url) ?? [];
	if (!origin) return url;
	const { localAddress = "", localPort } = socket;
	const host = localAddress.replace(/^::ffff:/, "");
	const ours = [publicOrigin, `http://${host.includes(":") ? `[${host}]` : host}:${localPort}`];
	if (!ours.includes(origin.toLowerCase())) return url;
	return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Nothing here has an entity tag, so whoever names one has seen something else (RFC 9110 13.1.1). @throws precondition_failed */
export function checkPrecondition({ method, headers }: IncomingMessage): void {
	const wanted = headers["if-match"];
	if (method === "PATCH" && wanted !== undefined && wanted !== "*") throw fail("precondition_failed");
}

/** RFC 9110 12.5.1: what is weighed with nothing is not wanted. */
export const acceptsEventStream = (accept: string): boolean =>
	accept.split(",").some((range) => {
		const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
		return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
	});
