import { hash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Group } from "../../services/credit/journal.ts";
import type {
	Account,
	AccountId,
	Command,
	CommandId,
	Entry,
	Transfer,
	TransferId,
} from "../../services/credit/model.ts";
import { AccountBook, type Change, type Sides } from "./account-book.ts";
import { History } from "./history.ts";
import { must } from "./invariants.ts";
import { burnsCode, isAmount, isTrue } from "./refusals.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;
type Touched = { readonly accounts: Set<AccountId>; readonly transfers: Set<TransferId> };

/**
 * Keeps the books of a simulated world a second time, from what was asked and from what the log says of it, and has nothing in common
 * with the ledger's own code. It is given every group at the moment when it becomes durable, before anybody else can know of it.
 */
export class Bookkeeper {
	readonly accounts = new AccountBook();
	readonly #transfers = new Map<TransferId, History<Transfer>>();
	/** By the id of its command. */
	readonly entries = new Map<CommandId, Entry>();
	/** Ids and codes that are taken, with the number of the group that took them. */
	readonly claims = new Map<string, number>();
	readonly keptOut = new Set<CommandId>();
	head = { sequence: 0, hash: "0".repeat(64), committedAtMs: 0 };
	/** What the clock by which the group was decided said at least. A group that is no later than the one before it has that one's time, whatever its clock. */
	#clockMinMs = 0;
	/** What each group changed, the last one at last. */
	readonly #touchedBy: Touched[] = [];
	#touched: Touched = { accounts: new Set(), transfers: new Set() };
	readonly #commandOf: (entry: Entry) => Command;

	/** @param commandOf who asked for that; throws when nobody did, or was told that it is not booked */
	constructor(commandOf: (entry: Entry) => Command) {
		this.#commandOf = commandOf;
	}

	/** @throws Violation */
	take(group: Group): void {
		this.#checkChain(group);
		this.#clockMinMs = group.committedAtMs > this.head.committedAtMs ? group.committedAtMs : 0;
		this.head = { sequence: group.sequence, hash: group.hash, committedAtMs: group.committedAtMs };
		this.#touched = { accounts: new Set(), transfers: new Set() };
		this.#touchedBy.push(this.#touched);
		for (const entry of JSON.parse(group.body) as Entry[]) this.#takeEntry(entry);
	}

	get transferCount(): number {
		return this.#transfers.size;
	}
	account(id: AccountId): Account | undefined {
		return this.accounts.get(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		return this.#transfers.get(id)?.now;
	}
	history(id: TransferId): History<Transfer> | undefined {
		return this.#transfers.get(id);
	}
	pending(): Transfer[] {
		return [...this.#transfers.values()].map(({ now }) => now).filter(({ state }) => state === "pending");
	}
	/** What the group with this number changed. */
	touchedBy(sequence: number): Touched {
		return this.#touchedBy[sequence - 1] ?? { accounts: new Set(), transfers: new Set() };
	}

	#checkChain({ lane, sequence, previousHash, committedAtMs, body, hash: stated }: Group): void {
		const { head } = this;
		must("chain", sequence === head.sequence + 1, () => `group ${sequence} comes after ${head.sequence}`);
		must("chain", previousHash === head.hash, () => `group ${sequence} does not follow the one before it`);
		const actual = hash("sha256", `${lane}\n${sequence}\n${previousHash}\n${committedAtMs}\n${body}`, "hex");
		must("chain", stated === actual, () => `group ${sequence} is not what was hashed`);
		must("chain", committedAtMs >= head.committedAtMs, () => `time runs backwards in group ${sequence}`);
	}

	#takeEntry(entry: Entry): void {
		const command = this.#commandOf(entry);
		this.#checkRefusal(entry, command);
		this.#claim(entry);
		if (!entry.refusal) this.#takeEffect(entry, command);
	}

	/** Before anything of it is written down: whether it was right to refuse it, and to use the code up. */
	#checkRefusal(entry: Entry, command: Command): void {
		const { id, refusal, redeemed, opened, stateSet, created, changed, counters, tombstone } = entry;
		const jti = command.type === "transfer" && burnsCode(refusal) ? command.redeem?.jti : undefined;
		must("code", redeemed?.jti === jti, () => `${id} uses up the code ${redeemed?.jti}, it should ${jti}`);
		if (!refusal) return;
		const effect = opened ?? stateSet ?? created ?? changed ?? counters ?? tombstone;
		must("once", effect === undefined, () => `${id} was refused and has an effect`);
		const isSo = isTrue(refusal, {
			...{ command, book: this },
			...{ nowMs: this.head.committedAtMs, clockMinMs: this.#clockMinMs },
		});
		must("refusals", isSo, () => `${id} was refused as ${refusal}, and that is not so: ${text(command)}`);
	}

