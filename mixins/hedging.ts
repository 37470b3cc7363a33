import type { CallingOptions, Middleware, ServiceBroker } from "moleculer";
import { fail, problemOf, problems, surelyNotBooked } from "../services/errors.ts";
import { repeatable } from "../services/repeatable.ts";
import { MOVES_MS, SAY_AGAIN_MS, sayNotAgain } from "./nats-by-action.ts";
import { type Answer, type Asked, type CallNode, OF_THE_LEDGER, WhoAnswers } from "./who-answers.ts";

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
 * only waits for its database says that it lives, and asking others would not help the database. One that says that it alone does not reach it
 * is avoided as if it was silent.
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
				judge: judgeOf(name, processes, asked),
				everyMs: afterMs / 2,
				worstOf: OF_THE_LEDGER.test(name) ? worstOfLedger(COMMANDS.test(name)) : worstOf,
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

/** `decided`: that is the answer. `ask`: another one may know better. `wait`: those that were asked may. `over`: nobody will. */
type Verdict = "decided" | "ask" | "wait" | "over";
type Judge = (error: unknown, by: Asked, openCount: number) => Verdict;
type Hedge = {
	/** Undefined when all have been asked. */
	readonly askNext: () => Asked | undefined;
	readonly isSilent: (asked: Asked) => boolean;
	/** What a failure says of the question, while so many others are still at it. */
	readonly judge: Judge;
	readonly wasUnheard: (error: unknown, by: Asked) => boolean;
	/** Where all were asked and nobody has heard it: whether they are to be asked again. */
	readonly mayComeBack: () => boolean;
	/** How often it is looked whether those that were asked are silent. */
	readonly everyMs: number;
	/** What to say when nobody has decided it. */
	readonly worstOf: (errors: readonly unknown[]) => unknown;
	/** Whether another one may be asked what this one may have heard. */
	readonly mayAskTwice: boolean;
	/** Who has not answered when another one has. */
	readonly giveUp: (asked: Asked) => void;
};

function judgeOf(name: string, processes: WhoAnswers, asked: readonly Asked[]): Judge {
	if (OF_THE_LEDGER.test(name)) return (error) => (isDecidedByLedger(error, asked) ? "decided" : "ask");
	if (!repeatable.has(name)) return (error, by) => (processes.wasUnheard(error, by) ? "ask" : "decided");
	return (error, by, openCount) => {
		if (!processes.saysItself(error, by)) return "ask";
		if (problems[problemOf(error)].status < 500) return "decided";
		if (asked.length === 1 && processes.mayBeDoneElsewhere(name, error, by)) return "ask";
		// What one of several failed with says nothing of what the others still do.
		return openCount > 0 ? "wait" : "over";
	};
}

function firstDecided(first: Asked, hedge: Hedge): Promise<unknown> {
	const { askNext, isSilent, judge, wasUnheard, mayComeBack, everyMs, worstOf, mayAskTwice, giveUp } = hedge;
	return new Promise((resolve, reject) => {
		const undecided: unknown[] = [];
		const open = new Set<Asked>();
		let isOver = false;
		let isUnheard = true;
		let isWaiting = false;
		const timer = setInterval(() => {
			const silent = [...open].filter(isSilent);
			if (open.size > 0 && silent.length === open.size && mayAskTwice && !isWaiting) askOneMore();
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
			else decide(() => reject(worstOf(undecided)));
		};
		const failed = (error: unknown, asked: Asked) => {
			open.delete(asked);
			// Who did not answer is given up some time later; nobody waits for it any more.
			if (isOver) return;
			const verdict = judge(error, asked, open.size);
			if (verdict === "decided") return decide(() => reject(error));
			undecided.push(error);
			isUnheard &&= wasUnheard(error, asked);
			isWaiting = verdict === "wait";
			if (verdict === "ask") askOneMore();
			else if (verdict === "over") decide(() => reject(worstOf(undecided)));
		};
		const follow = (asked: Asked) => {
			open.add(asked);
			asked.answer.then(
				(value) => decide(() => resolve(value)),
				(error: unknown) => failed(error, asked),
			);
		};
		follow(first);
	});
}

/** What one process of the ledger says of itself, and another one may say otherwise. */
const NOT_DECIDED: ReadonlySet<string> = new Set(["ledger_unavailable", "outcome_unknown", "service_unavailable"]);

function isDecidedByLedger(error: unknown, asked: readonly Asked[]): boolean {
	const code = problemOf(error);
	// A second writer would not help the one that is busy. Of one that is asked in the place of another it says nothing about that one.
	return code === "ledger_busy" ? asked.length === 1 : !NOT_DECIDED.has(code);
}

/** Of several it counts whether one of them leaves open what was done. */
const worstOf = (errors: readonly unknown[]): unknown => errors.find((error) => !isSurelyNot(error)) ?? errors[0];

/** Of its commands the client must know; and one that says that it is unavailable may be one that was told to stop in the middle. */
const worstOfLedger =
	(isCommand: boolean) =>
	(errors: readonly unknown[]): unknown => {
		const open = errors.find((error) => !isSurelyNot(error) || typeOf(error) === "service_unavailable");
		return isCommand && open ? fail("outcome_unknown") : (open ?? errors[0]);
	};

const isSurelyNot = (error: unknown): boolean => surelyNotBooked.has(typeOf(error));
const typeOf = (error: unknown): unknown => (error as { type?: unknown }).type;
