import secureJson from "secure-json-parse";

/**
 * A JSON object, or nothing when the text is none, or one that two readers could understand differently: keys that would reach an
 * object's prototype are refused, not dropped (nobody sends them by accident), and so are keys that are said twice.
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

function membersIn(value: unknown): number {
	let members = 0;
	// Not by recursion: 16 kB are enough for more levels than the stack has.
	for (const open = [value]; open.length > 0; ) {
		const next = open.pop();
		if (next === null || typeof next !== "object") continue;
		const inside = Object.values(next);
		if (!Array.isArray(next)) members += inside.length;
		open.push(...inside);
	}
	return members;
}
