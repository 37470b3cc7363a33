import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type Answer, Oracle } from "../../tests/ledger/ledger-oracle.ts";
import { counters, deepFrozen, effectsOf, FrozenBook, T0 } from "../../tests/ledger/ledger-script.ts";
import { LogFold } from "../../tests/ledger/log-fold.ts";
import { type Script, type Step, scriptOf, step } from "../../tests/ledger/random-script.ts";
import { isAmount } from "../amount.ts";
import { Auditor } from "./audit.ts";
import { claimsOf, emptyHead, type Group, headOf, makeGroup } from "./journal.ts";
import { apply, type Book, decide, needs, type View } from "./ledger.ts";
import {
	type Account,
	type AccountId,
	availableOf,
	type Command,
	type CommandId,
	type Entry,
	type Jti,
	type Transfer,
	type TransferId,
} from "./model.ts";
import { Draft } from "./resident-book.ts";

/** The first invariant that a book breaks, in one sentence. */
function firstViolation(book: FrozenBook): string | null {
	let posted = 0;
	let pending = 0;
	for (const account of book.accounts.values()) {
		const { id, floor, debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
		posted += creditsPosted - debitsPosted;
		pending += creditsPending - debitsPending;
		for (const counter of [debitsPosted, creditsPosted, debitsPending, creditsPending])
			if (counter < 0 || !Number.isSafeInteger(counter)) return `${id} has a counter of ${counter}`;
		if (floor !== null && availableOf(account) < floor) return `${id} has ${availableOf(account)} available`;
	}
	if (posted !== 0) return `the sum over all accounts is ${posted} posted`;
	if (pending !== 0) return `the sum over all accounts is ${pending} pending`;
	return violatingTransfer(book);
}

function violatingTransfer(book: FrozenBook): string | null {
	for (const { id, amount, refunded, state, expiresAtMs, kind } of book.transfers.values()) {
		if (!isAmount(amount)) return `${id} is of ${amount}`;
		if (refunded < 0 || refunded > amount) return `${refunded} of the ${amount} of ${id} was refunded`;
		if (refunded > 0 && (kind !== "sale" || state !== "posted")) return `a ${state} ${kind} was refunded: ${id}`;
		if (state === "pending" && expiresAtMs === null) return `the hold ${id} never ends`;
	}
	return null;
}

/** Where the book and the oracle differ, in one sentence. */
function firstDifference(book: FrozenBook, oracle: Oracle): string | null {
	if (book.accounts.size !== oracle.states.size) return "they have other accounts";
	for (const { id, state } of book.accounts.values()) {
		const expected = [
			id,
			oracle.sum("posted", "from", id),
			oracle.sum("posted", "to", id),
			oracle.sum("pending", "from", id),
			oracle.sum("pending", "to", id),
		];
		const found = counters(book, id);
		if (`${found}` !== `${expected}`) return `${id} stands at ${found}, it should at ${expected}`;
		if (state !== oracle.states.get(id)) return `${id} is ${state}`;
	}
	if (book.transfers.size !== oracle.moved.size) return "they have other transfers";
	for (const { id, state, amount, refunded } of book.transfers.values()) {
		const moved = oracle.moved.get(id);
		if (moved?.state !== state || moved.amount !== amount) return `${id} is ${state} with ${amount}`;
		if (oracle.refunded(id) !== refunded) return `${refunded} of ${id} was refunded, not ${oracle.refunded(id)}`;
	}
	const codes = [...book.redeemed].sort();
	return isDeepStrictEqual(codes, [...oracle.codes].sort()) ? null : `the codes used are ${codes}`;
}

/** Notes what is looked at, and has no way to write. */
class WatchedView implements View {
	readonly #book: View;
	readonly accounts = new Set<AccountId>();
	readonly transfers = new Set<TransferId>();
	constructor(book: View) {
		this.#book = book;
	}
	account(id: AccountId): Account | undefined {
		this.accounts.add(id);
		return this.#book.account(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		this.transfers.add(id);
		return this.#book.transfer(id);
	}
	entry(id: CommandId): Entry | undefined {
		return this.#book.entry(id);
	}
	isRedeemed(id: Jti): boolean {
		return this.#book.isRedeemed(id);
	}
}

const words = (decision: ReturnType<typeof decide>): string =>
	decision.kind === "reused" ? "reused" : `${decision.kind} ${decision.entry.refusal ?? "applied"}`;

/** A transfer that was refused early is one that was refused. */
const typeOf = ({ type }: Command) => (type === "refuse" ? "transfer" : type);

const fromLog = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("whatever is asked in whatever order", () => {
	const steps = fc.array(step, { maxLength: 70, size: "max" });
	const check = (property: fc.IProperty<[Step[]]>, numRuns = 400) => fc.assert(property, { numRuns });

	it("every command meets every answer that it can get, or the properties below would prove little", () => {
		const seen = new Set<string>();
		for (const steps of fc.sample(fc.array(step, { minLength: 70, maxLength: 70 }), { numRuns: 1_000, seed: 1 })) {
			const oracle = new Oracle();
			for (const { command, nowMs } of scriptOf(steps)) seen.add(`${command.type}: ${oracle.ask(command, nowMs)}`);
		}
		const answers: Record<Command["type"], Answer[]> = {
			open: ["applied", "account_exists"],
			"set-state": ["applied", "account_not_found", "account_closed", "account_not_empty"],
			transfer: [
				...(["applied", "deadline_exceeded", "code_used", "code_expired", "amount_out_of_range"] as const),
				...(["code_cap_exceeded", "account_not_found", "same_account", "account_frozen"] as const),
				...(["account_closed", "insufficient_credit", "not_refundable"] as const),
			],
			refuse: ["price_changed"],
			post: [
				...(["applied", "transfer_not_found", "not_pending", "hold_expired", "amount_out_of_range"] as const),
				...(["amount_exceeds_hold", "account_frozen"] as const),
			],
			void: ["applied", "transfer_not_found", "not_pending"],
			expire: ["applied", "transfer_not_found", "not_pending"],
			refund: [
				...(["applied", "transfer_not_found", "not_refundable", "refund_exceeds_sale", "account_closed"] as const),
				...(["amount_out_of_range", "insufficient_credit", "account_frozen"] as const),
			],
			cancel: [
				...(["applied", "not_refundable", "insufficient_credit", "account_closed", "account_frozen"] as const),
				...(["not_cancellable"] as const),
			],
		};
		const missing = Object.entries(answers)
			.flatMap(([type, of]) => [
				...of.map((answer) => `${type}: new ${answer}`),
				...[`${type}: replay applied`, `${type}: replay cancelled`, `${type}: reused`],
			])
			.filter((key) => !seen.has(key));
		assert.deepEqual(missing, []);
	});

	it("the answer, all balances and all transfers are the model's, and no invariant breaks at any step", () => {
		const property = fc.property(steps, (steps) => {
			const book = new FrozenBook();
			const oracle = new Oracle();
			for (const { command, nowMs } of scriptOf(steps)) {
				const expected = oracle.ask(command, nowMs);
				const decision = decide(book, command, nowMs);
				assert.equal(words(decision), expected, `${command.type} ${command.id}`);
				if (decision.kind === "new") apply(book, decision.entry);
				assert.equal(
					firstViolation(book) ?? firstDifference(book, oracle),
					null,
					`after ${command.type} ${command.id}`,
				);
			}
		});
		check(property, 3_000);
	});

	it("decide is pure: the same question has the same answer, and the view stays as it is", () => {
		const property = fc.property(steps, (steps) => {
			const book = new FrozenBook();
			for (const { command, nowMs } of scriptOf(steps)) {
				const before = book.copy();
				const decision = decide(new WatchedView(book), deepFrozen(structuredClone(command)), nowMs);
				assert.deepEqual(decide(book, command, nowMs), decision);
				assert.deepEqual(book, before, "deciding changed the book");
				if (decision.kind === "new") apply(book, decision.entry);
			}
		});
		check(property, 100);
	});

	it("decide looks at no account and no transfer but those that needs names", () => {
		const property = fc.property(steps, (steps) => {
			const book = new FrozenBook();
			for (const { command, nowMs } of scriptOf(steps)) {
				const view = new WatchedView(book);
				const decision = decide(view, command, nowMs);
				const named = needs(book, command);
				const unnamed = [
					...[...view.accounts].filter((id) => !named.accounts.includes(id)),
					...[...view.transfers].filter((id) => !named.transfers.includes(id)),
				];
				assert.deepEqual(unnamed, [], `${command.type} ${command.id}`);
				if (decision.kind === "new") apply(book, decision.entry);
			}
		});
		check(property);
	});

	it("an entry is only about its command; what is refused has no effect but a used code", () => {
		const property = fc.property(steps, (steps) => {
			const claims = new Set<string>();
			for (const { entry, command } of logOf(scriptOf(steps)).log) {
				assert.deepEqual([entry.id, entry.type, entry.fingerprint], [command.id, typeOf(command), command.fingerprint]);
				const { refusal, redeemed, ...effects } = effectsOf(entry);
				if (refusal) assert.deepEqual(effects, {});
				if (redeemed) assert.equal(entry.type, "transfer");
				for (const claim of claimsOf(entry)) {
					assert.equal(claims.has(claim), false, `${claim} was claimed twice`);
					claims.add(claim);
				}
			}
		});
		check(property);
	});

	it("the audit, and a reader that only adds up, find nothing wrong with what the core decided", () => {
		const property = fc.property(steps, fc.integer({ min: 1, max: 5 }), (steps, size) => {
			const auditor = new Auditor();
			const fold = new LogFold();
			for (const group of groupsOf(scriptOf(steps), size)) {
				assert.equal(auditor.check(group), null);
				assert.equal(fold.take(group), null);
			}
			assert.equal(auditor.finish(), null);
			for (const account of fold.accounts.values()) assert.equal(auditor.compare(account), null);
		});
		fc.assert(property, { numRuns: 400 });
	});

	it("the entries applied in order to an empty book give the book again, read from their JSON as well", () => {
		const property = fc.property(steps, (steps) => {
			const { log, book } = logOf(scriptOf(steps));
			const replayed = new FrozenBook();
			for (const { entry } of log) apply(replayed, fromLog(entry));
			assert.deepEqual(replayed, book);
		});
		check(property);
	});

	it("a group applied once more from its first entry changes nothing: a catch-up that failed half way may start again", () => {
		const property = fc.property(steps, fc.nat(69), (steps, cut) => {
			const { log, book } = logOf(scriptOf(steps));
			const replayed = new FrozenBook();
			for (const { entry } of log) apply(replayed, entry);
			for (const { entry } of log.slice(cut)) apply(replayed, entry);
			assert.deepEqual(replayed, book);
		});
		fc.assert(property, { numRuns: 200 });
	});

	it("a draft that is thrown away leaves no trace, and absorbing it is the same as applying directly", () => {
		const property = fc.property(steps, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (steps, sizes) => {
			const direct = logOf(scriptOf(steps)).book;
			const book = new FrozenBook();
			for (let rest = scriptOf(steps); rest.length > 0; ) {
				const size = sizes.next().value ?? 1;
				const before = book.copy();
				const thrownAway = new Draft(book);
				const decisions = playInto(thrownAway, rest.slice(0, size));
				assert.deepEqual(book, before, "the draft reached through");
				const draft = new Draft(book);
				assert.deepEqual(
					playInto(draft, rest.slice(0, size)),
					decisions,
					"the draft that was thrown away left a trace",
				);
				draft.absorbInto(book);
				rest = rest.slice(size);
			}
			assert.deepEqual(book, direct);
		});
		fc.assert(property, { numRuns: 200 });
	});
});

function playInto(book: Book, script: Script) {
	return script.map(({ command, nowMs }) => {
		const decision = decide(book, command, nowMs);
		if (decision.kind === "new") apply(book, decision.entry);
		return decision;
	});
}

function logOf(script: Script): { log: { entry: Entry; command: Command }[]; book: FrozenBook } {
	const book = new FrozenBook();
	const log = playInto(book, script).flatMap((decision, index) => {
		const command = script[index]?.command;
		return decision.kind === "new" && command ? [{ entry: decision.entry, command }] : [];
	});
	return { log, book };
}

/** The script's log in groups of at most so many commands; each has one time. */
function groupsOf(script: Script, size: number): Group[] {
	const book = new FrozenBook();
	const groups: Group[] = [];
	for (let rest = script; rest.length > 0; ) {
		const nowMs = rest[0]?.nowMs ?? T0;
		const together = rest.slice(0, size).filter((each) => each.nowMs === nowMs);
		rest = rest.slice(together.length);
		const entries = playInto(book, together).flatMap((decision) => (decision.kind === "new" ? [decision.entry] : []));
		const last = groups.at(-1);
		groups.push(makeGroup({ lane: 0, previous: last ? headOf(last) : emptyHead, nowMs, entries }));
	}
	return groups;
}
