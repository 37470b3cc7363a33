import type { CallingOptions, Middleware, ServiceBroker } from "moleculer";
import { fail, problemOf } from "../services/errors.ts";
import { repeatable } from "../services/repeatable.ts";

/** What one process of the ledger knows at once, unlike an audit, which takes as long as the log is. */
const OF_THE_LEDGER = /^credit\.(?!audit$|status$)/;
/** Of those, what changes something. */
const COMMANDS = /^credit\.(open|transfer|refuse|post|void|refund|cancel|setState)$/;
/** So often one call tries whether a process that was silent is back; the others go elsewhere at once. */
const TRY_AGAIN_MS = 1_000;
/** All commands of a lane go to one process, by Moleculer's Shard strategy. There is one lane now. */
const LANE = 0;

type Call = (name: string, params?: unknown, options?: CallingOptions) => Answer;
type ActionEndpoint = { readonly action: { readonly name: string } };
type Answer = Promise<unknown> & { readonly ctx?: { readonly nodeID?: string | null } };
type Asked = { readonly nodeID: string | undefined; readonly askedAtMs: number; readonly answer: Answer };

/**
 * Calls between processes when one of them is gone: whoever waits for it asks another one, and whoever comes later goes elsewhere at once.
 * Nobody waits until a dead process is missed: with Moleculer's heartbeats that takes seconds. The first answer counts. (A "hedged
 * request", as in Dean & Barroso, The Tail at Scale, CACM 56(2), 2013.) Only what is repeatable is asked twice.
 *
 * A process is gone when nothing has come from it for `afterMs` while somebody waited, not even the answer to a ping half way: one that
 * only waits for its database says that it lives, and asking others would not help the database.
 *
 * The ledger has rules of its own. One process of it is asked, always the same one as long as it is there, since two that write are slower
 * than one. A ping counts for nothing there, and another one is asked also when it says that it cannot: any process may append, and
 * an id has one effect whoever gets it (see `services/credit`).
 *
 * @throws outcome_unknown for a command of the ledger, when no process said what became of it and at least one may have got it
 */
export const hedging = ({ afterMs }: { afterMs: number }): Middleware => {
	let broker: ServiceBroker;
	/** When each process was last heard. */
	const heardAtMs = new Map<string | undefined, number>();
	/** When it last gave an answer. */
	const answeredAtMs = new Map<string | undefined, number>();
	/** Who was silent while somebody waited, and when it is tried again. */
	const tryAgainAtMs = new Map<string | undefined, number>();
	/** Which process of the ledger the strategy chose last. */
	let preferred: string | undefined;
	let turn = 0;

	const heard = (nodeID: string | undefined) => {
		heardAtMs.set(nodeID, performance.now());
		tryAgainAtMs.delete(nodeID);
	};

	const ask = (call: () => Answer): Asked => {
		const answer = call();
		const nodeID = answer.ctx?.nodeID ?? undefined;
		const answered = () => {
			answeredAtMs.set(nodeID, performance.now());
			heard(nodeID);
		};
		answer.then(answered, (error: unknown) => saysItself(error, broker) && answered());
		return { nodeID, askedAtMs: performance.now(), answer };
	};

	/** Asked every half of `afterMs`. Whoever has said nothing for one half is pinged. */
	const isSilent = (name: string, { nodeID, askedAtMs }: Asked) => {
		if (nodeID === broker.nodeID) return false;
		const now = performance.now();
		const signs = OF_THE_LEDGER.test(name) ? answeredAtMs : heardAtMs;
		const quietMs = now - Math.max(signs.get(nodeID) ?? 0, askedAtMs);
		// Timers are a little early, or late.
		if (quietMs < 0.9 * afterMs) {
			if (quietMs > 0.4 * afterMs && nodeID !== undefined) void broker.transit?.sendPing(nodeID);
			return false;
		}
		tryAgainAtMs.set(nodeID, now + TRY_AGAIN_MS);
		return true;
	};

	/** Whoever is silent comes last; else the same for everyone who asks, so that the commands of a lane stay together. */
	const othersThan = (name: string, asked: readonly Pick<Asked, "nodeID">[]): string[] => {
		const before = new Set(asked.map(({ nodeID }) => nodeID));
		const rank = (id: string) => Number(tryAgainAtMs.has(id));
		return nodesOf(broker, name)
			.filter((id) => !before.has(id))
			.sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1));
	};

	/** Whom of the ledger to ask first; undefined leaves it to the strategy. */
	const firstOfLedger = (name: string): string | undefined => {
		const againAtMs = tryAgainAtMs.get(preferred);
		if (againAtMs === undefined) return undefined;
		const now = performance.now();
		if (now < againAtMs) return othersThan(name, [{ nodeID: preferred }])[0];
		tryAgainAtMs.set(preferred, now + TRY_AGAIN_MS);
		return undefined;
	};

	/** Whom else to ask first, while somebody is silent; undefined leaves it to the strategy. */
	const firstOfOthers = (name: string): string | undefined => {
		if (tryAgainAtMs.size === 0) return undefined;
		const now = performance.now();
		const nodes = nodesOf(broker, name);
		const back = nodes.find((id) => (tryAgainAtMs.get(id) ?? now) < now);
		if (back !== undefined && repeatable.has(name)) {
			tryAgainAtMs.set(back, now + TRY_AGAIN_MS);
			return back;
		}
		const alive = nodes.filter((id) => !tryAgainAtMs.has(id));
		return alive.length < nodes.length ? alive[turn++ % alive.length] : undefined;
	};

	const askFirst = (name: string, call: (nodeID: string | undefined) => Answer): Asked => {
		if (!OF_THE_LEDGER.test(name)) return ask(() => call(firstOfOthers(name)));
		const nodeID = firstOfLedger(name);
		const first = ask(() => call(nodeID));
		if (nodeID === undefined) preferred = first.nodeID;
		return first;
	};

	const isDecided = (name: string, error: unknown, asked: readonly Asked[]): boolean => {
		if (!OF_THE_LEDGER.test(name)) return saysItself(error, broker);
		const code = problemOf(error);
		// A second writer would not help the one that is busy. Of one that is asked in the place of another it says nothing about that one.
		return code === "ledger_busy" ? asked.length === 1 : !NOT_DECIDED.has(code);
	};

	const askUntilDecided = (name: string, callNode: (nodeID: string | undefined) => Answer): Promise<unknown> => {
		const asked = [askFirst(name, callNode)];
		const askNext = () => {
			const [nodeID] = othersThan(name, asked);
			if (nodeID === undefined) return undefined;
			const latest = ask(() => callNode(nodeID));
			asked.push(latest);
			return latest;
		};
		return firstDecided(asked[0] as Asked, {
			askNext,
			isSilent: (each) => isSilent(name, each),
			isDecided: (error) => isDecided(name, error, asked),
			everyMs: afterMs / 2,
			isCommand: COMMANDS.test(name),
		});
	};

	return {
		name: "Hedging",
		created: (created: ServiceBroker) => {
			broker = created;
			// Moleculer tells only this process.
			broker.localBus.on("$node.pong", ({ nodeID }: { nodeID: string }) => heard(nodeID));
			// Those that went for good would be kept for ever.
			broker.localBus.on("$node.disconnected", ({ node: { id } }: { node: { id: string } }) => {
				for (const known of [heardAtMs, answeredAtMs, tryAgainAtMs]) known.delete(id);
			});
		},
		call: (next: Call) =>
			function hedged(action: string | ActionEndpoint, params?: unknown, options: CallingOptions = {}) {
				// moleculer-web has chosen a process before, by the strategy alone.
				const name = typeof action === "string" ? action : action.action.name;
				if (options.nodeID || name.startsWith("$")) return next(name, params, options);
				const laned = OF_THE_LEDGER.test(name) ? { ...options, meta: { ...options.meta, lane: LANE } } : options;
				const callNode = (nodeID: string | undefined) =>
					next(name, params, nodeID === undefined ? laned : { ...laned, nodeID });
				return repeatable.has(name) ? askUntilDecided(name, callNode) : callNode(firstOfOthers(name));
			},
	} as unknown as Middleware;
};

