import type { Group } from "../../services/credit/journal.ts";
import type { ResidentBook } from "../../services/credit/resident-book.ts";
import type { MemoryLog } from "../ledger/memory-journal.ts";
import type { Random } from "../ledger/random-log.ts";
import type { Bookkeeper } from "./bookkeeper.ts";
import { mustBeAtRest, mustBeInjected, mustBeProjected, mustBeRemembered } from "./copies.ts";
import type { Faults } from "./faults.ts";
import { must } from "./invariants.ts";
import { LedgerProcess } from "./ledger-process.ts";
import { ReadModelContent } from "./memory-read-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What a fleet needs of its world. */
export type Ground = {
	readonly random: Random;
	readonly time: VirtualTime;
	readonly faults: Faults;
	readonly log: MemoryLog;
	readonly book: Bookkeeper;
	/** Notes what the work finds wrong. */
	readonly check: (work: () => void) => void;
};

/** Where a process runs; when it ends, the next one runs there. */
type Place = {
	running: LedgerProcess | null;
	content: ReadModelContent;
	/** The number of the last group that the process heard of. */
	lastTold: number | null;
};

/** The processes of a world's ledger: each believes to be the writer, none lives for long. */
export class Fleet {
	readonly #ground: Ground;
	readonly #places: readonly Place[];
	/** How seldom somebody asks another process than most do. */
	readonly #straying: number;
	readonly #areFollowing: boolean;
	readonly #failed = (error: unknown): void => this.#ground.check(() => mustBeInjected(error));
	#preferred = 0;

	constructor(ground: Ground) {
		const { random } = ground;
		this.#ground = ground;
		this.#straying = random.pick([1, 3, 20]);
		this.#areFollowing = random.once(2);
		const shared = random.once(2) ? this.#newContent({ isShared: true }) : null;
		this.#places = Array.from({ length: 1 + random.below(4) }, () => ({
			running: null,
			content: shared ?? this.#newContent({ isShared: false }),
			lastTold: null,
		}));
	}

	start(): void {
		for (const place of this.#places) this.#start(place);
	}

	/** One that most ask, or another one; null when it does not run. */
	anyProcess(): LedgerProcess | null {
		const { random } = this.#ground;
		const place = random.once(this.#straying) ? random.pick(this.#places) : (this.#places[this.#preferred] as Place);
		return place.running?.ledger ? place.running : null;
	}

	/** Something may happen to each of them. */
	moment(): void {
		const { random, faults } = this.#ground;
		if (faults.isCalm) return;
		for (const place of this.#places) this.#trouble(place);
		if (random.once(100)) this.#preferred = random.below(this.#places.length);
		if (random.once(100)) void this.#restart(random.pick(this.#places));
	}

	everySecond(): void {
		for (const { running } of this.#places) {
			void running?.call((ledger) => ledger.everySecond()).catch(() => {});
		}
	}

	/** "There is a new group": an event, which gets lost, or comes late, or twice. */
	announce({ sequence }: Group): void {
		if (this.#areFollowing) for (const place of this.#places) this.#announce(place, sequence);
	}

	#announce(place: Place, sequence: number): void {
		const { faults, time, random } = this.#ground;
		const tell = () => void place.running?.call(async (ledger) => ledger.follow(sequence)).catch(() => {});
		const fault = faults.at("event");
		if (fault === "event_lost") return;
		time.after(random.below(fault === "event_late" ? 300 : 3), tell);
		if (fault === "event_twice") time.after(random.below(30), tell);
	}

	get areRunning(): boolean {
		return this.#places.every(({ running }) => running?.ledger);
	}
	get running(): LedgerProcess[] {
		return this.#places.flatMap(({ running }) => running ?? []);
	}

	/** @throws Violation unless everybody has everything */
	async mustBeAtRest(): Promise<void> {
		for (const { running, content } of this.#places) {
			if (running) await mustBeAtRest(this.#ground.book, running, content);
		}
	}

	#start(place: Place): void {
		const { check } = this.#ground;
		place.lastTold = null;
		const started = new LedgerProcess({
			...this.#ground,
			content: place.content,
			onCrash: () => this.#kill(place, started),
			onCommitted: (group, memory) => check(() => this.#mustBeTold(place, started, group, memory)),
			onFailed: this.#failed,
		});
		place.running = started;
		started.opened.catch((error: unknown) => {
			this.#failed(error);
			this.#kill(place, started);
		});
	}

	#kill(place: Place, killed: LedgerProcess | null): void {
		killed?.kill();
		if (killed && place.running === killed) this.#startSoon(place);
	}

	/** As in a deployment: it takes nothing more, answers what it has, and goes. */
	async #restart(place: Place): Promise<void> {
		const { running } = place;
		if (!running?.ledger) return;
		place.running = null;
		await running.stop().catch(this.#failed);
		this.#startSoon(place);
	}

	#startSoon(place: Place): void {
		const { time, random } = this.#ground;
		place.running = null;
		time.after(random.below(random.pick([5, 300])), () => this.#start(place));
	}

	#trouble(place: Place): void {
		const { faults, random, time } = this.#ground;
		if (!place.running) return;
		switch (faults.at(place.content.isShared ? "moment" : "alone")) {
			case "killed":
				this.#kill(place, place.running);
				break;
			case "paused":
				place.running.pause(random.below(3_000));
				break;
			case "clock_step":
				place.running.stepClock(random.pick([-5_000, -300, -30, 30, 200, 2_000]));
				break;
			case "read_model_down":
				place.content.downUntilMs = time.nowMs + random.below(3_000);
				break;
			case "read_model_lost":
				this.#kill(place, place.running);
				place.content = this.#newContent({ isShared: false });
		}
	}

	#newContent(kind: { isShared: boolean }): ReadModelContent {
		const { book, check } = this.#ground;
		const content = new ReadModelContent(kind);
		content.onApplied = ({ sequence }) => check(() => mustBeProjected(book, content, sequence));
		return content;
	}

	#mustBeTold(place: Place, teller: LedgerProcess, { sequence, hash }: Group, memory: ResidentBook | null): void {
		if (place.running !== teller) return;
		const { log, book } = this.#ground;
		const isNext = place.lastTold === null || sequence === place.lastTold + 1;
		must("told", isNext, () => `a process heard of group ${sequence} after ${place.lastTold}`);
		must("told", log.groups[sequence - 1]?.hash === hash, () => `a process heard of another group ${sequence}`);
		place.lastTold = sequence;
		if (memory) mustBeRemembered(book, memory, sequence);
	}
}
