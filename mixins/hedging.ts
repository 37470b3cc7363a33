import type { CallingOptions, Middleware, ServiceBroker } from "moleculer";
import { fail, problemOf } from "../services/errors.ts";
import { repeatable } from "../services/repeatable.ts";
import { MOVES_MS, SAY_AGAIN_MS, sayNotAgain } from "./nats-by-action.ts";
import {
	type Answer,
	type Asked,
	type CallNode,
	OF_THE_LEDGER,
	saysItself,
	UNHEARD,
	WhoAnswers,
} from "./who-answers.ts";

/** Of the ledger's actions, what changes something. */
const COMMANDS = /^credit\.(open|transfer|refuse|post|void|refund|cancel|setState)$/;
/** All commands of a lane go to one process, by Moleculer's Shard strategy. There is one lane now. */
const LANE = 0;

type Call = (name: string, params?: unknown, options?: CallingOptions) => Answer;
type ActionEndpoint = { readonly action: { readonly name: string } };

/**
 * Calls between processes when one of them is gone: whoever waits for it asks another one, and whoever comes later goes elsewhere at once.
 * Nobody waits until a dead process is missed: with Moleculer's heartbeats that takes seconds. The first answer counts. (A "hedged
 * request", as in Dean & Barroso, The Tail at Scale, CACM 56(2), 2013.) Only what is repeatable is asked twice; all else is asked of another
 * one only when nobody has heard it. Where nobody is left to ask, all may be on their way from one NATS server to another: they are asked again
 * until they must be there.
 *
 * A process is gone when nothing has come from it for `afterMs` while somebody waited, not even the answer to a ping half way: one that
 * only waits for its database says that it lives, and asking others would not help the database. One that says that it does not reach it is
 * avoided as if it was silent, as long as there are others that have not said so.
 *
 * The ledger has rules of its own. One process of it is asked, always the same one as long as it is there, since two that write are slower
 * than one. A ping counts for nothing there, and another one is asked also when it says that it cannot: any process may append, and
 * an id has one effect whoever gets it (see `services/credit`).
 *
 * @throws outcome_unknown for a command of the ledger, when no process said what became of it and at least one may have got it
 */
export const hedging = ({ afterMs }: { afterMs: number }): Middleware =>
	((broker: ServiceBroker) => {
		const processes = new WhoAnswers(broker, afterMs);
		const askUntilDecided = (name: string, callNode: CallNode, leftMs: () => number): Promise<unknown> => {
			const first = processes.askFirst(name, callNode);
			const asked = [first];
			const mayAskTwice = repeatable.has(name);
			let backByMs: number | undefined;
			const askNext = () => {
				if (leftMs() <= 0) return undefined;
				const [nodeID] = processes.othersThan(name, asked);
				if (nodeID === undefined) return undefined;
				const latest = processes.ask(callNode, nodeID);
				asked.push(latest);
				return latest;
			};
			const mayComeBack = () => {
				backByMs ??= performance.now() + MOVES_MS;
				asked.length = 0;
				return performance.now() < backByMs;
			};
			return firstDecided(first, {
				askNext,
				wasUnheard: (error, by) => by.nodeID !== undefined && processes.wasUnheard(error, by),
				mayComeBack,
				isSilent: (each) => processes.isSilent(name, each),
				isDecided: (error, by) => {
					if (OF_THE_LEDGER.test(name)) return isDecidedByLedger(error, asked);
					if (!mayAskTwice) return !processes.wasUnheard(error, by);
					return saysItself(error, broker) && !processes.mayBeDoneElsewhere(name, error, by);
				},
				everyMs: afterMs / 2,
				isCommand: COMMANDS.test(name),
				mayAskTwice,
				giveUp: ({ answer }) => answer.ctx && sayNotAgain(broker, answer.ctx.id),
			});
		};
		return {
			name: "Hedging",
			created: () => processes.listen(),
			call: (next: Call) =>
				function hedged(action: string | ActionEndpoint, params?: unknown, options: CallingOptions = {}) {
					// moleculer-web has chosen a process before, by the strategy alone.
					const name = typeof action === "string" ? action : action.action.name;
					if (options.nodeID || name.startsWith("$")) return next(name, params, options);
					const laned = inLane(name, options);
					const startedAtMs = performance.now();
					const leftMs = () => (options.timeout || Number.POSITIVE_INFINITY) - (performance.now() - startedAtMs);
					const callNode: CallNode = (nodeID) =>
						next(name, params, {
							...laned,
							...(nodeID !== undefined && { nodeID }),
							...(options.timeout && { timeout: Math.ceil(leftMs()) }),
						});
					return askUntilDecided(name, callNode, leftMs);
				},
		};
	}) as unknown as Middleware;