/** The processes that can be called now. */
function nodesOf(broker: ServiceBroker, name: string): string[] {
	const { endpoints = [] } = (broker.registry.getActionEndpoints(name) ?? {}) as {
		endpoints?: { id: string; isAvailable: boolean }[];
	};
	return endpoints.filter(({ isAvailable }) => isAvailable).map(({ id }) => id);
}

type Hedge = {
	/** Undefined when all have been asked. */
	readonly askNext: () => Asked | undefined;
	readonly isSilent: (asked: Asked) => boolean;
	readonly isDecided: (error: unknown) => boolean;
	/** How often it is looked whether the one that was asked is silent. */
	readonly everyMs: number;
	readonly isCommand: boolean;
};

function firstDecided(first: Asked, { askNext, isSilent, isDecided, everyMs, isCommand }: Hedge): Promise<unknown> {
	return new Promise((resolve, reject) => {
		const undecided: unknown[] = [];
		let open = 0;
		let isOver = false;
		let timer: NodeJS.Timeout | undefined;
		const decide = (settle: () => void) => {
			isOver = true;
			clearTimeout(timer);
			settle();
		};
		const askOneMore = () => {
			clearTimeout(timer);
			const asked = askNext();
			if (asked) follow(asked);
			else if (open === 0) reject(worstOf(undecided, isCommand));
		};
		const follow = (asked: Asked) => {
			open++;
			timer = setInterval(() => isSilent(asked) && askOneMore(), everyMs);
			asked.answer.then(
				(value) => decide(() => resolve(value)),
				(error: unknown) => {
					open--;
					// Who did not answer is given up some time later; nobody waits for it any more.
					if (isOver) return;
					if (isDecided(error)) return decide(() => reject(error));
					undecided.push(error);
					askOneMore();
				},
			);
		};
		follow(first);
	});
}

/** What one process of the ledger says of itself, and another one may say otherwise. */
const NOT_DECIDED: ReadonlySet<string> = new Set(["ledger_unavailable", "outcome_unknown", "service_unavailable"]);
/** Surely nothing happened: it was not sent, or the ledger says so. */
const SURELY_NOT: ReadonlySet<unknown> = new Set([
	"ledger_busy",
	"ledger_unavailable",
	"SERVICE_NOT_FOUND",
	"SERVICE_NOT_AVAILABLE",
	"INVALID_ENDPOINT",
]);

/** Whether a process gave this answer, and not the broker on this side in its place. */
const saysItself = (error: unknown, { nodeID }: ServiceBroker): boolean => {
	const { nodeID: from = nodeID } = error as { nodeID?: string };
	return from !== nodeID || problemOf(error) !== "service_unavailable";
};

/** Of several it counts whether one of them leaves open what was done. */
function worstOf(errors: readonly unknown[], isCommand: boolean): unknown {
	const unknown = errors.find((error) => !SURELY_NOT.has((error as { type?: unknown }).type));
	return isCommand && unknown ? fail("outcome_unknown") : (unknown ?? errors[0]);
}
