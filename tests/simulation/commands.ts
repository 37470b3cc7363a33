import type {
	AccountId,
	AccountKind,
	Command,
	CommandId,
	Entry,
	Jti,
	TransferId,
	TransferKind,
} from "../../services/credit/model.ts";
import type { Random } from "../ledger/random-log.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;
type Base = Pick<Command, "id" | "fingerprint">;

export const baseOf = (id: string): Base => ({ id: id as CommandId, fingerprint: `asked ${id}` });

export const openingOf = (accountId: AccountId): Of<"open"> => ({
	...baseOf(`system.open:${accountId}`),
	type: "open",
	accountId,
	kind: accountId.slice(0, accountId.indexOf(":")) as AccountKind,
	owner: `owner of ${accountId}`,
});

const account = (id: string) => id as AccountId;
const SYSTEM = ["system:funding", "system:settlement", "system:adjustment"].map(account);
const [FUNDING, SETTLEMENT, ADJUSTMENT] = SYSTEM as [AccountId, AccountId, AccountId];

/** What was asked for lately, so that commands meet; older ones are met now and then. */
class Recent<T> {
	readonly #all: T[] = [];

	add(value: T): void {
		this.#all.push(value);
	}

	pick(random: Random, none: T): T {
		const { length } = this.#all;
		if (length === 0) return none;
		const back = random.below(random.once(8) ? length : Math.min(length, 12));
		return this.#all[length - 1 - back] as T;
	}
}

const NOBODY = "nobody.asked" as CommandId;
const NO_AMOUNTS = [0, -1, 1.5, 1e12 + 1];

/** Which no transfer is refused for. */
export const EARLY_REFUSAL = "price_changed";

type Recipe = (base: Base) => Command;

