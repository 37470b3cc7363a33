import type { Operation } from "../ledger/memory-journal.ts";
import type { Random } from "../ledger/random-log.ts";
import type { ReadModelOperation } from "./memory-read-model.ts";

type Place = Exclude<Operation, "head"> | ReadModelOperation | "shared_load" | "command" | "event" | "moment" | "alone";
type Table = { readonly [place in Place]: Readonly<Record<string, number>> };

const LOAD = { load_failed: 6, load_slow: 50, load_early: 100 } as const;
const MOMENT = { killed: 5, paused: 5, clock_step: 40, read_model_down: 4 } as const;

/** What may go wrong, and in how many of a thousand cases each. */
const faults = {
	append: {
		crash_before: 4,
		crash_after: 4,
		reply_lost: 25,
		request_lost: 20,
		late: 25,
		twice: 25,
		unavailable: 15,
		rolled_back: 12,
		settled_late: 12,
		slow: 60,
		slow_reply: 60,
	},
	read: { request_lost: 8, slow: 60, slow_reply: 30, stale: 60, crash_before: 1 },
	find: { request_lost: 25, slow: 60 },
	/** A read model's own database; while several processes write into it, what is read may be new in parts. */
	write: { write_failed: 8, write_reply_lost: 8, write_slow: 60 },
	load: LOAD,
	shared_load: { ...LOAD, load_torn: 100 },
	/** Between a client and a process. */
	command: { command_lost: 12, command_late: 20, command_twice: 20, answer_lost: 20 },
	/** Between processes: "there is a new group". */
	event: { event_lost: 60, event_late: 60, event_twice: 60 },
	/** To a process, now and then: it is killed, or stands still, its clock is put back or forward, its read model does not answer. */
	moment: MOMENT,
	/** One that has a read model for itself may lose it. */
	alone: { ...MOMENT, read_model_lost: 1 },
} as const satisfies Table;

export const faultKinds: ReadonlySet<string> = new Set(Object.values(faults).flatMap((table) => Object.keys(table)));

type FaultAt<P extends Place> = P extends Place ? keyof (typeof faults)[P] : never;

/** Makes faults at random, and counts them. */
export class Faults {
	readonly counts: Record<string, number> = {};
	/** No more faults. */
	isCalm = false;
	readonly #random: Random;
	readonly #severity: number;
	readonly #note: (fault: string) => void;

	constructor(random: Random, note: (fault: string) => void) {
		this.#random = random;
		this.#note = note;
		this.#severity = random.pick([0.1, 0.3, 0.3, 0.6, 0.6, 1, 2]);
	}

	at<P extends Place>(place: P): FaultAt<P> | undefined {
		if (this.isCalm) return undefined;
		let dice = this.#random.below(1_000);
		for (const [fault, perMille] of tables[place]) {
			dice -= perMille * this.#severity;
			if (dice >= 0) continue;
			this.counts[fault] = (this.counts[fault] ?? 0) + 1;
			this.#note(fault);
			return fault as FaultAt<P>;
		}
		return undefined;
	}
}

const tables = Object.fromEntries(
	Object.entries(faults).map(([place, table]) => [place, Object.entries(table)]),
) as unknown as Record<Place, readonly (readonly [string, number])[]>;
