import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type { NatsConnection } from "nats";
import type { Settings } from "../moleculer.config.ts";
import { Mongo, Patience } from "./mongo.ts";

/** Longer than an answer takes, shorter than a supervisor waits for one. */
const ANSWER_TIMEOUT_MS = 900;

/** What a process cannot work without, and asks by itself: what it knows about its connections lies while nothing comes over them. */
export type Backing = {
	/** What they are called. */
	readonly names: readonly string[];
	/** The names of those that do not answer. */
	missing(): Promise<string[]>;
	/** Null where there is no replica set. */
	readonly mongo: Mongo | null;
	close(): Promise<void>;
};

export function backingOf(broker: ServiceBroker, { transporter, mongodbUri }: Settings): Backing {
	const mongo = mongodbUri === null ? null : Mongo.open(mongodbUri);
	const asks: Record<string, () => Promise<unknown>> = {
		...(transporter && { nats: async () => natsOf(broker).flush() }),
		...(mongo && {
			// Of the primary: without one nothing can be written.
			mongodb: async () => {
				const patience = new Patience(ANSWER_TIMEOUT_MS);
				const database = await mongo.database(patience);
				return database.command({ ping: 1 }, { readPreference: "primary", timeoutMS: patience.leftMs });
			},
		}),
	};
	const ask = async () => {
		const answers = Object.entries(asks).map(async ([name, answer]) => ((await isAnswered(answer)) ? [] : [name]));
		return (await Promise.all(answers)).flat();
	};
	let asking: Promise<string[]> | null = null;
	return {
		names: Object.keys(asks),
		mongo,
		// Whoever asks meanwhile waits for the same answer.
		missing: () => {
			asking ??= ask().finally(() => {
				asking = null;
			});
			return asking;
		},
		close: async () => mongo?.close(),
	};
}

/** Moleculer says "connected" also while NATS is away. @throws before it was ever there */
function natsOf(broker: ServiceBroker): NatsConnection {
	const client = (broker.transit?.tx as unknown as { client: NatsConnection | null } | undefined)?.client;
	if (!client) throw new Error("NATS was never there");
	return client;
}

/** Its timer keeps no process alive. */
const isAnswered = (ask: () => Promise<unknown>): Promise<boolean> =>
	Promise.race([
		ask().then(
			() => true,
			() => false,
		),
		sleep(ANSWER_TIMEOUT_MS, false, { ref: false }),
	]);
