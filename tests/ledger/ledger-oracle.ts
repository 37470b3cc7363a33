import { isAmount } from "../../services/amount.ts";
import type { AccountState, Command, Refusal, TransferKind, TransferState } from "../../services/credit/model.ts";
import type { Of } from "./ledger-script.ts";

// 3. Properties: arbitrary sequences over few accounts, held against a model that shares nothing with the core.

type Moved = {
	kind: TransferKind;
	from: string;
	to: string;
	amount: number;
	state: TransferState;
	expiresAtMs: number | null;
	refundOf: string | null;
};

export type Answer = Refusal | "applied";

/**
 * The rules once more, as a person would tell them: there are no counters, what an account has is summed up from all that moved;
 * what was refunded is the sum of the refunds.
 */
export class Oracle {
	readonly states = new Map<string, AccountState>();
	readonly moved = new Map<string, Moved>();
	readonly answers = new Map<string, { readonly asked: string; readonly answer: Answer }>();
	readonly keptOut = new Set<string>();
	readonly codes = new Set<string>();

	sum(state: "posted" | "pending", side: "from" | "to", accountId: string): number {
		let sum = 0;
		for (const moved of this.moved.values())
			if (moved.state === state && moved[side] === accountId) sum += moved.amount;
		return sum;
	}
	available(id: string): number {
		return this.sum("posted", "to", id) - this.sum("posted", "from", id) - this.sum("pending", "from", id);
	}
	refunded(id: string): number {
		let sum = 0;
		for (const { refundOf, amount } of this.moved.values()) if (refundOf === id) sum += amount;
		return sum;
	}

	ask(command: Command, nowMs: number): string {
		const asked = `${command.type === "refuse" ? "transfer" : command.type} ${command.fingerprint}`;
		if (this.keptOut.has(command.id)) return "replay cancelled";
		const before = this.answers.get(command.id);
		if (before) return before.asked === asked ? `replay ${before.answer}` : "reused";
		const answer = this.#decide(command, nowMs);
		this.answers.set(command.id, { asked, answer });
		return `new ${answer}`;
	}

