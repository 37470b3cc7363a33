import type { CallingOptions, ServiceBroker } from "moleculer";
import { type ProblemData, problemOf } from "../services/errors.ts";
import { repeatable } from "../services/repeatable.ts";
import { CONNECTION } from "./nats-by-action.ts";
import type { NodeMetadata } from "./tell-database.ts";

/** What one process of the ledger knows at once, unlike an audit, which takes as long as the log is. */
export const OF_THE_LEDGER = /^credit\.(?!audit$|status$)/;
/** So often one call tries whether a process that was silent is back; the others go elsewhere at once. */
const TRY_AGAIN_MS = 1_000;

export type Answer = Promise<unknown> & { readonly ctx?: { readonly id: string; readonly nodeID?: string | null } };
export type Asked = { readonly nodeID: string | undefined; readonly askedAtMs: number; readonly answer: Answer };
type About = { readonly node: { readonly id: string; readonly metadata?: NodeMetadata } };
/** Asks a process; undefined leaves it to the strategy which. */
export type CallNode = (nodeID: CallingOptions["nodeID"]) => Answer;

/** Which processes answer, as far as this one has heard, and hence whom it asks. */
export class WhoAnswers {
	readonly #broker: ServiceBroker;
	readonly #afterMs: number;
	/** When each process was last heard. */
	readonly #heardAtMs = new Map<string | undefined, number>();
	/** When it last gave an answer. */
	readonly #answeredAtMs = new Map<string | undefined, number>();
	/** Who was silent while somebody waited, and when it is tried again. */
	readonly #tryAgainAtMs = new Map<string | undefined, number>();
	/** Who says that it does not reach the database, see `tellDatabase`. */
	readonly #withoutDatabase = new Set<string | undefined>();
	/** Whether this process has no connection to the others, and when it had one again last. */
	#isAway = false;
	#backAtMs = 0;
	/** Which process of the ledger the strategy chose last. */
	#preferred: string | undefined;
	#turn = 0;

	/** @param afterMs how long a process that somebody waits for may say nothing */
	constructor(broker: ServiceBroker, afterMs: number) {
		this.#broker = broker;
		this.#afterMs = afterMs;
	}

	listen(): void {
		const { localBus } = this.#broker;
		// Moleculer tells only this process.
		localBus.on("$node.pong", ({ nodeID }: { nodeID: string }) => this.#heard(nodeID));
		localBus.on(CONNECTION, ({ isAway }: { isAway: boolean }) => {
			this.#isAway = isAway;
			if (!isAway) this.#backAtMs = performance.now();
		});
		for (const told of ["$node.connected", "$node.updated"])
			localBus.on(told, ({ node: { id, metadata } }: About) => {
				if (metadata?.lacksDatabase) this.#withoutDatabase.add(id);
				else this.#withoutDatabase.delete(id);
			});
		// Those that went for good would be kept for ever.
		localBus.on("$node.disconnected", ({ node: { id } }: About) => {
			const all = [this.#heardAtMs, this.#answeredAtMs, this.#tryAgainAtMs, this.#withoutDatabase];
			for (const known of all) known.delete(id);
		});
	}

	#heard(nodeID: string | undefined): void {
		this.#heardAtMs.set(nodeID, performance.now());
		this.#tryAgainAtMs.delete(nodeID);
	}

	ask(call: CallNode, at: string | undefined): Asked {
		const answer = call(at);
		const nodeID = answer.ctx?.nodeID ?? undefined;
		const answered = () => {
			this.#answeredAtMs.set(nodeID, performance.now());
			this.#heard(nodeID);
		};
		answer.then(answered, (error: unknown) => this.saysItself(error, { nodeID }) && answered());
		return { nodeID, askedAtMs: performance.now(), answer };
	}

	/** Whether others may do what this one could not, since it does not reach the database. */
	mayBeDoneElsewhere(name: string, error: unknown, { nodeID }: Asked): boolean {
		const { nodeID: from = this.#broker.nodeID, data } = error as { nodeID?: string; data?: ProblemData };
		// Of somebody behind it others would hear the same.
		return data?.lacksDatabase === true && from === nodeID && this.#isBetterAt(name, nodeID);
	}

	#isBetterAt(name: string, nodeID: string | undefined): boolean {
		return this.#nodesOf(name).some((id) => id !== nodeID && !this.#isAvoided(id));
	}

	#isAvoided(nodeID: string): boolean {
		return this.#tryAgainAtMs.has(nodeID) || this.#withoutDatabase.has(nodeID);
	}

