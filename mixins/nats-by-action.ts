import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, Errors, type ServiceBroker, Transporters } from "moleculer";
import { fail } from "../services/errors.ts";
import { repeatable } from "../services/repeatable.ts";
import { HeardLately } from "./heard-lately.ts";

type Packet = {
	readonly type: string;
	readonly target: string | null;
	readonly payload: {
		readonly action?: string;
		readonly event?: string;
		readonly id?: string;
		readonly sender?: string;
		readonly seq?: number;
	};
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
		readonly discoverer: { sendLocalNodeInfo(): Promise<void>; discoverAllNodes(): Promise<unknown> };
	};
};
type Said = {
	readonly type: string;
	readonly subject: string;
	readonly data: Buffer;
	/** The request's. */
	readonly id: string;
	/** By whom it is for, and the request: there it is told that nobody heard it. */
	readonly reply: string | undefined;
};
/** What Moleculer keeps of a question until it is answered, and what is kept here with it. */
type Pending = {
	readonly action: { readonly name: string };
	readonly nodeID: string;
	reject(error: Error): void;
	said?: Said;
	/** First; undefined while there was no connection to say it over. */
	saidAtMs?: number;
	/** It was said over a connection that may be gone since. */
	mayBeHeard?: boolean;
};
type About = { readonly node: { readonly id: string } };
const Base = Transporters.NATS as unknown as new (options: object) => Nats;

/** That this process goes is said to the others within this time, or they find it out by themselves. */
const FLUSH_MS = 1_000;

/** Told on the broker's `localBus`, with `isAway`. */
export const CONNECTION = "$transporter.connection";

/** What these ask for, or tell, is in their subject too. */
const named = ["REQ", "EVENT"];
const nameOf = ({ payload }: Packet): string => String(payload.action ?? payload.event);

/** The parts of a stream have one id. */
const isWhole = ({ payload }: Packet): boolean => payload.seq === undefined;

/** What waits for an answer of one process: that it is gone is then known at once. */
const awaited = ["REQ", "PING"];
/** Where the server was away, others need so long at the most to have their connections again: see `natsOptions`. */
const OTHERS_COME_BACK_MS = 1_000;
export const SAY_AGAIN_MS = 100;
/** Who moves from one server to another is there again within this time, and has lost nothing. */
export const MOVES_MS = 500;
/** What may be done only once is said again only for so long: whoever has heard it knows that for a little longer, see `HeardLately`. */
const ONCE_MS = 4_500;
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
 * A connection that ends takes with it what is on its way, and nobody knows what that was. So when there is another one, here or at the
 * process that was asked, all that is not answered is said again, by the same id: by it the other side knows what it has heard before,
 * does once what may not be done twice, and says again what it has answered.
 *
 * The subject of a request ends with the action's name and that of an event with the event's:
 * `MOL-hannip.REQ.credit.<process>.credit.transfer`. So it is the NATS server that decides which service may ask what of whom, and who
 * may hear it (`k8s/base/nats/users.conf`). A request whose subject names another action than the request itself is not taken.
 */
class NatsByAction extends Base {
	#backAtMs = Number.NEGATIVE_INFINITY;
	#isAway = false;
	readonly #heard = new HeardLately<Said>();
	/** Answers that came while there was no connection. */
	readonly #unsaid: Said[] = [];

	async publish(packet: Packet): Promise<void> {
		const { type, target, payload } = packet;
		const subject = this.getTopicName(type, target);
		const [id, to] = [String(payload.id), `${target}.${payload.id}`];
		const said = {
			...{ type, id, data: this.serialize(packet) },
			subject: named.includes(type) ? `${subject}.${nameOf(packet)}` : subject,
			reply: target !== null && awaited.includes(type) ? `${this.#unheard}${to}` : undefined,
		};
		const pending = type === "REQ" && isWhole(packet) ? this.#transit.pendingRequests.get(id) : undefined;
		if (pending) pending.said = said;
		if (type === "RES") this.#heard.answered(to, said, performance.now());
		if (this.#isAway && type === "RES") this.#unsaid.push(said);
		// Who asks says it when there is a connection.
		if (this.#isAway && ["REQ", "RES"].includes(type)) return;
		if (pending) pending.saidAtMs = performance.now();
		await this.#say(said);
	}

	async #say({ type, subject, data, id, reply }: Said): Promise<void> {
		try {
			await this.send(subject, data, reply ? { reply } : undefined);
		} catch (error) {
			// Moleculer would let the caller wait.
			if (type !== "REQ" || (error as { code?: string }).code !== TOO_LARGE) throw error;
			this.#reject(id, () => fail("payload_too_large"));
		}
	}

	/** All that is not answered: it may not have been heard, or its answer not. @param nodeID only what this process was asked */
	#askAgain(nodeID?: string): void {
		for (const pending of this.#transit.pendingRequests.values()) {
			if (nodeID !== undefined && pending.nodeID !== nodeID) continue;
			pending.mayBeHeard ||= pending.saidAtMs !== undefined;
			this.#sayAgain(pending);
		}
	}

