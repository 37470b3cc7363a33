import type { ServiceBroker } from "moleculer";

/**
 * The next call of this action waits, as if its message was late. For platforms in this process only.
 *
 * @returns when it waits, what lets it go on, and what sends the same once more
 */
export function holdBack(broker: ServiceBroker, action: string) {
	const real = broker.call.bind(broker) as (name: string, params: object, options?: object) => Promise<unknown>;
	const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	let params: object = {};
	const holding: typeof real = async (name, said, options) => {
		if (name !== action) return real(name, said, options);
		broker.call = real as typeof broker.call;
		params = said;
		held.resolve();
		await released.promise;
		return real(name, said, options);
	};
	broker.call = holding as typeof broker.call;
	return { isHeld: held.promise, letGo: () => released.resolve(), repeat: () => real(action, params) };
}
