import type { ServiceBroker } from "moleculer";
import type { Result } from "../services/actions.ts";

type Circuit = Result<"process.look">["circuits"][number];
type Told = { readonly nodeID: string; readonly action: string };

/** The circuits of this process that are not closed; Moleculer only says when one changes. */
export function circuitsOf(broker: ServiceBroker): () => Circuit[] {
	const notClosed = new Map<string, Circuit>();
	const becomes =
		(state: Circuit["state"]) =>
		({ nodeID: nodeId, action }: Told) => {
			notClosed.set(`${nodeId} ${action}`, { action, nodeId, state, sinceMs: Date.now() });
		};
	broker.localBus.on("$circuit-breaker.opened", becomes("open"));
	broker.localBus.on("$circuit-breaker.half-opened", becomes("half_open"));
	broker.localBus.on("$circuit-breaker.closed", ({ nodeID, action }: Told) => notClosed.delete(`${nodeID} ${action}`));
	// Of a process that went for good nobody will say more.
	broker.localBus.on("$node.disconnected", ({ node: { id } }: { node: { id: string } }) => {
		for (const [key, { nodeId }] of notClosed) if (nodeId === id) notClosed.delete(key);
	});
	return () => [...notClosed.values()];
}
