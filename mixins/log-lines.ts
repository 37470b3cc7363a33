import { inspect } from "node:util";
import { Loggers, type LogLevels } from "moleculer";

type Options = {
	readonly level: string | Record<string, string>;
	readonly isTerminal: boolean;
	readonly write: (line: string, isUrgent: boolean) => void;
};
type From = Parameters<Loggers.Base<Level>["getLogHandler"]>[0];
type Level = { readonly level: never };
type Entry = {
	readonly level: string;
	readonly args: readonly unknown[];
	readonly from: { readonly nodeID?: string; readonly mod?: string };
	readonly nowMs: number;
};

/**
 * What moves a terminal's cursor, breaks a line, or turns the direction of what follows: control characters (of which C1's U+009B is as good
 * as an escape), line and paragraph separators, marks and overrides of direction, and what cannot be seen at all. A client may put them into
 * what it says; none of them reaches whoever reads the log.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const escaped = (text: string): string =>
	text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A line of text of any length would fill somebody's disk. */
const TEXT_MAX = 8_000;
const short = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)} …` : text);

/** One JSON object a line, for whatever gathers logs: `time`, `level`, `nodeID`, `from`, `message`, and the fields of what was said beside it. */
export function toJsonLine({ level, args, from, nowMs }: Entry): string {
	const { message, fields } = said(args);
	const line = {
		time: new Date(nowMs).toISOString(),
		level,
		nodeID: from.nodeID,
		from: from.mod,
		message: short(message),
		...fields,
	};
	// JSON escapes the first 32 of them by itself.
	return escaped(jsonOf(line));
}

/** Also of what cannot be written as JSON: a circle, or a large integer, is told as far as it can be. */
function jsonOf(value: object): string {
	try {
		return JSON.stringify(value);
	} catch {
		return JSON.stringify(Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inspected(each)])));
	}
}

const inspected = (value: unknown): string =>
	typeof value === "string" ? value : inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY });

const colours: Readonly<Record<string, number>> = { fatal: 41, error: 31, warn: 33, info: 32, debug: 35, trace: 90 };

/** For whoever reads along: the time, the level, who says what, and its fields. */
export function toTextLine({ level, args, from, nowMs }: Entry): string {
	const { message, fields } = said(args);
	const time = new Date(nowMs).toISOString().slice(11, 23);
	const colour = (code: number, text: string) => `\u001b[${code}m${text}\u001b[0m`;
	const { error, ...others } = fields as { error?: { stack?: string } };
	const pairs = Object.entries(others).map(
		([key, value]) => ` ${colour(90, `${escaped(key)}=`)}${escaped(textOf(value))}`,
	);
	const stack = error?.stack?.split("\n").map((line) => `\n    ${escaped(line)}`) ?? [];
	const head = `${colour(90, time)} ${colour(colours[level] ?? 0, level.toUpperCase().padEnd(5))} ${colour(36, from.mod ?? "")}`;
	return `${head} ${escaped(short(message))}${pairs.join("")}${stack.join("")}`;
}

const textOf = (value: unknown): string =>
	short(typeof value === "object" && value !== null ? jsonOf(value) : String(value));

/** Texts are the message; what an object says becomes fields, an error one of its own. */
function said(args: readonly unknown[]): { message: string; fields: Record<string, unknown> } {
	const texts: string[] = [];
	const fields: Record<string, unknown> = {};
	for (const arg of args) {
		if (arg instanceof Error) fields.error = errorOf(arg);
		else if (isPlain(arg)) Object.assign(fields, fieldsOf(arg));
		else texts.push(inspected(arg));
	}
	return { message: texts.join(" "), fields };
}

const fieldsOf = (object: Record<string, unknown>) =>
	Object.fromEntries(
		Object.entries(object).map(([key, value]) => [
			nameOf(key),
			value instanceof Error ? errorOf(value) : typeof value === "string" ? short(value) : value,
		]),
	);

/** What an error says of itself. Its fields may be anything, so only its code is told. */
const errorOf = ({ name, message, stack, ...rest }: Error) => ({
	name,
	message: short(message),
	...("type" in rest && typeof rest.type === "string" && { type: rest.type }),
	stack: short(stack ?? ""),
});

const isPlain = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A field may not take the place of what every line has. */
const RESERVED: ReadonlySet<string> = new Set(["time", "level", "nodeID", "from", "message"]);
const nameOf = (key: string): string => (RESERVED.has(key) ? `${key}_` : key);

const urgent: ReadonlySet<string> = new Set(["warn", "error", "fatal"]);

/** Warnings and errors are written at once: the last one before a crash is the one that is wanted. In a terminal somebody reads along. */
export class LogLines extends Loggers.Base<Level> {
	readonly #options: Options;

	constructor(options: Options) {
		super({ level: options.level as never });
		this.#options = options;
	}

	override getLogHandler(from?: From): ((level: LogLevels, args: unknown[]) => void) | null {
		const levelMax = from ? this.getLogLevel(from.mod) : null;
		if (!from || !levelMax) return null;
		const { isTerminal, write } = this.#options;
		const toLine = isTerminal ? toTextLine : toJsonLine;
		const levels = new Set<string>(Loggers.Base.LEVELS.slice(0, Loggers.Base.LEVELS.indexOf(levelMax) + 1));
		return (level, args) => {
			if (!levels.has(level)) return;
			write(toLine({ level, args, from, nowMs: Date.now() }), isTerminal || urgent.has(level));
		};
	}
}
