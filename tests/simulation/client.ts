import type { Account, Command, CommandId, TransferId } from "../../services/credit/model.ts";
import type { StatementLine } from "../../services/credit/read-model.ts";
import { type History, isAlike } from "./history.ts";
import { must } from "./invariants.ts";
import type { LedgerProcess } from "./ledger-process.ts";
import type { Heard } from "./orders.ts";
import type { World } from "./world.ts";

/** What a client hears: "silence" when it gave up before there was an answer. */
type Answer = Heard | "silence";

/** Of a statement; what was just booked is among the first. */
const LINES = 40;

/** Asks for things, one after the other, and keeps on asking with the same id until it knows, or has no more patience. */
export class Client {
	readonly #world: World;
	readonly #scope: string;

	constructor(world: World, scope: string) {
		this.#world = world;
		this.#scope = scope;
	}

	async run(): Promise<void> {
		const { random, time, commands } = this.#world;
		while (!this.#world.isOver) {
			const command = commands.next(this.#scope, time.nowMs);
			const isKnown = await this.settle(command, { patience: random.once(12) ? 1 : 60 });
			if (!isKnown && random.once(2)) await this.#undo(command);
			else if (!isKnown && command.type === "transfer")
				await this.settle(commands.refusalOf(command), { patience: 20 });
			if (random.once(15)) await this.#repeat();
			if (random.once(4)) await time.sleep(random.below(12));
		}
	}

	/** @returns whether the answer is known */
	async settle(command: Command, { patience }: { patience: number }): Promise<boolean> {
		const { random, time, asked } = this.#world;
		asked.push(command);
		for (let attempt = 0; attempt < patience; attempt++) {
			const heard = await this.#ask(command);
			if (heard === "told") return true;
			if (heard !== "unavailable" && random.once(5)) await this.#inquire(command.id);
			await time.sleep(random.below(8 << Math.min(attempt, 6)));
		}
		return false;
	}

	/** Its outcome is unknown, so it shall have none. */
	async #undo({ id }: Command): Promise<void> {
		await this.settle(this.#world.commands.cancelOf(this.#scope, id), { patience: 20 });
	}

	/** Somebody repeats an old command, or uses its id for something else, or asks what became of it. */
	async #repeat(): Promise<void> {
		const { random, asked } = this.#world;
		const command = random.once(3) ? random.pick(asked) : random.pick(asked.slice(-300));
		if (random.once(3)) await this.#inquire(command.id);
		else await this.#ask(random.once(2) ? command : { ...command, fingerprint: "something else" });
	}

	async #ask(command: Command): Promise<Answer> {
		const { random, time, faults } = this.#world;
		switch (faults.at("command")) {
			case "command_lost":
				await time.sleep(20);
				return "silence";
			case "command_late":
				void this.#send(command, random.below(random.pick([50, 4_000])));
				await time.sleep(20);
				return "silence";
			case "answer_lost":
				void this.#send(command);
				await time.sleep(random.below(10));
				return "silence";
			case "command_twice":
				void this.#send(command, random.below(random.pick([3, 300])));
				return this.#send(command);
			default:
				if (!random.once(12)) return this.#send(command);
				// No answer for a while: the same to another process as well, which may refuse it.
				return Promise.race([this.#send(command), this.#send(this.#orRefusalOf(command))]);
		}
	}

	#orRefusalOf(command: Command): Command {
		return command.type === "transfer" && this.#world.random.once(2)
			? this.#world.commands.refusalOf(command)
			: command;
	}

	async #send(command: Command, delayMs = 0): Promise<Answer> {
		const { random, time, orders, commands, check } = this.#world;
		const attempt = orders.begin(command, time.nowMs);
		await time.sleep(delayMs + random.below(3));
		const asked = this.#world.fleet.anyProcess();
		if (!asked) return orders.lost(attempt);
		let sequence = 0;
		const heard = await asked.submit(command).then(
			(receipt) => {
				if (receipt.entry) {
					sequence = receipt.sequence;
					commands.booked(receipt.entry);
				}
				check(() => orders.answered(attempt, receipt));
				return "told" as const;
			},
			(error: unknown) => orders.failed(attempt, error),
		);
		this.#world.note(`${command.type} ${command.id}: ${heard}`);
		if (sequence > 0 && random.once(10)) await this.#look(command, asked, sequence);
		return heard;
	}

	/** Whoever was told that it is booked looks at once what it made of the account, wherever that is asked. */
	async #look(command: Command, asked: LedgerProcess, sequence: number): Promise<void> {
		if (command.type !== "transfer") return;
		const { book, check, fleet, random } = this.#world;
		const { debitAccountId: accountId } = command;
		const answering = (random.once(2) && fleet.anyProcess()) || asked;
		const id = command.id as string as TransferId;
		const answers = answering.call(async (ledger) => {
			// The one that has booked it knows it without asking the log.
			if (answering !== asked) await ledger.latest();
			return Promise.all([
				ledger.account(accountId),
				ledger.transfer(id),
				ledger.statement({ accountId, limit: LINES }),
			]);
		});
		const [account, transfer, lines] = await answers.catch(() => []);
		if (account) check(() => mustBeAccountSince(sequence, account, book.accounts.history(account.id)));
		if (transfer) check(() => mustBeSince(sequence, transfer, book.history(transfer.id)));
		if (lines && transfer?.state === "posted") check(() => mustHave(lines, id));
	}

	/** What is said about a transfer must be as new as what is said of its outcome. */
	async #inquire(id: CommandId): Promise<void> {
		const { orders, book, check, fleet } = this.#world;
		const wasDecided = book.claims.has(id);
		const answers = fleet.anyProcess()?.call(async (ledger) => {
			const outcome = await ledger.outcome(id);
			return { outcome, transfer: await ledger.transfer(id as string as TransferId) };
		});
		const { outcome, transfer } = (await answers?.catch(() => undefined)) ?? {};
		if (outcome) check(() => orders.told(id, outcome, wasDecided));
		const sequence = book.claims.get(id);
		if (!outcome?.entry?.created || sequence === undefined) return;
		check(() => must("reads", transfer !== undefined, () => `${id} is applied, and there is no such transfer`));
		if (transfer) check(() => mustBeSince(sequence, transfer, book.history(transfer.id)));
	}
}

/**
 * A process that is behind may have loaded an account as others have left it since, and then takes up what it had missed: then the account
 * is as newly frozen as it was loaded, and its counters are those of where the process is.
 */
function mustBeAccountSince(sequence: number, found: Account, history: History<Account> | undefined): void {
	const wasSince = (like: (value: Account) => Account) =>
		history?.wasSince(sequence, (value) => isAlike(like(value), found)) ?? false;
	const isSo =
		wasSince((value) => ({ ...value, state: found.state })) && wasSince(({ state }) => ({ ...found, state }));
	must(
		"reads",
		isSo,
		() => `${found.id} is read as ${JSON.stringify(found)}, which it was not after group ${sequence}`,
	);
}

function mustBeSince<T extends { id: string }>(sequence: number, found: T, history: History<T> | undefined): void {
	const isSo = history?.wasSince(sequence, (value) => isAlike(value, found)) ?? false;
	must(
		"reads",
		isSo,
		() => `${found.id} is read as ${JSON.stringify(found)}, which it was not after group ${sequence}`,
	);
}

function mustHave(lines: readonly StatementLine[], id: TransferId): void {
	const isThere = lines.length === LINES || lines.some(({ transferId }) => transferId === id);
	must("reads", isThere, () => `${id} is not in the statement of who was told that it is booked`);
}
