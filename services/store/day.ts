import { failAt } from "../errors.ts";

/** @throws validation_failed */
export function checkTimeZone(timeZone: string): void {
	try {
		new Intl.DateTimeFormat("en", { timeZone });
	} catch {
		throw failAt("timeZone", "is not an IANA time zone");
	}
}

/**
 * A calendar day in a time zone as instants, `toMs` exclusive. Days may have 23 or 25 hours.
 *
 * @param date `YYYY-MM-DD`
 * @throws validation_failed
 */
export function dayRange(date: string, timeZone: string): { fromMs: number; toMs: number } {
	const [year, month, day] = date.split("-").map(Number) as [number, number, number];
	const utc = Date.UTC(year, month - 1, day);
	if (utc < DAY_MS || new Date(utc).toISOString().slice(0, 10) !== date) {
		throw failAt("date", "is not a day of the calendar since 1970");
	}
	return { fromMs: midnight(utc, timeZone), toMs: midnight(Date.UTC(year, month - 1, day + 1), timeZone) };
}

type Asked = { readonly date?: string; readonly fromMs?: number; readonly toMs?: number };

/**
 * A day, or a part of time: whoever says both would get one of them and believe that it is the other.
 *
 * @throws validation_failed
 */
export function rangeOf({ date, ...said }: Asked, timeZone: string): Omit<Asked, "date"> {
	if (date === undefined) return said;
	if (Object.keys(said).length === 0) return dayRange(date, timeZone);
	throw failAt("date", "cannot be said together with fromMs or toMs");
}

/** What totals can tell of a day: they are kept by the hour, so where offsets are no whole hours, it begins and ends with the hour before. */
export const wholeHours = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => ({
	fromMs: hourOf(fromMs),
	toMs: hourOf(toMs),
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The first instant at which clocks in the zone show the day whose UTC midnight this is; where midnight is skipped, it is later. */
function midnight(utcMs: number, timeZone: string): number {
	// Clocks change at most once around a midnight, so one of these two offsets is right.
	const candidates = [utcMs - offsetMs(utcMs - DAY_MS, timeZone), utcMs - offsetMs(utcMs + DAY_MS, timeZone)];
	return Math.min(...candidates.filter((atMs) => atMs + offsetMs(atMs, timeZone) >= utcMs));
}

const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS) * HOUR_MS;

function offsetMs(atMs: number, timeZone: string): number {
	const format = new Intl.DateTimeFormat("en-US", {
		timeZone,
		hourCycle: "h23",
		year: "numeric",
		month: "numeric",
		day: "numeric",
		hour: "numeric",
		minute: "numeric",
		second: "numeric",
	});
	const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
	const { year, month, day, hour, minute, second } = parts as Record<string, number>;
	return Date.UTC(year as number, (month as number) - 1, day, hour, minute, second) - Math.floor(atMs / 1_000) * 1_000;
}
