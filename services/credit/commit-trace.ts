import type { Context } from "moleculer";
import type { Meta } from "../actions.ts";
import type { Witness, Written } from "./group-commit.ts";

/** As many of the others in a group as a trace names. */
const OTHERS_MAX = 20;

/**
 * Puts the append into the trace of each command that it served. It is one append for all of them, so each trace names the group and the
 * traces of the others in it: Zipkin has no links.
 */
export function witnessOf(ctx: Context<unknown, Meta>): Witness | undefined {
	const { span, requestID } = ctx;
	if (!span || !requestID) return undefined;
	const { tracer, service } = span;
	const saw = ({ sequence, entryCount, beganAtMs, tookMs, traceIds }: Written) => {
		const others = traceIds.filter((id) => id !== requestID).slice(0, OTHERS_MAX);
		const ledger = {
			"ledger.group": String(sequence),
			"ledger.group_entries": String(entryCount),
			...(others.length > 0 && { "ledger.served_traces": others.join(" ") }),
		};
		const options = { traceID: span.traceID, parentID: span.id, sampled: span.sampled, service, tags: { ledger } };
		const append = tracer.startSpan("ledger.append", options);
		append.startTime = beganAtMs;
		append.finish(beganAtMs + tookMs);
	};
	return { traceId: requestID, saw };
}
