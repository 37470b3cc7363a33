import secureJson from "secure-json-parse";

/** Deeper than any request of ours: what lies deeper is checked and passed on by code that recurs, here and in other processes. */
const DEPTH_MAX = 16;

/**
 * A JSON object, or nothing when the text is none, nested deeper than any request is, or one that two readers could understand
 * differently: keys that would reach an object's prototype are refused, not dropped (nobody sends them by accident), and so are keys that
 * are said twice.
 */
export function parseObject(text: string): object | undefined {
	let value: unknown;
	try {
		value = secureJson.parse(text, { protoAction: "error", constructorAction: "error" });
	} catch {
		return undefined;
	}
	const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
	return isObject && membersIn(value) === membersSaid(text) ? (value as object) : undefined;
}

/**
 * RFC 8259 leaves open which of two equal keys counts; readers differ, and so could what a proxy checked and what we book. In valid
 * JSON a string with a colon behind it is a key, so the keys can be counted without a parser of our own.
 */
function membersSaid(text: string): number {
	let members = 0;
	// Every text is taken whole, or the end of one would be read as the beginning of another.
	for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon) members++;
	return members;
}

/** More than any text says when it is nested too deeply. */
function membersIn(value: unknown): number {
	let members = 0;
	// Level by level and not by recursion: 16 kB are enough for more levels than the stack has.
	let level = [value];
	for (let depth = 0; level.length > 0; depth++) {
		if (depth > DEPTH_MAX) return Number.POSITIVE_INFINITY;
		const containers = level.filter((each) => each !== null && typeof each === "object") as object[];
		for (const each of containers) if (!Array.isArray(each)) members += Object.keys(each).length;
		level = containers.flatMap((each) => Object.values(each));
	}
	return members;
}
