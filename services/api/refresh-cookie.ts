import type { IncomingMessage } from "node:http";
import { parseCookie, stringifySetCookie } from "cookie";
import { fail } from "../errors.ts";

/** The prefix makes browsers insist on Secure, Path=/ and no Domain: no sibling site can plant or read it. */
export const REFRESH_COOKIE = "__Host-hannip-refresh";

/** What `auth` puts into it. */
const REFRESH_TOKEN = /^n_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}$/;

/** @returns what looks like one of ours; nothing if there is none */
export function refreshTokenOf({ headers }: IncomingMessage): string | undefined {
	const token = parseCookie(headers.cookie ?? "")[REFRESH_COOKIE];
	return token !== undefined && REFRESH_TOKEN.test(token) ? token : undefined;
}

const attributes = { httpOnly: true, secure: true, sameSite: "strict", path: "/" } as const;
export const TTL_DAYS = 30;

export const refreshCookie = (token: string): string =>
	stringifySetCookie({ name: REFRESH_COOKIE, value: token, maxAge: TTL_DAYS * 86_400, ...attributes });

export const clearedCookie = (): string =>
	stringifySetCookie({ name: REFRESH_COOKIE, value: "", maxAge: 0, ...attributes });

/**
 * The cookie is all that a refresh needs, so a page of another site must not be able to cause one. SameSite=Strict is the first
 * line; browsers also say where a request comes from (OWASP CSRF: Fetch Metadata, then Origin), and programs say neither.
 *
 * @throws cross_site_request
 */
export function refuseCrossSite({ headers }: IncomingMessage, [publicOrigin, ...allowed]: readonly string[]): void {
	const { origin, "sec-fetch-site": site } = headers;
	if (origin !== undefined && allowed.includes(origin)) return;
	const isForeignSite = site !== undefined && site !== "same-origin" && site !== "none";
	const isForeignOrigin = origin !== undefined && origin !== publicOrigin;
	if (isForeignSite || isForeignOrigin) throw fail("cross_site_request");
}