	#sayAgain(pending: Pending): void {
		if (!pending.said || this.#isAway) return;
		pending.saidAtMs ??= performance.now();
		const isForgotten = performance.now() - pending.saidAtMs > ONCE_MS;
		if (!isForgotten || repeatable.has(pending.action.name)) this.#sayLater(pending.said);
	}

	#sayLater(said: Said): void {
		this.#say(said).catch((error: Error) => this.logger.warn(`It cannot be said any more: ${error.message}`));
	}

	get #transit(): Internals["transit"] {
		return (this.broker as unknown as Internals).transit;
	}

	#reject(requestID: string, because: (action: string) => Error): void {
		const pending = this.#transit.pendingRequests.get(requestID);
		if (!pending) return;
		this.#transit.removePendingRequest(requestID);
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
		// Whoever says what it has to offer may have a new connection. It says so also when it stops, and then only hears again what it has heard.
		for (const told of ["$node.connected", "$node.updated"])
			this.broker.localBus.on(told, ({ node }: About) => this.#askAgain(node.id));
		return super.makeSubscriptions(topics);
	}

	async #giveUp(nodeID: string, requestID: string): Promise<void> {
		const pending = () => this.#transit.pendingRequests.get(requestID);
		if (this.#areOthersComing) {
			await sleep(SAY_AGAIN_MS, undefined, { ref: false });
			const waiting = pending();
			if (waiting) this.#sayAgain(waiting);
			return;
		}
		const { registry } = this.broker as unknown as Internals;
		if (!pending()?.mayBeHeard)
			this.#reject(requestID, (action) => new Errors.ServiceNotAvailableError({ action, nodeID }));
		const said = registry.nodes.get(nodeID)?.rawInfo;
		await sleep(MOVES_MS, undefined, { ref: false });
		// What else was asked of it by now is told to be unheard before this is answered: the rest it may have heard.
		await this.client?.flush();
		const isBack = registry.nodes.get(nodeID)?.rawInfo !== said;
		if (isBack || this.#areOthersComing) return;
		registry.nodes.disconnected(nodeID, true);
		// It may have been out of the list before this was asked.
		this.#reject(requestID, (action) => new Errors.RequestRejectedError({ action, nodeID }));
	}

	async #followConnection(): Promise<void> {
		const { registry } = this.broker as unknown as Internals;
		for await (const { type } of this.client?.status() ?? []) {
			if (type !== "disconnect" && type !== "reconnect") continue;
			this.#isAway = type === "disconnect";
			this.broker.localBus.emit(CONNECTION, { isAway: this.#isAway });
			if (this.#isAway) continue;
			this.#backAtMs = performance.now();
			for (const said of this.#unsaid.splice(0)) this.#sayLater(said);
			this.#askAgain();
			await registry.discoverer.sendLocalNodeInfo();
			// What the others have said meanwhile. By then they are back too, and where all servers were restarted these know each other again.
			setTimeout(() => void registry.discoverer.discoverAllNodes(), OTHERS_COME_BACK_MS).unref();
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

	/** Whether it is to be done. If it was before, it is answered again. */
	#isNew(packet: Packet): boolean {
		const { action = "", sender, id } = packet.payload;
		if (typeof id !== "string" || !isWhole(packet)) return true;
		const { isNew, answer } = this.#heard.hear(`${sender}.${id}`, repeatable.has(action), performance.now());
		if (answer && !this.#isAway) this.#sayLater(answer);
		return isNew;
	}

	#receive(type: string, { subject, data }: Message, before: string | null): void {
		try {
			const packet = this.deserialize(type, Buffer.from(data));
			if (before !== null && subject !== before + nameOf(packet)) throw new Error("it is not what its subject says");
			if (type !== "REQ" || this.#isNew(packet)) this.messageHandler(type, packet);
		} catch (error) {
			this.logger.warn(`A message of type ${type} is not taken: ${(error as Error).message}`);
		}
	}
}

/** Whoever asked has an answer from somebody else. */
export function sayNotAgain({ transit }: Pick<ServiceBroker, "transit">, requestID: string): void {
	const { pendingRequests } = transit as unknown as Internals["transit"];
	delete pendingRequests.get(requestID)?.said;
}

export const natsByAction = (options: object): NonNullable<BrokerOptions["transporter"]> =>
	new NatsByAction(options) as unknown as NonNullable<BrokerOptions["transporter"]>;

/**
 * Unique for each start: a container that starts again has the hostname and the process id that it had, and knows nothing of what it was
 * asked. It begins with the service that it runs: by that word NATS tells who may hear what is said to it.
 */
export const nodeIDOf = (services: readonly string[]): string => {
	const [first = "several", ...others] = services;
	const host = hostname().replaceAll(/[^\w-]/g, "-");
	return `${others.length === 0 ? first : "several"}.${host}-${process.pid}-${randomBytes(3).toString("hex")}`;
};
