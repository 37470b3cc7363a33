import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, Transporters } from "moleculer";

type Packet = {
	readonly type: string;
	readonly target: string | null;
	readonly payload: { readonly action?: string; readonly event?: string };
};
type Message = { readonly subject: string; readonly data: Uint8Array };
type Received = (error: Error | null, message: Message) => void;

/** What Moleculer's transporter has, and its types do not say. */
type Nats = {
	readonly prefix: string;
	client: {
		subscribe(subject: string, options: { callback: Received }): unknown;
		flush(): Promise<void>;
		close(): Promise<void>;
	} | null;
	readonly logger: { warn(message: string): void };
	getTopicName(type: string, nodeID?: string | null): string;
	serialize(packet: Packet): Buffer;
	deserialize(type: string, data: Buffer): Packet;
	messageHandler(type: string, packet: Packet): unknown;
	send(subject: string, data: Buffer): Promise<void>;
};
const Base = Transporters.NATS as unknown as new (options: object) => Nats;

/** That this process goes is said to the others within this time, or they find it out by themselves. */
const FLUSH_MS = 1_000;

/** What these ask for, or tell, is in their subject too. */
const named = ["REQ", "EVENT"];
const nameOf = ({ payload }: Packet): string => String(payload.action ?? payload.event);

/**
 * Moleculer's NATS transporter, except that the subject of a request ends with the action's name and that of an event with the event's:
 * `MOL-hannip.REQ.credit.<process>.credit.transfer`. So it is the NATS server that decides which service may ask what of whom, and who
 * may hear it (`k8s/base/nats/users.conf`). A request whose subject names another action than the request itself is not taken.
 */
class NatsByAction extends Base {
	publish(packet: Packet): Promise<void> {
		const subject = this.getTopicName(packet.type, packet.target);
		return this.send(named.includes(packet.type) ? `${subject}.${nameOf(packet)}` : subject, this.serialize(packet));
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
