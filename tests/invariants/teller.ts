import { call, type Params, type Result } from "../../services/actions.ts";
import { type ProblemCode, problemOf } from "../../services/errors.ts";
import type { Ledger } from "./ledger.ts";
import type { Reader } from "./reader.ts";

export type TransferParams = Params<"credit.transfer">;
export type Booked = Result<"credit.transfer">;
export type Order = { readonly from: string; readonly to: string; readonly amount: number } & Partial<
	Pick<TransferParams, "id" | "kind" | "hold" | "redeem" | "deadlineMs">
>;

export const FUNDING = "system:funding";
export const SYSTEM = [FUNDING, "system:settlement", "system:fees", "system:adjustment"];

let accounts = 0;
/** Never used before, in any ledger of this process. */
export const newAccountId = (kind: "wallet" | "store"): string => {
	const prefix = kind === "wallet" ? "wallet:u_" : "store:s_";
	return `${prefix}${String(++accounts).padStart(16, "0")}`;
};

/** Words what tests ask of a ledger. */
export class Teller {
	readonly ledger: Ledger;

	constructor(ledger: Ledger) {
		this.ledger = ledger;
	}

	async open(kind: "wallet" | "store"): Promise<string> {
		const accountId = newAccountId(kind);
		await call(this.ledger, "credit.open", { accountId, owner: accountId.slice(accountId.indexOf(":") + 1) });
		return accountId;
	}

	async wallet({ credit = 0 }: { credit?: number } = {}): Promise<string> {
		const accountId = await this.open("wallet");
		if (credit > 0) await this.transfer({ kind: "charge", from: FUNDING, to: accountId, amount: credit });
		return accountId;
	}

	wallets(count: number, holding: { credit: number }): Promise<string[]> {
		return Promise.all(Array.from({ length: count }, () => this.wallet(holding)));
	}

	command(id = this.ledger.newId()) {
		return { id, fingerprint: `asked ${id}` };
	}

	/** What is sent for an order: the same thing again is the same command. */
	params({ from, to, amount, kind = "sale", id, ...more }: Order): TransferParams {
		const command = this.command(id);
		const details = { note: `한닢 🪙 ${command.id}`, items: [{ name: "Americano", quantity: 1, amount }] };
		return { ...command, kind, debitAccountId: from, creditAccountId: to, amount, details, ...more };
	}

	transfer(order: Order): Promise<Booked> {
		return call(this.ledger, "credit.transfer", this.params(order));
	}

	reader(): Promise<Reader> {
		return this.ledger.reader();
	}
}

/** What was answered, and how often each refusal was. */
export async function settle<T>(work: readonly Promise<T>[]) {
	const values: T[] = [];
	const refusals: Partial<Record<ProblemCode, number>> = {};
	for (const outcome of await Promise.allSettled(work)) {
		if (outcome.status === "fulfilled") values.push(outcome.value);
		else {
			const code = problemOf(outcome.reason);
			refusals[code] = (refusals[code] ?? 0) + 1;
		}
	}
	return { values, refusals };
}

export const times = <T>(count: number, make: (index: number) => T): T[] =>
	Array.from({ length: count }, (_, n) => make(n));
