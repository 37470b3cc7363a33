import { type InnerList, serializeInnerList, serializeString } from "structured-headers";

/** Marks a signature as one of a till's requests, and of nothing else (RFC 9421, 2.3). */
export const TILL_TAG = "hannip-till";

/** What a signature covers: a component's name, and its value where it needs one. */
export type Components = ReadonlyMap<string, string>;

/**
 * The text that is signed (RFC 9421, 2.5): a line for each component, and at the end which they are and when, by whom and for what it
 * was signed. The signing and the verifying side must make the same, so both make it here.
 *
 * @param input the covered components, in order, with the signature's parameters
 */
export function signatureBase(input: InnerList, values: Components): string {
	const lines = input[0].map(([name]) => `${serializeString(String(name))}: ${values.get(String(name))}`);
	return [...lines, `"@signature-params": ${serializeInnerList(input)}`].join("\n");
}
