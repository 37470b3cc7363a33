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

export type Audience = keyof typeof challenges;

/** The headers of a 401 there, beside the problem. */
export function challengeOf(audience: Audience, route: Route | undefined): [name: string, value: string][] {
	if (route?.binds === "till" || route?.binds === "newTill") {
		const wanted = `sig=(${covered[route.binds]});created;alg="ecdsa-p256-sha256";tag="${TILL_TAG}"`;
		return [
			["WWW-Authenticate", `Signature tag="${TILL_TAG}"`],
			["Accept-Signature", wanted],
		];
	}
	const alsoTill = route && credentialsFor(route.action).has("till") ? ", Till" : "";
	return [["WWW-Authenticate", challenges[audience] + alsoTill]];
}
