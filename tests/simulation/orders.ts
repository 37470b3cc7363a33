import type { Receipt } from "../../services/credit/group-commit.ts";
import type { Command, CommandId, Entry, TransferId } from "../../services/credit/model.ts";
import type { Outcome } from "../../services/credit/running-ledger.ts";
import type { Bookkeeper } from "./bookkeeper.ts";
import { EARLY_REFUSAL } from "./commands.ts";
import { must } from "./invariants.ts";

/** One command as it was asked for, however often and wherever. */
type Order = {
	readonly command: Command;
	/** Attempts that have no answer yet. */
	open: number;
	/** Some attempt ended without anybody knowing how. */
	isDoubtful: boolean;
	/** Somebody was told that it has just been booked. */
	wasNew: boolean;
};

export type Attempt = { readonly order: Order; readonly sinceMs: number };
export type Heard = "told" | "busy" | "unavailable" | "unknown";

/** The processes expire holds by commands of their own. */
const EXPIRY = /^system\.expire:\d+:(.+)$/;

/** What was asked for, and what was said about it: holds every answer against the log, at the moment when it is given. */
export class Orders {
	readonly heard: Record<Heard | "replayed" | "reused" | "cancelled" | "refused", number> = {
		...{ told: 0, busy: 0, unavailable: 0, unknown: 0, replayed: 0, reused: 0, cancelled: 0, refused: 0 },
	};
	/** By id; the same id may be asked to mean different things. */
	readonly #orders = new Map<CommandId, Order[]>();
	readonly #open = new Set<Attempt>();
	readonly #book: () => Bookkeeper;

	constructor(book: () => Bookkeeper) {
		this.#book = book;
	}

	get openCount(): number {
		return this.#open.size;
	}

	begin(command: Command, nowMs: number): Attempt {
		const attempt = { order: this.#orderOf(command), sinceMs: nowMs };
		attempt.order.open++;
		this.#open.add(attempt);
		return attempt;
	}

	#orderOf(command: Command): Order {
		const orders = this.#orders.get(command.id) ?? [];
		const known = orders.find((order) => isSame(order.command, command));
		if (known) return known;
		const order = { command, open: 0, isDoubtful: false, wasNew: false };
		this.#orders.set(command.id, [...orders, order]);
		return order;
	}

	/** Who asked for what is booked just now. @throws Violation when nobody did, or everybody was told that it is not booked */
	commandOf(entry: Entry): Command {
		const expired = EXPIRY.exec(entry.id)?.[1];
		if (expired) return { type: "expire", id: entry.id, fingerprint: "", transferId: expired as TransferId };
		const order = this.#orders.get(entry.id)?.find(({ command }) => mayHaveMade(command, entry));
		must("absent", order !== undefined, () => `nobody asked for ${entry.id} as a ${entry.type}, and it is booked`);
		const mayBe = order.open > 0 || order.isDoubtful;
		must("absent", mayBe, () => `${entry.id} is booked, and everybody was told that it is not`);
		return order.command;
	}

	/** It never got to a process. */
	lost(attempt: Attempt): Heard {
		this.#end(attempt);
		return "unavailable";
	}

	answered(attempt: Attempt, { entry, ...receipt }: Receipt): Heard {
		const { order } = attempt;
		this.#end(attempt);
		this.heard.told++;
		if (!entry) this.#mustBeReused(order.command);
		else if (entry.refusal === "cancelled") this.#mustBeCancelled(order.command);
		else {
			const { replayed, sequence } = receipt as Extract<Receipt, { entry: Entry }>;
			this.#mustBeBooked(order, { entry, sequence });
			if (entry.refusal) this.heard.refused++;
			if (replayed) this.heard.replayed++;
			must("answers", replayed || !order.wasNew, () => `${entry.id} was booked for the first time twice`);
			order.wasNew ||= !replayed;
		}
		return "told";
	}

	failed(attempt: Attempt, error: unknown): Heard {
		const { order } = attempt;
		const heard = heardOf((error as { type?: string }).type);
		if (heard === "unknown") order.isDoubtful = true;
		this.#end(attempt);
		this.heard[heard]++;
		return heard;
	}

	#end(attempt: Attempt): void {
		attempt.order.open--;
		this.#open.delete(attempt);
	}

	#mustBeReused({ id, fingerprint, type }: Command): void {
		this.heard.reused++;
		const logged = this.#book().entries.get(id);
		const isOther = logged !== undefined && (logged.fingerprint !== fingerprint || logged.type !== entryType(type));
		must("answers", isOther, () => `${id} was called used by another command, and is not`);
	}

	#mustBeCancelled({ id }: Command): void {
		this.heard.cancelled++;
		must("answers", this.#book().keptOut.has(id), () => `${id} was called cancelled, and is not kept out`);
	}

	#mustBeBooked({ command }: Order, { entry, sequence }: { entry: Entry; sequence: number }): void {
		const { entries, claims } = this.#book();
		const logged = entries.get(command.id);
		const isSo = logged !== undefined && JSON.stringify(logged) === JSON.stringify(entry);
		must(
			"answers",
			isSo,
			() => `${command.id} was answered with ${JSON.stringify(entry)}, the log says ${JSON.stringify(logged)}`,
		);
		const isAnswer = command.fingerprint === entry.fingerprint && entryType(command.type) === entry.type;
		must("answers", isAnswer, () => `${command.id} got the answer to another command`);
		const number = claims.get(command.id) ?? 0;
		must(
			"answers",
			number <= sequence,
			() => `${command.id} is in group ${number}, it was said to be in ${sequence} or before`,
		);
	}

	/** @param wasDecided whether the id was in the log when it was asked */
	told(id: CommandId, { state, entry }: Outcome, wasDecided: boolean): void {
		const { entries, keptOut } = this.#book();
		const logged = entries.get(id);
		const expected = keptOut.has(id) || logged?.refusal ? "refused" : logged ? "applied" : "not_seen";
		// What became durable while it was asked may be in the answer, or not.
		const isSo = state === expected || (state === "not_seen" && !wasDecided);
		must("outcomes", isSo, () => `${id} was called ${state}, it is ${expected}`);
		if (!logged || !entry) return;
		must(
			"outcomes",
			JSON.stringify(entry) === JSON.stringify(logged),
			() => `${id} has the entry ${JSON.stringify(logged)}`,
		);
	}

	/** @throws Violation when somebody has waited for an answer since then */
	mustBeYoungerThan(sinceMs: number): void {
		// In the order in which they were begun.
		const [oldest] = this.#open;
		const { id } = oldest?.order.command ?? {};
		must("alive", !oldest || oldest.sinceMs > sinceMs, () => `${id} is not answered`);
	}
}

type Asked = Pick<Command, "type" | "fingerprint">;
const isSame = (left: Asked, right: Asked): boolean =>
	left.fingerprint === right.fingerprint && left.type === right.type;

/** A transfer that was refused early is one that was refused. */
const entryType = (type: Command["type"]): Entry["type"] => (type === "refuse" ? "transfer" : type);

function mayHaveMade(command: Command, { type, fingerprint, refusal }: Entry): boolean {
	if (command.fingerprint !== fingerprint || entryType(command.type) !== type) return false;
	return (command.type === "refuse") === (refusal === EARLY_REFUSAL);
}

function heardOf(type: string | undefined): Heard {
	if (type === "ledger_busy") return "busy";
	return type === "ledger_unavailable" ? "unavailable" : "unknown";
}
