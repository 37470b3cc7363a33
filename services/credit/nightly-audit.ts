import type { ServiceBroker } from "moleculer";

const HOUR_MS = 3_600_000;

/** Which night it is. The next one begins when it is so late (UTC). */
export const nightOf = (nowMs: number, hour: number): number => Math.floor((nowMs - hour * HOUR_MS) / (24 * HOUR_MS));

/** Of the processes that could audit the ledger, one does: the first by its name. Where two think so, both do, and it is only done twice. */
export function isFirstOfLedger({ nodeID, registry }: ServiceBroker): boolean {
	const { endpoints = [] } = (registry.getActionEndpoints("credit.audit") ?? {}) as {
		endpoints?: { id: string; isAvailable: boolean }[];
	};
	return endpoints.every(({ id, isAvailable }) => !isAvailable || id >= nodeID);
}