	#claim(entry: Entry): void {
		const { id, tombstone, redeemed } = entry;
		must("cancels", !this.keptOut.has(id), () => `${id} was kept out and is booked`);
		must("once", !this.claims.has(id), () => `${id} is in the log twice, first in group ${this.claims.get(id)}`);
		this.entries.set(id, entry);
		this.claims.set(id, this.head.sequence);
		if (tombstone) {
			must("once", !this.claims.has(tombstone), () => `${tombstone} is kept out after it was decided`);
			this.keptOut.add(tombstone);
			this.claims.set(tombstone, this.head.sequence);
		}
		if (redeemed) {
			const code = `code:${redeemed.jti}`;
			must("code", !this.claims.has(code), () => `${code} is used up twice, first in group ${this.claims.get(code)}`);
			this.claims.set(code, this.head.sequence);
		}
	}

	#takeEffect(entry: Entry, command: Command): void {
		switch (command.type) {
			case "open":
				this.#open(entry, command);
				break;
			case "set-state":
				this.#setState(entry, command);
				break;
			case "transfer":
				this.#pay(entry, command);
				break;
			case "post":
				this.#post(entry, command);
				break;
			case "void":
				this.#release(entry, command.transferId, "voided");
				break;
			case "expire":
				this.#release(entry, command.transferId, "expired");
				break;
			case "refund":
				this.#refund(entry, command);
				break;
			case "cancel":
				this.#cancel(entry, command);
				break;
		}
	}

	#open(entry: Entry, { accountId: id, kind, owner }: Of<"open">): void {
		const zero = { debitsPosted: 0, creditsPosted: 0, debitsPending: 0, creditsPending: 0 };
		const opened = { id, kind, owner, floor: kind === "system" ? null : 0, state: "open" as const, ...zero };
		mustBe("opened", entry, opened);
		this.accounts.open(opened, this.head.sequence);
		this.#touched.accounts.add(id);
	}

	#setState(entry: Entry, { accountId, state, reason }: Of<"set-state">): void {
		mustBe("stateSet", entry, { accountId, state, reason });
		this.accounts.setState(accountId, state, this.head.sequence);
		this.#touched.accounts.add(accountId);
	}

	#pay(entry: Entry, command: Of<"transfer">): void {
		const { id, hold, amount } = command;
		this.#mustBeWanted(command);
		const created: Transfer = {
			...this.#posted(id, command, command),
			...(hold && { state: "pending", expiresAtMs: this.#endOf(entry, hold.ttlMs) }),
		};
		mustBe("created", entry, created);
		mustBe("changed", entry, undefined);
		this.#putTransfer(created);
		this.#move(entry, created, hold ? { posted: 0, pending: amount } : { posted: amount, pending: 0 });
	}

	/** From when the clock by which it was decided says; where that is not known, it is that the hold does not last longer. */
	#endOf({ id, created }: Entry, ttlMs: number): number {
		const latestMs = this.head.committedAtMs + ttlMs;
		if (this.#clockMinMs === this.head.committedAtMs) return latestMs;
		const endMs = created?.expiresAtMs ?? Number.POSITIVE_INFINITY;
		must("holds", endMs >= ttlMs && endMs <= latestMs, () => `${id} is held until ${endMs}, at most ${latestMs}`);
		return endMs;
	}

	#mustBeWanted({ id, kind, amount, deadlineMs, redeem }: Of<"transfer">): void {
		const clockMs = this.#clockMinMs;
		mustBeAmount(id, amount);
		must("refunds", kind !== "refund", () => `${id} is a refund of nothing`);
		must("asked", deadlineMs === undefined || clockMs <= deadlineMs, () => `${id} is booked after its deadline`);
		if (!redeem) return;
		must("code", clockMs < redeem.expiresAtMs, () => `${id} uses a code that is too old`);
		must("code", amount <= redeem.cap, () => `${id} takes ${amount} by a code for ${redeem.cap}`);
	}

	#post(entry: Entry, { id, transferId, amount: part }: Of<"post">): void {
		const held = this.#held(entry, transferId);
		const amount = part ?? held.amount;
		const isInTime = this.#clockMinMs < (held.expiresAtMs ?? 0);
		must("holds", isInTime, () => `${id} posts a hold whose time is over`);
		must("holds", amount <= held.amount, () => `${id} posts ${amount} of ${held.amount}`);
		mustBeAmount(id, amount);
		this.#change(entry, { ...held, state: "posted", amount });
		this.#move(entry, held, { posted: amount, pending: -held.amount });
	}

	#release(entry: Entry, transferId: TransferId, state: "voided" | "expired"): void {
		const held = this.#held(entry, transferId);
		const isLate = this.head.committedAtMs >= (held.expiresAtMs ?? 0);
		must("holds", state === "voided" || isLate, () => `${transferId} expired before its time was over`);
		this.#change(entry, { ...held, state });
		this.#move(entry, held, { posted: 0, pending: -held.amount });
	}

	#held(entry: Entry, id: TransferId): Transfer {
		const held = this.transfer(id);
		must("holds", held?.state === "pending", () => `${entry.id} ends ${id}, which is ${held?.state ?? "not there"}`);
		mustBe("created", entry, undefined);
		return held;
	}

	#refund(entry: Entry, { id, transferId, amount: part, details }: Omit<Of<"refund">, "type" | "fingerprint">): void {
		const sale = this.transfer(transferId);
		const isSale = sale?.kind === "sale" && sale.state === "posted";
		must("refunds", isSale, () => `${id} refunds a ${sale?.state} ${sale?.kind}`);
		const amount = part ?? sale.amount - sale.refunded;
		const refunded = sale.refunded + amount;
		must("refunds", refunded <= sale.amount, () => `${refunded} of ${sale.amount} is refunded of ${sale.id}`);
		mustBeAmount(id, amount);
		const { debitAccountId: payer, creditAccountId: payee } = sale;
		const sides = { kind: "refund", debitAccountId: payee, creditAccountId: payer } as const;
		const created = { ...this.#posted(id, sides, { amount, details }), reference: sale.id };
		mustBe("created", entry, created);
		this.#putTransfer(created);
		this.#change(entry, { ...sale, refunded });
		this.#move(entry, sides, { posted: amount, pending: 0 });
	}

	#cancel(entry: Entry, { id, targetId, details }: Of<"cancel">): void {
		const transferId = targetId as string as TransferId;
		if (entry.created) this.#refund(entry, { id, transferId, details });
		else if (entry.changed) this.#release(entry, transferId, "voided");
		else mustBe("counters", entry, undefined);
		mustBe("tombstone", entry, entry.tombstone && targetId);
		const target = this.transfer(transferId);
		const isUndone = target ? isReleased(target) || target.refunded === target.amount : this.claims.has(targetId);
		must("cancels", isUndone, () => `${id} cancelled ${targetId}, which has an effect or may get one`);
	}

	#posted(id: CommandId, sides: Sides, { amount, details }: Pick<Transfer, "amount" | "details">): Transfer {
		return {
			id: id as string as TransferId,
			kind: sides.kind,
			debitAccountId: sides.debitAccountId,
			creditAccountId: sides.creditAccountId,
			amount,
			state: "posted",
			refunded: 0,
			reference: null,
			details,
			createdAtMs: this.head.committedAtMs,
			expiresAtMs: null,
		};
	}

	#change(entry: Entry, transfer: Transfer): void {
		const { id, kind, state, amount, refunded } = transfer;
		mustBe("changed", entry, { id, kind, state, amount, refunded });
		this.#putTransfer(transfer);
	}

	#putTransfer(transfer: Transfer): void {
		const history = this.#transfers.get(transfer.id) ?? new History();
		history.put(this.head.sequence, transfer);
		this.#transfers.set(transfer.id, history);
		this.#touched.transfers.add(transfer.id);
	}

	#move(entry: Entry, sides: Sides, change: Change): void {
		this.accounts.move(entry, sides, change, this.head.sequence);
		for (const id of [sides.debitAccountId, sides.creditAccountId]) this.#touched.accounts.add(id);
	}
}

const isReleased = ({ state }: Transfer): boolean => state === "voided" || state === "expired";

const mustBeAmount = (id: CommandId, amount: number): void =>
	must("asked", isAmount(amount), () => `${id} is of ${amount}`);

function mustBe<Field extends keyof Entry>(field: Field, entry: Entry, expected: Entry[Field] | undefined): void {
	const isSo = isDeepStrictEqual(entry[field], expected);
	must("asked", isSo, () => `${field} of ${entry.id} is ${text(entry[field])}, it should be ${text(expected)}`);
}

const text = (value: unknown): string => JSON.stringify(value);