const inLane = (name: string, options: CallingOptions): CallingOptions =>
	OF_THE_LEDGER.test(name) ? { ...options, meta: { ...options.meta, lane: LANE } } : options;

type Hedge = {
	/** Undefined when all have been asked. */
	readonly askNext: () => Asked | undefined;
	readonly isSilent: (asked: Asked) => boolean;
	readonly isDecided: (error: unknown, by: Asked) => boolean;
	readonly wasUnheard: (error: unknown, by: Asked) => boolean;
	/** Where all were asked and nobody has heard it: whether they are to be asked again. */
	readonly mayComeBack: () => boolean;
	/** How often it is looked whether those that were asked are silent. */
	readonly everyMs: number;
	readonly isCommand: boolean;
	/** Whether another one may be asked what this one may have heard. */
	readonly mayAskTwice: boolean;
	/** Who has not answered when another one has. */
	readonly giveUp: (asked: Asked) => void;
};

function firstDecided(first: Asked, hedge: Hedge): Promise<unknown> {
	const { askNext, isSilent, isDecided, wasUnheard, mayComeBack, everyMs, isCommand, mayAskTwice, giveUp } = hedge;
	return new Promise((resolve, reject) => {
		const undecided: unknown[] = [];
		const open = new Set<Asked>();
		let isOver = false;
		let isUnheard = true;
		const timer = setInterval(() => {
			const silent = [...open].filter(isSilent);
			if (open.size > 0 && silent.length === open.size && mayAskTwice) askOneMore();
		}, everyMs);
		const decide = (settle: () => void) => {
			isOver = true;
			clearInterval(timer);
			open.forEach(giveUp);
			settle();
		};
		const askOneMore = () => {
			const asked = askNext();
			if (asked) follow(asked);
			else if (open.size > 0) return;
			else if (isUnheard && mayComeBack()) setTimeout(askOneMore, SAY_AGAIN_MS);
			else decide(() => reject(worstOf(undecided, isCommand)));
		};
		const follow = (asked: Asked) => {
			open.add(asked);
			asked.answer.then(
				(value) => decide(() => resolve(value)),
				(error: unknown) => {
					open.delete(asked);
					// Who did not answer is given up some time later; nobody waits for it any more.
					if (isOver) return;
					if (isDecided(error, asked)) return decide(() => reject(error));
					undecided.push(error);
					isUnheard &&= wasUnheard(error, asked);
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
const SURELY_NOT: ReadonlySet<unknown> = new Set(["ledger_busy", "ledger_unavailable", ...UNHEARD]);

function isDecidedByLedger(error: unknown, asked: readonly Asked[]): boolean {
	const code = problemOf(error);
	// A second writer would not help the one that is busy. Of one that is asked in the place of another it says nothing about that one.
	return code === "ledger_busy" ? asked.length === 1 : !NOT_DECIDED.has(code);
}

/** Of several it counts whether one of them leaves open what was done. */
function worstOf(errors: readonly unknown[], isCommand: boolean): unknown {
	const unknown = errors.find((error) => !SURELY_NOT.has((error as { type?: unknown }).type));
	return isCommand && unknown ? fail("outcome_unknown") : (unknown ?? errors[0]);
}
