import { failAt } from "../errors.ts";
import { type Place, POSITIONS } from "./read-model.ts";

/** A page's end as text that says nothing to the client: its place in the log. */
export const toCursor = ({ sequence, position }: Place): string =>
	Buffer.from(`${sequence}.${position}`).toString("base64url");

/** The place behind everything in a group and before it. */
export const endOf = (sequence: number): Place => ({ sequence, position: POSITIONS - 1 });

/** @param at the parameter that it was in @throws validation_failed */
export function placeOf(cursor: string, at: "cursor" | "after"): Place {
	const match = /^(\d{1,15})\.(\d{1,9})$/.exec(Buffer.from(cursor, "base64url").toString());
	if (!match) throw failAt(at, "is not a cursor of ours");
	return { sequence: Number(match[1]), position: Math.min(Number(match[2]), POSITIONS - 1) };
}

/** Nothing is in it: whoever asks for that has mistaken one for the other. @throws validation_failed */
export function checkRange({ fromMs = 0, toMs = fromMs }: { fromMs?: number; toMs?: number }): void {
	if (toMs < fromMs) throw failAt("toMs", "is before fromMs");
}