	/** Whoever is good for it now. */
	askFirst(name: string, call: CallNode): Asked {
		if (!OF_THE_LEDGER.test(name)) return this.ask(call, this.firstOfOthers(name));
		const nodeID = this.#firstOfLedger(name);
		const first = this.ask(call, nodeID);
		if (nodeID === undefined) this.#preferred = first.nodeID;
		return first;
	}

	/** Asked every half of `afterMs`. Whoever has said nothing for one half is pinged. */
	isSilent(name: string, { nodeID, askedAtMs }: Asked): boolean {
		if (this.#isAway) return false;
		// An audit takes minutes, and has waited for more than that.
		if (this.#withoutDatabase.has(nodeID) && name !== "credit.audit" && this.#isBetterAt(name, nodeID)) return true;
		if (nodeID === this.#broker.nodeID) return false;
		const now = performance.now();
		const signs = OF_THE_LEDGER.test(name) ? this.#answeredAtMs : this.#heardAtMs;
		const quietMs = now - Math.max(signs.get(nodeID) ?? 0, askedAtMs, this.#backAtMs);
		// Timers are a little early, or late.
		if (quietMs < 0.9 * this.#afterMs) {
			if (quietMs > 0.4 * this.#afterMs && nodeID !== undefined) void this.#broker.transit?.sendPing(nodeID);
			return false;
		}
		if (!this.#tryAgainAtMs.has(nodeID)) this.#tryAgainAtMs.set(nodeID, now + TRY_AGAIN_MS);
		return true;
	}

	/** Whether a process gave this answer, and not the broker on this side in its place. */
	saysItself(error: unknown, { nodeID }: Pick<Asked, "nodeID">): boolean {
		const own = this.#broker.nodeID;
		// What this process does itself, and fails because somebody behind it is gone, was begun.
		return (
			nodeID === own ||
			((error as { nodeID?: string }).nodeID ?? own) !== own ||
			problemOf(error) !== "service_unavailable"
		);
	}

	/** Whether it surely was not begun. */
	wasUnheard(error: unknown, { nodeID }: Asked): boolean {
		return !this.saysItself(error, { nodeID }) && UNHEARD.includes((error as { type: string }).type);
	}

	/** Whoever is silent, or lacks the database, comes last; else the same for everyone who asks, so that the commands of a lane stay together. */
	othersThan(name: string, asked: readonly Pick<Asked, "nodeID">[]): string[] {
		const before = new Set(asked.map(({ nodeID }) => nodeID));
		const rank = (id: string) => Number(this.#isAvoided(id));
		return this.#nodesOf(name)
			.filter((id) => !before.has(id))
			.sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1));
	}

	/** Whom of the ledger to ask first; undefined leaves it to the strategy. */
	#firstOfLedger(name: string): string | undefined {
		if (this.#withoutDatabase.has(this.#preferred) && this.#isBetterAt(name, this.#preferred))
			return this.othersThan(name, [{ nodeID: this.#preferred }])[0];
		const againAtMs = this.#tryAgainAtMs.get(this.#preferred);
		if (againAtMs === undefined) return undefined;
		const now = performance.now();
		if (now < againAtMs) return this.othersThan(name, [{ nodeID: this.#preferred }])[0];
		this.#tryAgainAtMs.set(this.#preferred, now + TRY_AGAIN_MS);
		return undefined;
	}

	/** Whom else to ask first, while somebody is silent, or lacks the database; undefined leaves it to the strategy. */
	firstOfOthers(name: string): string | undefined {
		if (this.#tryAgainAtMs.size === 0 && this.#withoutDatabase.size === 0) return undefined;
		const now = performance.now();
		const nodes = this.#nodesOf(name);
		const back = nodes.find((id) => (this.#tryAgainAtMs.get(id) ?? now) < now);
		if (back !== undefined && repeatable.has(name)) {
			this.#tryAgainAtMs.set(back, now + TRY_AGAIN_MS);
			return back;
		}
		const good = nodes.filter((id) => !this.#isAvoided(id));
		return good.length < nodes.length ? good[this.#turn++ % good.length] : undefined;
	}

	/** The processes that can be called now. */
	#nodesOf(name: string): string[] {
		const { endpoints = [] } = (this.#broker.registry.getActionEndpoints(name) ?? {}) as {
			endpoints?: { id: string; isAvailable: boolean }[];
		};
		return endpoints.filter(({ isAvailable }) => isAvailable).map(({ id }) => id);
	}
}

/** What Moleculer says when it asked nobody, or nobody heard it. */
const UNHEARD: readonly string[] = ["SERVICE_NOT_FOUND", "SERVICE_NOT_AVAILABLE", "INVALID_ENDPOINT"];
