/** Marks a signature as one of a till's requests, and of nothing else (RFC 9421, 2.3). */
export const TILL_TAG = "hannip-till";

/** What a signature covers: a component's name, and its value where it needs one. */
export type Components = ReadonlyMap<string, string>;

/**
 * The text that is signed (RFC 9421, 2.5): a line for each component, and at the end which they are and when, by whom and for what it
 * was signed. The signing and the verifying side must make the same, so both make it here.
 *
 * @param covered the components' names, in the order of the input
 * @param input they and the signature's parameters, as the header has them behind its label (RFC 9651, 4.1.1.1)
 */
export function signatureBase(covered: readonly string[], values: Components, input: string): string {
	const lines = covered.map((name) => `"${name}": ${values.get(name)}`);
	return [...lines, `"@signature-params": ${input}`].join("\n");
}
