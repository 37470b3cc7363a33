import type { CallingOptions, Middleware, ServiceBroker } from "moleculer";
import { fail, problemOf } from "../services/errors.ts";

/** What is asked of the ledger and may be asked twice: every command has an id, and the rest only reads. */
const HEDGED = /^credit\.(?!audit$|status$)/;
const OF_THE_LEDGER = /^credit\./;
/** Of those, what changes something. */
const COMMANDS = /^credit\.(open|transfer|post|void|refund|cancel|setState)$/;
/** So often one call tries whether a process that was silent is back; the others go elsewhere at once. */
const TRY_AGAIN_MS = 1_000;
/** All commands of a lane go to one process, by Moleculer's Shard strategy. There is one lane now. */
const LANE = 0;

type Call = (name: string, params?: unknown, options?: CallingOptions) => Answer;
type Answer = Promise<unknown> & { readonly ctx?: { readonly nodeID?: string | null } };
type Asked = { readonly nodeID: string | undefined; readonly answer: Answer };

/**
 * Calls to the ledger: one process of it is asked, always the same one as long as it is there. When nothing at all has come from it for
 * `afterMs`, or it says that it cannot, the same call goes to another one as well, and so on; the first answer counts. Any process may
 * append, and an id has one effect whoever gets it (see `services/credit`), so this is as right as one call, and nobody waits until a
 * dead process is missed: with Moleculer's heartbeats that takes seconds. A process that is only slow is left alone: another writer
 * beside it would make it slower. (A "hedged request", as in Dean & Barroso, The Tail at Scale, CACM 56(2), 2013.)
 *
 * @throws outcome_unknown for a command, when no process said what became of it and at least one may have got it
 */
export const hedging = ({ afterMs }: { afterMs: number }): Middleware => {
	let broker: ServiceBroker;
	/** When each process was last heard. */
	const heardAtMs = new Map<string | undefined, number>();
	/** Who was silent while somebody waited, and when it is tried again. */
	const tryAgainAtMs = new Map<string | undefined, number>();
	/** Whom the strategy chose last. */
	let preferred: string | undefined;

	const ask = (call: () => Answer): Asked => {
		const answer = call();
		const nodeID = answer.ctx?.nodeID ?? undefined;
		const heard = () => {
			heardAtMs.set(nodeID, performance.now());
			tryAgainAtMs.delete(nodeID);
		};
		answer.then(heard, (error: unknown) => saysItself(error) && heard());
		return { nodeID, answer };
	};

	const isSilent = ({ nodeID }: Asked) => {
		const now = performance.now();
		const isSo = now - (heardAtMs.get(nodeID) ?? 0) >= afterMs;
		if (isSo) tryAgainAtMs.set(nodeID, now + TRY_AGAIN_MS);
		return isSo;
	};

	/** Whoever is silent comes last; else the same for everyone who asks, so that the commands of a lane stay together. */
	const othersThan = (name: string, asked: readonly Pick<Asked, "nodeID">[]): string[] => {
		const before = new Set(asked.map(({ nodeID }) => nodeID));
		const rank = (id: string) => Number(tryAgainAtMs.has(id));
		return nodesOf(broker, name)
			.filter((id) => !before.has(id))
			.sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1));
	};

	/** Whom to ask first; undefined leaves it to the strategy. */
	const firstNode = (name: string): string | undefined => {
		const againAtMs = tryAgainAtMs.get(preferred);
		if (againAtMs === undefined) return undefined;
		const now = performance.now();
		if (now < againAtMs) return othersThan(name, [{ nodeID: preferred }])[0];
		tryAgainAtMs.set(preferred, now + TRY_AGAIN_MS);
		return undefined;
	};

	const askFirst = (name: string, call: (nodeID: string | undefined) => Answer): Asked => {
		const nodeID = firstNode(name);
		const first = ask(() => call(nodeID));
		if (nodeID === undefined) preferred = first.nodeID;
		return first;
	};

	return {
		name: "Hedging",
		created: (created: ServiceBroker) => {
			broker = created;
		},
		call: (next: Call) =>
			function hedged(name: string, params?: unknown, options: CallingOptions = {}) {
				if (!OF_THE_LEDGER.test(name) || options.nodeID) return next(name, params, options);
				const laned = { ...options, meta: { ...options.meta, lane: LANE } };
				if (!HEDGED.test(name)) return next(name, params, laned);
				const callNode = (nodeID: string | undefined) =>
					next(name, params, nodeID === undefined ? laned : { ...laned, nodeID });
				const asked = [askFirst(name, callNode)];
				const askNext = () => {
					const [nodeID] = othersThan(name, asked);
					if (nodeID === undefined) return undefined;
					const latest = ask(() => callNode(nodeID));
					asked.push(latest);
					return latest;
				};
				return firstDecided(asked[0] as Asked, { askNext, isSilent, afterMs, isCommand: COMMANDS.test(name) });
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
	readonly afterMs: number;
	readonly isCommand: boolean;
};

function firstDecided(first: Asked, { askNext, isSilent, afterMs, isCommand }: Hedge): Promise<unknown> {
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
			timer = setInterval(() => isSilent(asked) && askOneMore(), afterMs);
			asked.answer.then(
				(value) => decide(() => resolve(value)),
				(error: unknown) => {
					open--;
					// Who did not answer is given up some time later; nobody waits for it any more.
					if (isOver) return;
					if (!NOT_DECIDED.has(problemOf(error))) return decide(() => reject(error));
					undecided.push(error);
					askOneMore();
				},
			);
		};
		follow(first);
	});
}

/** What one process says of itself, and another one may say otherwise. Not `ledger_busy`: a second writer would not help. */
const NOT_DECIDED: ReadonlySet<string> = new Set(["ledger_unavailable", "outcome_unknown", "service_unavailable"]);
/** Surely nothing happened: it was not sent, or the ledger says so. */
const SURELY_NOT: ReadonlySet<unknown> = new Set([
	"ledger_unavailable",
	"SERVICE_NOT_FOUND",
	"SERVICE_NOT_AVAILABLE",
	"INVALID_ENDPOINT",
]);

/** Whether a process gave this answer, and not the broker on this side in its place. */
const saysItself = (error: unknown): boolean => problemOf(error) !== "service_unavailable";

function worstOf(errors: readonly unknown[], isCommand: boolean): unknown {
	const isUnknown = errors.some((error) => !SURELY_NOT.has((error as { type?: unknown }).type));
	return isCommand && isUnknown ? fail("outcome_unknown") : errors[0];
}
