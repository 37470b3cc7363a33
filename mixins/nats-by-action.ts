import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, Errors, type ServiceBroker, Transporters } from "moleculer";
import { fail } from "../services/errors.ts";

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
/** A packet, and what becomes of it. */
type Said = {
	readonly type: string;
	readonly subject: string;
	readonly data: Buffer;
	/** The request's. */
	readonly id: string;
	/** The process and the request. */
	readonly to: string;
	/** Whether somebody has to know that nobody heard it. */
	readonly isAwaited: boolean;
};
type Pending = { readonly action: { readonly name: string }; reject(error: Error): void };
const Base = Transporters.NATS as unknown as new (options: object) => Nats;

/** That this process goes is said to the others within this time, or they find it out by themselves. */
const FLUSH_MS = 1_000;

/** Told on the broker's `localBus`, with `isAway`: what was asked before that, or its answer, may be lost. */
export const CONNECTION = "$transporter.connection";

/** What these ask for, or tell, is in their subject too. */
const named = ["REQ", "EVENT"];
const nameOf = ({ payload }: Packet): string => String(payload.action ?? payload.event);

/** What waits for an answer of one process: that it is gone is then known at once. */
const awaited = ["REQ", "PING"];
/** What somebody waits for; all else is said again before long. */
const kept = ["REQ", "RES"];
/** Where the server was away, others need so long at the most to have their connections again: see `natsOptions`. */
const OTHERS_COME_BACK_MS = 1_000;
const SAY_AGAIN_MS = 100;
/** Who moves from one server to another is there again within this time, and has lost nothing. */
const MOVES_MS = 250;
/** What the server answers in the place of whoever does not listen (NATS ADR-22, "no responders"). */
const NO_RESPONDERS = 503;
/** What the client says of a message beyond the server's `max_payload`. */
const TOO_LARGE = "MAX_PAYLOAD_EXCEEDED";

/**
 * Moleculer's NATS transporter, except for three things.
 *
 * A process that died, or has lost its connection, listens to nothing, and the server knows: it says so to whoever asks it something. So
 * nobody waits for heartbeats to be missed, what was asked surely was not done, and all that the process was to answer is given up. One that
 * has its connection again tells everybody that it is there.
 *
 * Requests and answers that nobody can hear, since the server is away or those who are meant have not come back to it yet, are said when they
 * can: the client would throw them away with each try to connect.
 *
 * The subject of a request ends with the action's name and that of an event with the event's:
 * `MOL-hannip.REQ.credit.<process>.credit.transfer`. So it is the NATS server that decides which service may ask what of whom, and who
 * may hear it (`k8s/base/nats/users.conf`). A request whose subject names another action than the request itself is not taken.
 */
class NatsByAction extends Base {
	#backAtMs = Number.NEGATIVE_INFINITY;
	#isAway = false;
	readonly #unsaid: Said[] = [];
	/** Since the connection is back, until the others must be too; by whom it is for and its id. */
	readonly #saidLately = new Map<string, Said>();
	#forgetting: NodeJS.Timeout | undefined;

	publish(packet: Packet): Promise<void> {
		const { type, target, payload } = packet;
		const subject = this.getTopicName(type, target);
		return this.#say({
			type,
			subject: named.includes(type) ? `${subject}.${nameOf(packet)}` : subject,
			data: this.serialize(packet),
			id: String(payload.id),
			to: `${target}.${payload.id}`,
			isAwaited: target !== null && awaited.includes(type),
		});
	}

	async #say(said: Said): Promise<void> {
		const isKept = kept.includes(said.type);
		if (isKept && this.#isAway) return void this.#unsaid.push(said);
		const mayBeUnheard = isKept && this.#areOthersComing;
		if (mayBeUnheard) this.#saidLately.set(said.to, said);
		const isAwaited = said.isAwaited || mayBeUnheard;
		try {
			await this.send(said.subject, said.data, isAwaited ? { reply: `${this.#unheard}${said.to}` } : undefined);
		} catch (error) {
			// Moleculer would let the caller wait.
			if (said.type !== "REQ" || (error as { code?: string }).code !== TOO_LARGE) throw error;
			this.#reject(said.id, () => fail("payload_too_large"));
		}
	}

	/** What is asked, and has been given up since, is not to be done. Whether an answer is, only those know who get it. */
	async #sayIfWaitedFor(said: Said): Promise<void> {
		const { transit } = this.broker as unknown as Internals;
		if (said.type === "REQ" && !transit.pendingRequests.has(said.id)) return;
		await this.#say(said).catch((error: Error) => this.logger.warn(`It cannot be said any more: ${error.message}`));
	}

	#reject(requestID: string, because: (action: string) => Error): void {
		const { transit } = this.broker as unknown as Internals;
		const pending = transit.pendingRequests.get(requestID);
		if (!pending) return;
		transit.removePendingRequest(requestID);
		pending.reject(because(pending.action.name));
	}

	get #areOthersComing(): boolean {
		return performance.now() - this.#backAtMs < OTHERS_COME_BACK_MS;
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
		this.#followConnection().catch((error: Error) =>
			this.logger.warn(`The connection to NATS is not followed any more: ${error.message}`),
		);
		return super.makeSubscriptions(topics);
	}

	async #giveUp(nodeID: string, requestID: string): Promise<void> {
		if (this.#areOthersComing) {
			const said = this.#saidLately.get(`${nodeID}.${requestID}`);
			if (said) setTimeout(() => void this.#sayIfWaitedFor(said), SAY_AGAIN_MS).unref();
			return;
		}
		const { registry } = this.broker as unknown as Internals;
		this.#reject(requestID, (action) => new Errors.ServiceNotAvailableError({ action, nodeID }));
		const said = registry.nodes.get(nodeID)?.rawInfo;
		await sleep(MOVES_MS, undefined, { ref: false });
		// What else was asked of it by now is told to be unheard before this is answered: the rest it may have heard.
		await this.client?.flush();
		const isBack = registry.nodes.get(nodeID)?.rawInfo !== said;
		if (!isBack) registry.nodes.disconnected(nodeID, true);
	}

	async #followConnection(): Promise<void> {
		const { registry } = this.broker as unknown as Internals;
		for await (const { type } of this.client?.status() ?? []) {
			if (type !== "disconnect" && type !== "reconnect") continue;
			this.#isAway = type === "disconnect";
			this.broker.localBus.emit(CONNECTION, { isAway: this.#isAway });
			if (this.#isAway) continue;
			this.#backAtMs = performance.now();
			clearTimeout(this.#forgetting);
			this.#forgetting = setTimeout(() => this.#saidLately.clear(), OTHERS_COME_BACK_MS + SAY_AGAIN_MS).unref();
			for (const said of this.#unsaid.splice(0)) await this.#sayIfWaitedFor(said);
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
