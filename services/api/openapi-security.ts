import { credentialsFor } from "../rights.ts";
import { AGE_MAX_S, AHEAD_MAX_S } from "./dpop.ts";
import { NONCE_TTL_MS } from "./nonce.ts";
import { REFRESH_COOKIE, TTL_DAYS } from "./refresh-cookie.ts";
import { NONCE, SKEW_MAX_S } from "./request-signature.ts";
import type { Route } from "./routes.ts";
import { TILL_TAG } from "./signature-base.ts";
import { tillExampleText } from "./till-example.ts";

const person = {
	type: "http",
	scheme: "dpop",
	description:
		"An access token, as `Authorization: DPoP …`, and in the header DPoP a proof of the key that the token is bound to: see `deviceKey`. " +
		"The proof has `ath`, and where credit moves a nonce. A 401 never says what was wrong, but for a token that has ended: " +
		'`error="invalid_token"` in WWW-Authenticate. Then refresh it.',
};

const deviceKey = {
	type: "apiKey",
	in: "header",
	name: "DPoP",
	description: `A proof of the device's key (RFC 9449), without a token at log-in and refresh, and beside the token everywhere else. The key that
log-in was proved with is the one that its token and its refresh cookie are bound to.

- A JWT, made anew for each request, also when one is repeated, of at most 2,000 characters. Header: \`typ: "dpop+jwt"\`, \`alg: "ES256"\`, \`jwk\` (EC,
  P-256, without \`d\`), no \`crit\`.
- \`htm\`: the method. \`htu\`: this document's \`servers[0].url\` and the path just as it is sent, without the query; it is compared letter by letter.
- \`iat\`: whole seconds, at most ${AGE_MAX_S} behind the server's clock (its \`Date\`) and at most ${AHEAD_MAX_S} ahead of it. \`jti\`: 1 to 128 characters, never the same again.
- \`ath\`: base64url of the SHA-256 of the access token, where one is sent; at log-in and refresh none.
- \`nonce\`: from \`DPoP-Nonce\`, which every answer to a good proof has; good for ${NONCE_TTL_MS / 1_000} s, as often as you like. Needed where there is an Idempotency-Key, and looked at
  wherever there is one. Without a good one: 401 \`dpop_nonce_required\`, and one is in that answer.`,
};

const refreshCookieScheme = {
	type: "apiKey",
	in: "cookie",
	name: REFRESH_COOKIE,
	description: `The refresh token. \`POST /v1/sessions\`, \`POST /v1/sessions/refresh\` and \`POST /v1/me/password\` set it (Secure, HttpOnly, SameSite=Strict,
${TTL_DAYS} days), each time a new one. The one before is good for some 10 s more, for whoever got no answer; used later it ends the session, as a thief may have it. It
needs a proof of the same key, and takes no request of a page on another site. There is no \`Authorization\` beside it.`,
};

const till = {
	type: "http",
	scheme: "till",
	description:
		"A till's token (`POST /v1/tills/sessions` gives it), as `Authorization: Till …`, and a signature by the till's key that covers it " +
		"as well: see `tillKey`.",
};

const tillKey = {
	type: "apiKey",
	in: "header",
	name: "Signature",
	description: `A signature of the request by the till's key (RFC 9421), with no token where a till joins and where it signs in, and beside
its token everywhere else. The key is ES256: ECDSA on P-256 with SHA-256.

- \`Signature-Input: LABEL=(COMPONENTS)PARAMETERS\` and \`Signature: LABEL=:BASE64:\`, each once, with one signature: the 64 bytes r‖s, not DER.
- Components: \`"@method"\`, \`"@target-uri"\`, and each of \`"authorization"\`, \`"idempotency-key"\` and \`"content-digest"\` that the request has. Exactly
  these, in any order, without parameters of their own.
- \`@target-uri\` begins with this document's \`servers[0].url\`, whatever host is asked, and has the query. Dots for steps up and the like are refused.
- \`Content-Digest: sha-256=:BASE64:\` (RFC 9530) of the bytes of the body, where there is one; none where there is none. No Content-Encoding.
- Parameters: \`created\`, seconds since 1970, at most ${SKEW_MAX_S} away from the server's clock (its \`Date\`); \`nonce\`, new for each request, also when one is
  repeated: \`${NONCE.source}\`; \`keyid\`; \`tag="${TILL_TAG}"\`. \`alg="ecdsa-p256-sha256"\` and \`expires\` may be there, no others.
- \`keyid\` is the thumbprint (RFC 7638, base64url) of the key in the body at \`POST /v1/tills\`, and the \`tillId\` of its answer ever after.
- Both headers as RFC 9651 4.1 writes them: one space between components, none elsewhere, each at most 1,000 characters.

A till makes its key, joins by a pairing code of the store's owner, signs in, and signs in again when its token ends or is refused. That is refused
as well when its owner has ended it. A 401 says no more of what was wrong than \`error="invalid_token"\`, when the token has ended.

${tillExampleText}`,
};

export const securitySchemes = {
	person,
	deviceKey,
	refreshCookie: refreshCookieScheme,
	till,
	tillKey,
	operator: { type: "http", scheme: "bearer", description: "The operator's token" },
} as const;

const bound = { device: "deviceKey", till: "tillKey", newTill: "tillKey" } as const;

/** What a request shows there: one of these is enough. */
export function securityOf({ action, binds, refreshCookie }: Route): Record<string, []>[] {
	if (binds) return [{ [bound[binds]]: [], ...(refreshCookie === "rotate" && { refreshCookie: [] }) }];
	const credentials = [...credentialsFor(action)].filter((credential) => credential !== "none");
	return credentials.map((credential) => ({ [credential]: [] }));
}
