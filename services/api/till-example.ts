/** A request as a till signs it, to hold one's own code against: `till-example.test.ts` verifies it as the platform would. */
export const tillExample = {
	origin: "https://pay.example",
	method: "POST",
	path: "/v1/tills",
	body: '{"pairingCode":"K7MW-3TQX","publicJwk":{"kty":"EC","crv":"P-256","x":"CcQZnGFwJ7DyT-Cn18HoPD_esK6bZgjmq13clphc96k","y":"h8Ta3qfKB__0tR_X0SsJ77F9DR5qAfb8Z6wtE0aUFpo"}}',
	digest: "sha-256=:Z5qEtFDfMR08KEwOp/FUBdDf2EqrtQ6UBgxUGCvmAu0=:",
	createdS: 1_800_000_000,
	input:
		'("@method" "@target-uri" "content-digest");created=1800000000;nonce="9Yb1mXw0S5uQk2dT";' +
		'keyid="BjIgIyh1kmfhm7CQoyN3L6nPwHEDbhvt7NKv4Ed5ecY";tag="hannip-till"',
	signature: "1lcVVuO+x9lKEl+gyFjuhxmPOdCN23KfVZ0rKWYgRxnEiiAJG8WK436ZLRUotVYSkLO9AMs27rbX1TZmWHvudA==",
} as const;

/** What the example's key has signed, as text to compare with. */
const base = `"@method": ${tillExample.method}
"@target-uri": ${tillExample.origin}${tillExample.path}
"content-digest": ${tillExample.digest}
"@signature-params": ${tillExample.input}`;

/** For the description: Markdown. */
export const tillExampleText = `An example, of a till that joins (the thumbprint of \`publicJwk\` is the \`keyid\`):

\`\`\`http
${tillExample.method} ${tillExample.path} HTTP/1.1
Host: pay.example
Content-Type: application/json
Content-Digest: ${tillExample.digest}
Signature-Input: till=${tillExample.input}
Signature: till=:${tillExample.signature}:

${tillExample.body}
\`\`\`

What was signed: these lines, with a line feed (no carriage return) between them and none at the end:

\`\`\`
${base}
\`\`\`
`;
