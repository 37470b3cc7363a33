import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, Errors, type ServiceBroker, Transporters } from "moleculer";

type Packet = {
	readonly type: string;
	readonly target: string | null;
	readonly payload: { readonly action?: string; readonly event?: string; readonly id?: string };
};
type Message = { readonly subject: string; readonly data: Uint8Array; readonly headers?: { readonly code: number } };
type Received = (error: Error | null, message: Message) => void;

/** What Moleculer's transporter and broker have, and their types do not say. */
type Nats = {
	readonly prefix: string;
	readonly nodeID: string;
	readonly broker: ServiceBroker;
	client: {
		publish(subject: string, data: Buffer, options?: { reply: string }): void;
		subscribe(subject: string, options: { callback: Received }): unknown;
		status(): AsyncIterable<{ readonly type: string }>;
		flush(): Promise<void>;
		close(): Promise<void>;
	} | null;
	readonly logger: { warn(message: string): void };
	makeSubscriptions(topics: object): Promise<unknown>;
	getTopicName(type: string, nodeID?: string | null): string;
	serialize(packet: Packet): Buffer;
	deserialize(type: string, data: Buffer): Packet;
	messageHandler(type: string, packet: Packet): unknown;
};
type Internals = {
	readonly transit: { readonly pendingRequests: ReadonlyMap<string, Pending>; removePendingRequest(id: string): void };
	readonly registry: {
		readonly nodes: {
			/** With what it said last about itself. */
			get(nodeID: string): { readonly rawInfo: object } | undefined;
			disconnected(nodeID: string, isUnexpected: boolean): void;
		};
		readonly discoverer: { sendLocalNodeInfo(): Promise<void> };
	};
};
type Pending = { readonly action: { readonly name: string }; reject(error: Error): void };
const Base = Transporters.NATS as unknown as new (options: object) => Nats;

/** That this process goes is said to the others within this time, or they find it out by themselves. */
const FLUSH_MS = 1_000;

/** What these ask for, or tell, is in their subject too. */
const named = ["REQ", "EVENT"];
const nameOf = ({ payload }: Packet): string => String(payload.action ?? payload.event);

/** What waits for an answer of one process: that it is gone is then known at once. */
const awaited = ["REQ", "PING"];
/** Where the server was away, others need so long at the most to have their connections again: see `natsOptions`. */
const OTHERS_COME_BACK_MS = 1_000;
/** What the server answers in the place of whoever does not listen (NATS ADR-22, "no responders"). */
const NO_RESPONDERS = 503;

/**
 * Moleculer's NATS transporter, except for two things.
 *
 * A process that died, or has lost its connection, listens to nothing, and the server knows: it says so to whoever asks it something. So
 * nobody waits for heartbeats to be missed, what was asked surely was not done, and all that the process was to answer is given up. One that
 * has its connection again tells everybody that it is there.
 *
 * The subject of a request ends with the action's name and that of an event with the event's:
 * `MOL-hannip.REQ.credit.<process>.credit.transfer`. So it is the NATS server that decides which service may ask what of whom, and who
 * may hear it (`k8s/base/nats/users.conf`). A request whose subject names another action than the request itself is not taken.
 */
class NatsByAction extends Base {
	#backAtMs = Number.NEGATIVE_INFINITY;

	publish(packet: Packet): Promise<void> {
		const { type, target, payload } = packet;
		const subject = this.getTopicName(type, target);
		const isAwaited = target !== null && awaited.includes(type);
		return this.send(
			named.includes(type) ? `${subject}.${nameOf(packet)}` : subject,
			this.serialize(packet),
			isAwaited ? { reply: `${this.#unheard}${target}.${payload.id}` } : undefined,
		);
	}

	async send(subject: string, data: Buffer, options?: { reply: string }): Promise<void> {
		this.client?.publish(subject, data, options);
	}

	/** Where this process is told who did not hear it; the process and the request come behind that. */
	get #unheard(): string {
		return `${this.getTopicName("UNHEARD", this.nodeID)}.`;
	}

	override makeSubscriptions(topics: object): Promise<unknown> {
		this.client?.subscribe(`${this.#unheard}>`, {
			callback: (error, message) => {
				if (error || message.headers?.code !== NO_RESPONDERS) return;
				const whoAndWhat = message.subject.slice(this.#unheard.length);
				const dot = whoAndWhat.lastIndexOf(".");
				// Without a connection nobody is asked anything anyway, and whoever has one again hears who is there.
				this.#giveUp(whoAndWhat.slice(0, dot), whoAndWhat.slice(dot + 1)).catch(() => {});
			},
		});
		this.#tellWhenBack().catch((error: Error) =>
			this.logger.warn(`Nobody is told any more that it is back: ${error.message}`),
		);
		return super.makeSubscriptions(topics);
	}

	async #giveUp(nodeID: string, requestID: string): Promise<void> {
		if (performance.now() - this.#backAtMs < OTHERS_COME_BACK_MS) return;
		const { transit, registry } = this.broker as unknown as Internals;
		const pending = transit.pendingRequests.get(requestID);
		if (pending) {
			transit.removePendingRequest(requestID);
			pending.reject(new Errors.ServiceNotAvailableError({ action: pending.action.name, nodeID }));
		}
		const said = registry.nodes.get(nodeID)?.rawInfo;
		// What else was asked of it by now is told to be unheard before this is answered: the rest it may have heard.
		await this.client?.flush();
		const isBack = registry.nodes.get(nodeID)?.rawInfo !== said;
		if (!isBack) registry.nodes.disconnected(nodeID, true);
	}

	async #tellWhenBack(): Promise<void> {
		const { registry } = this.broker as unknown as Internals;
		for await (const { type } of this.client?.status() ?? []) {
			if (type !== "reconnect") continue;
			this.#backAtMs = performance.now();
			await registry.discoverer.sendLocalNodeInfo();
		}
	}

	async subscribe(type: string, nodeID?: string): Promise<void> {
		const subject = this.getTopicName(type, nodeID);
		const isNamed = named.includes(type) && nodeID !== undefined;
		this.client?.subscribe(isNamed ? `${subject}.>` : subject, {
			callback: (error, message) => {
				if (error) return this.logger.warn(`NATS does not let this process hear ${subject}: ${error.message}`);
				this.#receive(type, message, isNamed ? `${subject}.` : null);
			},
		});
	}

	/** Moleculer's own waits until all that was said has arrived: without a server for ever, and then the process does not end. */
	async disconnect(): Promise<void> {
		const { client } = this;
		const arrived = client?.flush().catch(() => {});
		await Promise.race([arrived, sleep(FLUSH_MS, undefined, { ref: false })]);
		await client?.close();
		this.client = null;
	}

	#receive(type: string, { subject, data }: Message, before: string | null): void {
		try {
			const packet = this.deserialize(type, Buffer.from(data));
			if (before !== null && subject !== before + nameOf(packet)) throw new Error("it is not what its subject says");
			this.messageHandler(type, packet);
		} catch (error) {
			this.logger.warn(`A message of type ${type} is not taken: ${(error as Error).message}`);
		}
	}
}

export const natsByAction = (options: object): NonNullable<BrokerOptions["transporter"]> =>
	new NatsByAction(options) as unknown as NonNullable<BrokerOptions["transporter"]>;

/**
 * Unique among the processes of one host, and among pods, whose hostname is their name. It begins with the service that it runs: by that
 * word NATS tells who may hear what is said to it.
 */
export const nodeIDOf = (services: readonly string[]): string =>
	`${services.length === 1 ? services[0] : "several"}.${hostname().replaceAll(/[^\w-]/g, "-")}-${process.pid}`;