/** What the people of one world ask for, at random: every command there is, about accounts and payments that they share. */
export class Commands {
	readonly #random: Random;
	readonly #wallets: AccountId[];
	readonly #stores: AccountId[];
	/** What is there, and what was asked for: the latter may be under way, refused, or unknown. */
	readonly #holds = { booked: new Recent<CommandId>(), asked: new Recent<CommandId>() };
	readonly #payments = { booked: new Recent<CommandId>(), asked: new Recent<CommandId>() };
	readonly #codes = new Recent<Jti>();
	readonly #closed: AccountId[] = [];
	/** Opened, and empty. */
	readonly #spare: AccountId[] = [];
	/** Ids that were cancelled before anybody used them. Somebody will. */
	readonly #keptOut: CommandId[] = [];
	readonly #toOpen: AccountId[] = [];
	#nowMs = 0;
	#count = 0;
	readonly #recipes: readonly (readonly [weight: number, Recipe])[] = [
		[16, (base) => this.#pay(base, "charge")],
		[36, (base) => this.#sale(base)],
		[11, (base) => this.#hold(base)],
		[6, (base) => this.#pay(base, "p2p")],
		[3, (base) => this.#pay(base, "payout")],
		[2, (base) => this.#pay(base, "adjustment")],
		[6, (base) => ({ ...base, type: "post", transferId: this.#target(this.#holds), ...this.#part() })],
		[2, (base) => ({ ...base, type: "void", transferId: this.#target(this.#holds) })],
		[2, (base) => ({ ...base, type: "expire", transferId: this.#target(this.#holds) })],
		[8, (base) => this.#refund(base)],
		[5, (base) => this.#cancel(base)],
		[3, (base) => this.#odd(base)],
	];

	constructor(random: Random, { wallets, stores }: { wallets: number; stores: number }) {
		this.#random = random;
		this.#wallets = Array.from({ length: wallets }, (_, n) => account(`wallet:u_${n}`));
		this.#stores = Array.from({ length: stores }, (_, n) => account(`store:s_${n}`));
	}

	/** What a world begins with. */
	opening(): Command[] {
		const charges = this.#wallets.map((wallet) =>
			this.#transfer(baseOf(this.newId("first")), "charge", FUNDING, wallet),
		);
		return [...[...SYSTEM, ...this.#wallets, ...this.#stores].map(openingOf), ...charges];
	}

	newId(scope: string): string {
		return `${scope}.${++this.#count}`;
	}

	next(scope: string, nowMs: number): Command {
		this.#nowMs = nowMs;
		const toOpen = this.#toOpen.pop();
		if (toOpen) return openingOf(toOpen);
		const late = this.#keptOut.length > 0 && this.#random.once(40) ? this.#keptOut.pop() : undefined;
		const base = baseOf(late ?? this.newId(scope));
		let dice = this.#random.below(100);
		for (const [weight, recipe] of this.#recipes) {
			if (dice < weight) return recipe(base);
			dice -= weight;
		}
		throw new RangeError("the weights do not add up to 100");
	}

	/** The same transfer, which another process refuses before the ledger is asked. */
	refusalOf({ id, fingerprint, kind }: Of<"transfer">): Of<"refuse"> {
		return { id, fingerprint, type: "refuse", kind, refusal: EARLY_REFUSAL };
	}

	cancelOf(scope: string, targetId: CommandId): Of<"cancel"> {
		return { ...baseOf(this.newId(scope)), type: "cancel", targetId, details: {} };
	}

	/** What clients were told, so that others can go on from there. */
	booked({ created }: Entry): void {
		if (!created) return;
		const id = created.id as string as CommandId;
		if (created.state === "pending") this.#holds.booked.add(id);
		if (created.kind === "sale") this.#payments.booked.add(id);
	}

	#pick({ booked, asked }: { booked: Recent<CommandId>; asked: Recent<CommandId> }): CommandId {
		return (this.#random.once(5) ? asked : booked).pick(this.#random, NOBODY);
	}

	#target(among: { booked: Recent<CommandId>; asked: Recent<CommandId> }): TransferId {
		return this.#pick(among) as string as TransferId;
	}

	#wallet(): AccountId {
		return this.#anyOf(this.#wallets);
	}
	#store(): AccountId {
		return this.#anyOf(this.#stores);
	}

	/** Now and then somebody pays one who is no longer there. */
	#anyOf(accounts: readonly AccountId[]): AccountId {
		const { once, pick } = this.#random;
		return pick(once(150) && this.#closed.length > 0 ? this.#closed : accounts);
	}

	/** In two of three cases a part of it, maybe more than there is. */
	#part(): { amount?: number } {
		return this.#random.once(3) ? {} : { amount: this.#amount(this.#random.pick([9, 60])) };
	}

	#amount(most: number): number {
		return this.#random.once(100) ? this.#random.pick(NO_AMOUNTS) : 1 + this.#random.below(most);
	}

	#pay(base: Base, kind: TransferKind): Of<"transfer"> {
		const { pick } = this.#random;
		const [wallet, store] = [this.#wallet(), this.#store()];
		switch (kind) {
			case "charge":
				return this.#transfer(base, kind, FUNDING, wallet, 300);
			case "payout":
				return this.#transfer(base, kind, store, SETTLEMENT, 100);
			case "adjustment":
				return this.#transfer(base, kind, ADJUSTMENT, pick([wallet, store]));
			case "refund":
				return this.#transfer(base, kind, store, wallet);
			default:
				return this.#transfer(base, kind, wallet, this.#wallet());
		}
	}

	#sale(base: Base): Of<"transfer"> {
		const sale = this.#transfer(base, "sale", this.#wallet(), this.#store());
		return { ...sale, ...(this.#random.once(3) && { redeem: this.#code() }), ...this.#deadline() };
	}

	#hold(base: Base): Of<"transfer"> {
		this.#holds.asked.add(base.id);
		return { ...this.#sale(base), hold: { ttlMs: this.#random.pick([1, 30, 300, 4_000]) } };
	}

	#transfer(base: Base, kind: TransferKind, from: AccountId, to: AccountId, most = 60): Of<"transfer"> {
		this.#payments.asked.add(base.id);
		const amount = this.#amount(most);
		const details = { note: `한닢 🪙 ${base.id}` };
		return { ...base, type: "transfer", kind, debitAccountId: from, creditAccountId: to, amount, details };
	}

	/** Somebody shows a code a second time, or too late, or for more than it was made for. */
	#code(): NonNullable<Of<"transfer">["redeem"]> {
		const fresh = `jti ${this.newId("code")}` as Jti;
		const jti = this.#random.once(5) ? this.#codes.pick(this.#random, fresh) : fresh;
		this.#codes.add(jti);
		return { jti, expiresAtMs: this.#nowMs + this.#random.pick([1, 400, 3_000, 3_000, 3_000, 3_000]), cap: 55 };
	}

	#deadline(): { deadlineMs?: number } {
		if (!this.#random.once(8)) return {};
		return { deadlineMs: this.#nowMs + this.#random.pick([-1, 30, 3_000, 3_000, 3_000]) };
	}

	#refund(base: Base): Of<"refund"> {
		return {
			...base,
			type: "refund",
			transferId: this.#target(this.#payments),
			details: { reason: base.id },
			...this.#part(),
		};
	}

	#cancel(base: Base): Of<"cancel"> {
		const { once, pick } = this.#random;
		if (once(12)) return { ...base, type: "cancel", targetId: pick([base.id, openingOf(FUNDING).id]), details: {} };
		if (!once(4)) return { ...base, type: "cancel", targetId: this.#pick(this.#payments), details: {} };
		const targetId = this.newId("kept.out") as CommandId;
		this.#keptOut.push(targetId);
		return { ...base, type: "cancel", targetId, details: {} };
	}

	#odd(base: Base): Command {
		if (this.#random.once(4)) return this.#open(base);
		return this.#random.once(8) ? this.#pay(base, "refund") : this.#setState(base);
	}

	#setState(base: Base): Of<"set-state"> {
		const { once, pick } = this.#random;
		const used = pick(once(9) && this.#closed.length > 0 ? this.#closed : once(3) ? this.#stores : this.#wallets);
		const state = once(40) ? "closed" : once(20) ? "frozen" : "open";
		// One that is in use is mostly not empty, and cannot be closed.
		const accountId = (state === "closed" && this.#spare.pop()) || used;
		if (state === "closed") this.#replace(accountId);
		return { ...base, type: "set-state", accountId, state, reason: "at random" };
	}

	/** A closed account stays closed; people open another one. And one more that nobody uses before it is closed. */
	#replace(closed: AccountId): void {
		this.#closed.push(closed);
		const spare = account(`${closed.split("+")[0]}+${++this.#count}`);
		this.#toOpen.push(spare);
		this.#spare.push(spare);
		for (const accounts of [this.#wallets, this.#stores]) {
			const at = accounts.indexOf(closed);
			if (at < 0) continue;
			const next = account(`${closed.split("+")[0]}+${++this.#count}`);
			accounts[at] = next;
			this.#toOpen.push(next);
		}
	}

	#open(base: Base): Of<"open"> {
		const { pick } = this.#random;
		return { ...openingOf(pick([...this.#wallets, ...this.#stores])), ...pick([base, {}]) };
	}
}
