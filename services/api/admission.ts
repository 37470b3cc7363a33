import { randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import { call, type Params, type Result } from "../actions.ts";
import { fail } from "../errors.ts";

export type Question = Params<"auth.admit">["questions"][number];
export type Verdict = Result<"auth.admit">["verdicts"][number];

/** What is asked while so many answers are awaited goes together into the next call. */
const CALLS_MAX = 4;
const QUESTIONS_MAX = 500;
/** Beyond that nobody would wait for the answer. */
const WAITING_MAX = 10_000;
const TIMEOUT_MS = 2_000;

type Waiting = {
	readonly question: Question;
	readonly resolve: (verdict: Verdict) => void;
	readonly reject: (error: Error) => void;
};

/**
 * Asks `auth`, which all gateways share, the one question of every request: is the session or till still there, is the proof new, is it
 * within its rate? Many requests at once are one call, so that its cost is shared as well.
 */
export class Admission {
	readonly #service: Service;
	#waiting: Waiting[] = [];
	#calls = 0;

	constructor(service: Service) {
		this.#service = service;
	}

	/** @throws overloaded, service_unavailable: whoever cannot be checked is not let in */
	ask(question: Question): Promise<Verdict> {
		if (this.#waiting.length >= WAITING_MAX) throw fail("overloaded");
		return new Promise((resolve, reject) => {
			this.#waiting.push({ question, resolve, reject });
			// What came together, such as the requests of one packet, is asked together.
			if (this.#waiting.length === 1) setImmediate(() => this.#next());
		});
	}

	#next(): void {
		while (this.#waiting.length > 0 && this.#calls < CALLS_MAX) {
			const batch = this.#waiting.slice(0, QUESTIONS_MAX);
			this.#waiting = this.#waiting.slice(QUESTIONS_MAX);
			this.#calls++;
			void this.#send(batch).finally(() => {
				this.#calls--;
				this.#next();
			});
		}
	}

	async #send(batch: readonly Waiting[]): Promise<void> {
		try {
			const questions = batch.map(({ question }) => question);
			const { verdicts } = await call(this.#broker, "auth.admit", { questionId: randomUUID(), questions });
			for (const [index, { resolve }] of batch.entries()) resolve(verdicts[index] as Verdict);
		} catch (error) {
			this.#service.logger.warn("Nobody could be admitted.", error);
			for (const { reject } of batch) reject(fail("service_unavailable"));
		}
	}

	get #broker() {
		const { broker } = this.#service;
		return {
			call: (name: string, params: object) => broker.call(name, params, { timeout: TIMEOUT_MS }),
		};
	}
}