	#decide(command: Command, nowMs: number): Answer {
		switch (command.type) {
			case "open":
				if (this.states.has(command.accountId)) return "account_exists";
				this.states.set(command.accountId, "open");
				return "applied";
			case "set-state":
				return this.#setState(command);
			case "transfer":
				return this.#pay(command, nowMs);
			case "refuse":
				return command.refusal;
			case "post":
				return this.#post(command, nowMs);
			case "void":
				return this.#end(command.transferId, "voided");
			case "expire": {
				const hold = this.moved.get(command.transferId);
				if (hold?.state === "pending" && nowMs < (hold.expiresAtMs ?? Number.POSITIVE_INFINITY)) return "not_pending";
				return this.#end(command.transferId, "expired");
			}
			case "refund":
				return this.#refund(command);
			case "cancel":
				return this.#cancel(command);
		}
	}

	#setState({ accountId, state }: Of<"set-state">): Answer {
		const before = this.states.get(accountId);
		if (before === undefined) return "account_not_found";
		if (before === "closed") return "account_closed";
		if (state === "closed" && !this.#isEmpty(accountId)) return "account_not_empty";
		this.states.set(accountId, state);
		return "applied";
	}

	#isEmpty(id: string): boolean {
		const balance = this.sum("posted", "to", id) - this.sum("posted", "from", id);
		return balance === 0 && this.sum("pending", "from", id) === 0 && this.sum("pending", "to", id) === 0;
	}

	#pay(command: Of<"transfer">, nowMs: number): Answer {
		const { id, kind, amount, hold, redeem, deadlineMs } = command;
		if (deadlineMs !== undefined && deadlineMs < nowMs) return "deadline_exceeded";
		if (redeem) {
			if (this.codes.has(redeem.jti)) return "code_used";
			if (redeem.expiresAtMs <= nowMs) return "code_expired";
			this.codes.add(redeem.jti);
		}
		if (!isAmount(amount)) return "amount_out_of_range";
		if (kind === "refund") return "not_refundable";
		if (redeem && redeem.cap < amount) return "code_cap_exceeded";
		const sides = { from: command.debitAccountId, to: command.creditAccountId };
		const blocked = this.#blocked(sides, kind);
		if (blocked) return blocked;
		if (!this.#covers(sides.from, amount)) return "insufficient_credit";
		const state = hold ? "pending" : "posted";
		const expiresAtMs = hold ? nowMs + hold.ttlMs : null;
		this.moved.set(id, { ...sides, kind, amount, state, expiresAtMs, refundOf: null });
		return "applied";
	}

	#blocked({ from, to }: { from: string; to: string }, kind: TransferKind): Refusal | undefined {
		if (!this.states.has(from) || !this.states.has(to)) return "account_not_found";
		if (from === to) return "same_account";
		for (const id of [from, to]) {
			const state = this.states.get(id);
			const excepted = kind === "adjustment" || (kind === "refund" && id === to);
			if (state === "closed" || (state === "frozen" && !excepted)) return `account_${state}`;
		}
		return undefined;
	}

	#covers(id: string, amount: number): boolean {
		return id.startsWith("system:") || this.available(id) >= amount;
	}

	#post({ transferId, amount }: Of<"post">, nowMs: number): Answer {
		const hold = this.moved.get(transferId);
		if (!hold) return "transfer_not_found";
		if (hold.state !== "pending") return "not_pending";
		if (hold.expiresAtMs !== null && hold.expiresAtMs <= nowMs) return "hold_expired";
		const posted = amount ?? hold.amount;
		if (!isAmount(posted)) return "amount_out_of_range";
		if (posted > hold.amount) return "amount_exceeds_hold";
		const blocked = this.#blocked(hold, hold.kind);
		if (blocked) return blocked;
		Object.assign(hold, { state: "posted", amount: posted });
		return "applied";
	}

	#end(id: string, state: "voided" | "expired"): Answer {
		const hold = this.moved.get(id);
		if (!hold) return "transfer_not_found";
		if (hold.state !== "pending") return "not_pending";
		hold.state = state;
		return "applied";
	}

	#refund({ id, transferId, amount }: Of<"refund">): Answer {
		const sale = this.moved.get(transferId);
		if (!sale) return "transfer_not_found";
		if (sale.kind !== "sale" || sale.state !== "posted") return "not_refundable";
		const left = sale.amount - this.refunded(transferId);
		const back = amount ?? left;
		if (left === 0 || back > left) return "refund_exceeds_sale";
		if (!isAmount(back)) return "amount_out_of_range";
		return this.#giveBack({ id, saleId: transferId, amount: back });
	}

	#giveBack({ id, saleId, amount }: { id: string; saleId: string; amount: number }): Answer {
		const sale = this.moved.get(saleId);
		if (!sale) throw new Error("there is no sale to refund");
		const sides = { from: sale.to, to: sale.from };
		const blocked = this.#blocked(sides, "refund");
		if (blocked) return blocked;
		if (!this.#covers(sides.from, amount)) return "insufficient_credit";
		this.moved.set(id, { ...sides, kind: "refund", amount, state: "posted", expiresAtMs: null, refundOf: saleId });
		return "applied";
	}

	#cancel({ id, targetId }: Of<"cancel">): Answer {
		if (id === targetId) return "not_cancellable";
		const target = this.moved.get(targetId);
		if (!target) return this.#cancelUnmade(targetId);
		if (target.state === "pending") return this.#end(targetId, "voided");
		if (target.state !== "posted") return "applied";
		if (target.kind !== "sale") return "not_refundable";
		const amount = target.amount - this.refunded(targetId);
		return amount === 0 ? "applied" : this.#giveBack({ id, saleId: targetId, amount });
	}

	#cancelUnmade(targetId: string): Answer {
		const seen = this.answers.get(targetId);
		if (seen?.answer === "applied") return "not_cancellable";
		if (!seen) this.keptOut.add(targetId);
		return "applied";
	}

	fitting(which: "hold" | "sale" | "transfer"): string[] {
		const fits = ({ state, kind }: Moved) =>
			which === "transfer" || (which === "hold" ? state === "pending" : kind === "sale" && state === "posted");
		return [...this.moved].filter(([, moved]) => fits(moved)).map(([id]) => id);
	}
}
