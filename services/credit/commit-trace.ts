import type { Context } from "moleculer";
import { isTraceId } from "../../mixins/trace-id.ts";
import { tracesOf } from "../../mixins/traces.ts";
import type { Meta } from "../actions.ts";
import type { Witness, Written } from "./group-commit.ts";

/** As many of the others in a group as a trace names. */
const OTHERS_MAX = 20;

/**
 * Puts the append into the trace of each command that it served. It is one append for all of them, so each trace names the group and the
 * traces of the others in it: Zipkin has no links.
 */
export function witnessOf({ broker, id, requestID, service }: Context<unknown, Meta>): Witness | undefined {
	const traces = tracesOf(broker);
	if (!traces || !isTraceId(requestID)) return undefined;
	const saw = ({ sequence, entryCount, beganAtMs, tookMs, traceIds }: Written) => {
		const others = traceIds.filter((traceId) => traceId !== requestID).slice(0, OTHERS_MAX);
		traces.saw({
			id: broker.generateUid(),
			traceId: requestID,
			parentId: id,
			name: "ledger.append",
			service: service?.name ?? "credit",
			node: broker.nodeID,
			isServer: false,
			startedAtMs: beganAtMs,
			tookMs,
			tags: {
				"ledger.group": String(sequence),
				"ledger.group_entries": String(entryCount),
				...(others.length > 0 && { "ledger.served_traces": others.join(" ") }),
			},
		});
	};
	return { traceId: requestID, saw };
}
