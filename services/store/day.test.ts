import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dayRange, wholeHours } from "./day.ts";

const said = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => [
	new Date(fromMs).toISOString(),
	new Date(toMs).toISOString(),
];

describe("a day where clocks differ from UTC by no whole hours", () => {
	const days = [
		["Asia/Kolkata", "2026-11-02", "2026-11-01T18:30:00.000Z", "2026-11-02T18:30:00.000Z"],
		["Asia/Kathmandu", "2026-11-02", "2026-11-01T18:15:00.000Z", "2026-11-02T18:15:00.000Z"],
		// Adelaide's clocks went forward on 4 October, those of St John's back on 1 November.
		["Australia/Adelaide", "2026-10-04", "2026-10-03T14:30:00.000Z", "2026-10-04T13:30:00.000Z"],
		["America/St_Johns", "2026-11-01", "2026-11-01T02:30:00.000Z", "2026-11-02T03:30:00.000Z"],
	] as const;

	it("is from midnight to midnight", () => {
		for (const [timeZone, date, from, to] of days)
			assert.deepEqual(said(dayRange(date, timeZone)), [from, to], timeZone);
	});

	it("is to reports, which are of full hours, from the hour before to the hour before", () => {
		const [from, to] = said(wholeHours(dayRange("2026-11-02", "Asia/Kathmandu")));
		assert.deepEqual([from, to], ["2026-11-01T18:00:00.000Z", "2026-11-02T18:00:00.000Z"]);
	});
});
