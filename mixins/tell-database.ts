import type { ServiceBroker } from "moleculer";
import type { Backing } from "./backing.ts";

const EVERY_MS = 500;

/** What Moleculer's registry has, and its types do not say. */
type Internals = {
	readonly started: boolean;
	readonly registry: {
		/** Whether what this process says of itself is to be put together anew. */
		localNodeInfoInvalidated: boolean | "seq";
		readonly discoverer: { sendLocalNodeInfo(): Promise<void> };
	};
};
/** What a process says of itself beside its services. */
export type NodeMetadata = { lacksDatabase?: boolean };

/**
 * Tells the other processes when this one does not reach the database, and when it does again: meanwhile they ask others, see `WhoAnswers`.
 *
 * @returns what ends it
 */
export function tellDatabase(
	broker: ServiceBroker,
	{ names, missing }: Pick<Backing, "names" | "missing">,
): () => void {
	if (!names.includes("nats") || !names.includes("mongodb")) return () => {};
	const { registry } = broker as unknown as Internals;
	const metadata = broker.metadata as NodeMetadata;
	const ask = async () => {
		const lacksDatabase = (await missing()).includes("mongodb");
		const isKnown = lacksDatabase === (metadata.lacksDatabase ?? false);
		if (isKnown || !(broker as unknown as Internals).started) return;
		metadata.lacksDatabase = lacksDatabase;
		registry.localNodeInfoInvalidated ||= true;
		// Moleculer tells only the others.
		broker.localBus.emit("$node.updated", { node: { id: broker.nodeID, metadata } });
		await registry.discoverer.sendLocalNodeInfo();
	};
	const timer = setInterval(() => void ask().catch(() => {}), EVERY_MS).unref();
	return () => clearInterval(timer);
}
