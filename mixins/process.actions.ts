import { Type } from "typebox";
import { Count, closed, empty, TimeMs } from "../services/schema.ts";

const Name = Type.String({ maxLength: 200 });

/** A circuit that is not closed: calls of this action are not sent to that process, or one tries it. */
const Circuit = closed({
	action: Name,
	nodeId: Name,
	state: Type.Enum(["open", "half_open"]),
	sinceMs: TimeMs,
});

/** The calls that a process got since it started, by who called and what. */
const Flow = closed({
	from: Name,
	action: Name,
	count: Count,
	failed: Count,
	/** All of them together. */
	tookMs: Type.Number({ minimum: 0 }),
	/** How many took up to 1, 2, 4, 8 … ms; the last one how many took longer. */
	buckets: Type.Array(Count, { maxItems: 20 }),
});

export const processActions = {
	/** What this process knows of itself. */
	look: {
		params: empty,
		returns: closed({
			nodeId: Name,
			version: Name,
			services: Type.Array(Name),
			startedAtMs: TimeMs,
			/** Resident. */
			memoryBytes: Count,
			/** Of one core, since it was last asked; 1 is all of it. */
			cpu: Type.Number({ minimum: 0 }),
			/** How late the event loop was in the 99th of 100 cases, since it was last asked. */
			loopLateMs: Type.Number({ minimum: 0 }),
			circuits: Type.Array(Circuit),
			flows: Type.Array(Flow),
		}),
	},
	/** Ends this process in good order: what it began is finished, and nothing new is sent to it. */
	drain: { params: empty, returns: empty },
} as const;
