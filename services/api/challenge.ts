import type { ProblemData } from "../errors.ts";
import { credentialsFor } from "../rights.ts";
import type { Route } from "./routes.ts";
import { TILL_TAG } from "./signature-base.ts";

/** How a 401 says what is wanted (RFC 9110 11.6.1) where any route of a port could have been meant. */
const challenges = { everybody: 'DPoP algs="ES256"', operators: 'Bearer realm="operators"' } as const;

/** What a till signs without a token: RFC 9421 5.1, since no scheme of RFC 9110 asks for a signature alone. */
const covered = {
	newTill: '"@method" "@target-uri" "content-digest"',
	till: '"@method" "@target-uri"',
} as const;

type Asked = { readonly route: Route | undefined; readonly error: unknown };
export type Audience = keyof typeof challenges;

/**
 * The headers of a 401 there, beside the problem. Nobody is told what is wrong, but for a token of ours that has ended (RFC 6750 3.1): whoever
 * sends it can read that in it, and what helps is to get a new one, where else it is to look for a mistake.
 */
export function challengeOf(audience: Audience, { route, error }: Asked): [name: string, value: string][] {
	if (route?.binds === "till" || route?.binds === "newTill") {
		const wanted = `sig=(${covered[route.binds]});created;alg="ecdsa-p256-sha256";tag="${TILL_TAG}"`;
		return [
			["WWW-Authenticate", `Signature tag="${TILL_TAG}"`],
			["Accept-Signature", wanted],
		];
	}
	const { hasExpired } = ((error as { data?: unknown } | null)?.data ?? {}) as ProblemData;
	const why = hasExpired ? 'error="invalid_token", error_description="The access token has expired"' : "";
	const schemes = [challenges[audience] + (why && `, ${why}`)];
	if (route && credentialsFor(route.action).has("till")) schemes.push(`Till${why && ` ${why}`}`);
	return [["WWW-Authenticate", schemes.join(", ")]];
}
