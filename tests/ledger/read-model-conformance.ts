import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
	claimsOf,
	emptyHead,
	entriesOf,
	type Group,
	hashOf,
	headOf,
	makeGroup,
} from "../../services/credit/journal.ts";
import { apply, decide } from "../../services/credit/ledger.ts";
import type {
	Account,
	AccountId,
	Command,
	CommandId,
	Counters,
	Entry,
	Jti,
	Transfer,
	TransferId,
	TransferKind,
} from "../../services/credit/model.ts";
import {
	HOUR_MS,
	type ReadModel,
	type StatementLine,
	type StatementQuery,
	type Total,
} from "../../services/credit/read-model.ts";
import { ResidentBook } from "../../services/credit/resident-book.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { MemoryJournal, MemoryLog } from "./memory-journal.ts";

// 1. Logs: random ones that the real core decided.

/** A small generator that gives the same numbers for the same seed everywhere (mulberry32). */
export function seeded(seed: number) {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	const below = (bound: number): number => Math.floor(next() * bound);
	return {
		below,
		/** True once in `times`. */
		once: (times: number): boolean => below(times) === 0,
		pick: <T>(of: readonly T[]): T => {
			if (of.length === 0) throw new RangeError("there is nothing to pick from");
			return of[below(of.length)] as T;
		},
	};
}
export type Random = ReturnType<typeof seeded>;

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;
export const idOf = (id: string) => ({ id: id as CommandId, fingerprint: `asked ${id}` });

export const openCommand = (id: string): Of<"open"> => ({
	...idOf(`open.${id}`),
	type: "open",
	accountId: id as AccountId,
	kind: id.startsWith("system:") ? "system" : id.startsWith("store:") ? "store" : "wallet",
	owner: `owner of ${id}`,
});

export const payCommand = (
	id: string,
	kind: TransferKind,
	{ from, to, amount }: { from: string; to: string; amount: number },
): Of<"transfer"> => ({
	...idOf(id),
	type: "transfer",
	kind,
	debitAccountId: from as AccountId,
	creditAccountId: to as AccountId,
	amount,
	details: { note: `한닢 🪙 ${id}`, items: [{ name: "라떼", count: 2 }] },
});

export const FUNDING = "system:funding";
export const WALLETS = ["wallet:u_1", "wallet:u_2", "wallet:u_3"];
export const STORES = ["store:s_1", "store:s_2"];
export const ACCOUNTS = [FUNDING, "system:settlement", ...WALLETS, ...STORES];

/** What was asked lately: so that commands meet. */
export class Asked {
	count = 0;
	readonly #holds: string[] = [];
	readonly #payments: string[] = [];

	add({ id, hold }: Of<"transfer">): void {
		for (const ids of hold ? [this.#payments, this.#holds] : [this.#payments]) {
			ids.push(id);
			if (ids.length > 6) ids.shift();
		}
	}

	pick(random: Random, which: "hold" | "payment"): TransferId {
		const ids = which === "hold" ? this.#holds : this.#payments;
		return (ids.length === 0 ? "none" : random.pick(ids)) as TransferId;
	}
}

/** Any command, about few accounts and what was asked lately. */
export function anyCommand(
	random: Random,
	asked: Asked,
	{ nowMs, scope = "r" }: { nowMs: number; scope?: string },
): Command {
	const id = `${scope}.${++asked.count}`;
	const dice = random.below(100);
	if (dice < 60) {
		const payment = anyPayment(random, { id, dice, nowMs });
		asked.add(payment);
		return payment;
	}
	const part = random.once(3) ? {} : { amount: 1 + random.below(random.pick([9, 60])) };
	if (dice < 68) return { ...idOf(id), type: "post", transferId: asked.pick(random, "hold"), ...part };
	if (dice < 71) return { ...idOf(id), type: "void", transferId: asked.pick(random, "hold") };
	if (dice < 76) return { ...idOf(id), type: "expire", transferId: asked.pick(random, "hold") };
	const transferId = asked.pick(random, "payment");
	if (dice < 90) return { ...idOf(id), type: "refund", transferId, details: { reason: `back ${id}` }, ...part };
	if (dice < 97) {
		// Now and then an id that was never seen, and may come later.
		const targetId = (random.once(3) ? `${scope}.${asked.count + 1 + random.below(4)}` : transferId) as CommandId;
		return { ...idOf(id), type: "cancel", targetId, details: {} };
	}
	const accountId = random.pick([...WALLETS, ...STORES]) as AccountId;
	const state = random.once(8) ? "frozen" : "open";
	return { ...idOf(id), type: "set-state", accountId, state, reason: "at random" };
}

function anyPayment(random: Random, { id, dice, nowMs }: { id: string; dice: number; nowMs: number }): Of<"transfer"> {
	const amount = 1 + random.below(60);
	const [wallet, store] = [random.pick(WALLETS), random.pick(STORES)];
	if (dice < 12) return payCommand(id, "charge", { from: FUNDING, to: wallet, amount: amount * 3 });
	if (dice < 16) return payCommand(id, "p2p", { from: wallet, to: random.pick(WALLETS), amount });
	if (dice < 18) return payCommand(id, "payout", { from: store, to: "system:settlement", amount });
	const sale = payCommand(id, "sale", { from: wallet, to: store, amount });
	const redeem = {
		jti: `code ${random.below(500)} of ${id.length}` as Jti,
		expiresAtMs: nowMs + 1 + random.below(9),
		cap: 55,
	};
	return {
		...sale,
		...(dice < 36 && { hold: { ttlMs: random.pick([1, 300, 2_000_000, 6_000_000]) } }),
		...(random.once(3) && { redeem }),
		...(random.once(20) && { deadlineMs: nowMs - 1 + random.below(3) }),
	};
}

export const OPENING: readonly Command[] = ACCOUNTS.map(openCommand);

/** A log as the ledger writes it, with everything in it that can happen; the time goes on by up to half an hour a group. */
export function randomLog({
	seed,
	groups,
	entriesMax = 4,
}: {
	seed: number;
	groups: number;
	entriesMax?: number;
}): Group[] {
	const random = seeded(seed);
	const log = new LogMaker();
	const asked = new Asked();
	log.add(OPENING);
	while (log.groups.length < groups) {
		const nowMs = log.nowMs + random.pick([0, 0, 1, 5, 400, 600_000, 1_800_000]);
		const count = 1 + random.below(entriesMax);
		log.add(
			Array.from({ length: count }, () => anyCommand(random, asked, { nowMs })),
			nowMs,
		);
	}
	return log.groups;
}

/** A log in memory with these groups in it. */
export function memoryOf(groups: readonly Group[]): MemoryLog {
	const memory = new MemoryLog();
	for (const group of groups) memory.append(group, entriesOf(group).flatMap(claimsOf));
	return memory;
}

/** Makes groups from commands through the real core. */
export class LogMaker {
	readonly groups: Group[];
	readonly #book = new ResidentBook();
	nowMs: number;

	/** @param groups what there is already */
	constructor(groups: readonly Group[] = []) {
		this.groups = [...groups];
		this.nowMs = groups.at(-1)?.committedAtMs ?? 1_700_000_000_000;
		for (const entry of groups.flatMap(entriesOf)) apply(this.#book, entry);
	}

	with(commands: readonly Command[]): Group[] {
		this.add(commands);
		return this.groups;
	}

	add(commands: readonly Command[], nowMs = this.nowMs): Group | undefined {
		this.nowMs = nowMs;
		const entries = commands.flatMap((command) => {
			const decision = decide(this.#book, command, nowMs);
			if (decision.kind !== "new") return [];
			apply(this.#book, decision.entry);
			return [decision.entry];
		});
		if (entries.length === 0) return undefined;
		const last = this.groups.at(-1);
		const group = makeGroup({ lane: 0, previous: last ? headOf(last) : emptyHead, nowMs, entries });
		this.groups.push(group);
		return group;
	}
}

// 2. What a log means, by a reader that has nothing in common with `apply`, `Auditor` or a read model.

type Sums = [debitsPosted: number, creditsPosted: number, debitsPending: number, creditsPending: number];
type Movement = { created: Entry["created"]; changed: Entry["changed"]; before: Transfer | undefined };
type At = { readonly group: Group; readonly position: number };
type Line = Omit<StatementLine, "kind" | "state" | "refunded" | "reference" | "counterpartyId" | "details">;

/** Adds up what transfers say, never what counters say, and compares both; `take` names the first thing that is wrong. */
export class LogFold {
	readonly accounts = new Map<string, Account>();
	readonly transfers = new Map<string, Transfer>();
	readonly claims = new Map<string, number>();
	readonly #lines: Line[] = [];
	#head = emptyHead;

	/** @throws what is wrong */
	static of(groups: readonly Group[]): LogFold {
		const fold = new LogFold();
		for (const group of groups) {
			const wrong = fold.take(group);
			if (wrong) throw new Error(wrong);
		}
		return fold;
	}

	take(group: Group): string | null {
		const { sequence, previousHash, committedAtMs } = group;
		if (sequence !== this.#head.sequence + 1) return `${sequence} comes after ${this.#head.sequence}`;
		if (previousHash !== this.#head.hash || group.hash !== hashOf(group)) return `the chain is broken at ${sequence}`;
		if (committedAtMs < this.#head.committedAtMs) return `time runs backwards at ${sequence}`;
		for (const [position, entry] of entriesOf(group).entries()) {
			const wrong = this.#takeEntry(entry, { group, position }) ?? this.#unbalanced();
			if (wrong) return `group ${sequence}, ${entry.type} ${entry.id}: ${wrong}`;
		}
		this.#head = headOf(group);
		return null;
	}

	#takeEntry(entry: Entry, at: At): string | null {
		for (const claim of claimsOf(entry)) {
			if (this.claims.has(claim)) return `${claim} was claimed in group ${this.claims.get(claim)} before`;
			this.claims.set(claim, at.group.sequence);
		}
		const { refusal, opened, stateSet, created, changed, counters, tombstone } = entry;
		if (refusal)
			return (opened ?? stateSet ?? created ?? changed ?? counters ?? tombstone)
				? "it was refused and has an effect"
				: null;
		if (opened) this.accounts.set(opened.id, opened);
		if (stateSet)
			this.accounts.set(stateSet.accountId, { ...this.#account(stateSet.accountId), state: stateSet.state });
		if (created || changed) return this.#move(entry, at);
		return counters ? "counters change without a transfer" : null;
	}

	#move({ created, changed, counters = [] }: Entry, at: At): string | null {
		const before = changed && this.transfers.get(changed.id);
		const moved = created ?? (before && changed && { ...before, state: changed.state, amount: changed.amount });
		if (!moved) return "it changes a transfer that is not there";
		const wrong = this.#wrongTransfer(moved, { created, changed, before }, at.group.committedAtMs);
		if (wrong) return wrong;
		const posted = moved.state === "posted" ? moved.amount : 0;
		const pending = created ? created.amount - posted : -(before?.amount ?? 0);
		this.#shift(moved.debitAccountId, [posted, 0, pending, 0]);
		this.#shift(moved.creditAccountId, [0, posted, 0, pending]);
		if (created) this.transfers.set(created.id, created);
		if (before && changed) this.transfers.set(before.id, { ...before, ...changed });
		if (posted > 0) this.#addLines(moved, at);
		const sides = [moved.debitAccountId, moved.creditAccountId];
		return this.#wrongCounters(counters, sides) ?? this.#wrongSides(moved);
	}

	#wrongTransfer(moved: Transfer, { created, changed, before }: Movement, nowMs: number): string | null {
		if (!Number.isSafeInteger(moved.amount) || moved.amount < 1 || moved.amount > 1e12)
			return `it is of ${moved.amount}`;
		if (!created) return before && changed ? wrongEnd(before, changed, nowMs) : null;
		if (this.transfers.has(created.id) || created.createdAtMs !== nowMs) return "it is not new";
		if ((created.kind === "refund") !== (created.reference !== null)) return "a refund needs a sale";
		return created.reference ? this.#wrongRefund(created, before, changed) : null;
	}

	#wrongRefund(refund: Transfer, sale: Transfer | undefined, changed: Entry["changed"]): string | null {
		if (!sale || !changed || sale.id !== refund.reference) return "a refund without its sale";
		if (sale.kind !== "sale" || sale.state !== "posted") return `a refund of a ${sale.state} ${sale.kind}`;
		if (changed.refunded !== sale.refunded + refund.amount) return "the refunds do not add up";
		if (changed.refunded > sale.amount) return `${changed.refunded} of ${sale.amount} was refunded`;
		return refund.debitAccountId === sale.creditAccountId && refund.creditAccountId === sale.debitAccountId
			? null
			: "it goes to somebody else";
	}

	#account(id: string): Account {
		const account = this.accounts.get(id);
		if (!account) throw new Error(`there is no account ${id}`);
		return account;
	}

	#shift(id: string, by: Sums): void {
		const account = this.#account(id);
		this.accounts.set(id, {
			...account,
			debitsPosted: account.debitsPosted + by[0],
			creditsPosted: account.creditsPosted + by[1],
			debitsPending: account.debitsPending + by[2],
			creditsPending: account.creditsPending + by[3],
		});
	}

	#wrongCounters(counters: readonly Counters[], ids: readonly string[]): string | null {
		const expected = ids.map((id) => {
			const { debitsPosted, creditsPosted, debitsPending, creditsPending } = this.#account(id);
			return [id, debitsPosted, creditsPosted, debitsPending, creditsPending];
		});
		const same = JSON.stringify(expected) === JSON.stringify(counters);
		return same ? null : `the counters are ${JSON.stringify(counters)}, they should be ${JSON.stringify(expected)}`;
	}

	#wrongSides({ debitAccountId, creditAccountId, kind, state }: Transfer): string | null {
		const [debit, credit] = [this.#account(debitAccountId), this.#account(creditAccountId)];
		if (debit.id === credit.id) return "both sides are one account";
		const available = debit.creditsPosted - debit.debitsPosted - debit.debitsPending;
		if (debit.kind !== "system" && available < 0) return `${debit.id} has ${available} available`;
		for (const { id, debitsPosted, creditsPosted, debitsPending, creditsPending } of [debit, credit])
			if (Math.min(debitsPosted, creditsPosted, debitsPending, creditsPending) < 0) return `${id} has less than none`;
		// What is released is given back whatever became of the accounts.
		if (state === "voided" || state === "expired") return null;
		if (debit.state === "closed" || credit.state === "closed") return "an account is closed";
		const frozen = debit.state === "frozen" || (credit.state === "frozen" && kind !== "refund");
		return frozen && kind !== "adjustment" ? "an account is frozen" : null;
	}

	#unbalanced(): string | null {
		let [posted, pending] = [0, 0];
		for (const account of this.accounts.values()) {
			posted += account.creditsPosted - account.debitsPosted;
			pending += account.creditsPending - account.debitsPending;
		}
		return posted === 0 && pending === 0 ? null : `the sum over all accounts is ${posted} posted, ${pending} pending`;
	}

	#addLines(
		{ id, amount, debitAccountId, creditAccountId }: Transfer,
		{ group, position }: { group: Group; position: number },
	) {
		for (const [accountId, change] of [
			[debitAccountId, -amount],
			[creditAccountId, amount],
		] as const) {
			const { creditsPosted, debitsPosted } = this.#account(accountId);
			const place = { sequence: group.sequence, position, postedAtMs: group.committedAtMs };
			this.#lines.push({
				accountId,
				transferId: id,
				amount: change,
				balanceAfter: creditsPosted - debitsPosted,
				...place,
			});
		}
	}

	get lineCount(): number {
		return this.#lines.length;
	}
	holds(): Transfer[] {
		return [...this.transfers.values()].filter(({ state }) => state === "pending");
	}
	refundsOf(id: string): Transfer[] {
		return [...this.transfers.values()].filter(({ reference }) => reference === id);
	}

	/** Newest first. */
	statement({
		accountId,
		before,
		kinds,
		fromMs = 0,
		toMs = Number.POSITIVE_INFINITY,
		limit,
	}: StatementQuery): StatementLine[] {
		const older = (line: Line) =>
			!before ||
			line.sequence < before.sequence ||
			(line.sequence === before.sequence && line.position < before.position);
		const lines = this.#lines
			.filter(
				(line) => line.accountId === accountId && older(line) && line.postedAtMs >= fromMs && line.postedAtMs < toMs,
			)
			.map((line): StatementLine => {
				const { kind, state, refunded, reference, details, ...sides } = this.transfers.get(line.transferId) as Transfer;
				const counterpartyId = sides.debitAccountId === accountId ? sides.creditAccountId : sides.debitAccountId;
				return { ...line, kind, state, refunded, reference, counterpartyId, details };
			})
			.filter(({ kind }) => !kinds || kinds.includes(kind));
		return lines.reverse().slice(0, limit);
	}

	totals({ accountId, fromMs, toMs }: { accountId: AccountId; fromMs: number; toMs: number }): Total[] {
		const totals = new Map<string, Total>();
		for (const { kind, amount } of this.statement({ accountId, fromMs, toMs, limit: Number.POSITIVE_INFINITY })) {
			const side = amount < 0 ? "debit" : "credit";
			const before = totals.get(`${kind} ${side}`) ?? { kind, side, count: 0, amount: 0 };
			totals.set(`${kind} ${side}`, { ...before, count: before.count + 1, amount: before.amount + Math.abs(amount) });
		}
		return [...totals.values()].sort(byJson);
	}
}

/** What is wrong with how a hold ended. */
function wrongEnd(held: Transfer, ended: NonNullable<Entry["changed"]>, nowMs: number): string | null {
	const late = held.expiresAtMs !== null && nowMs >= held.expiresAtMs;
	if (held.state !== "pending") return `${held.id} was ${held.state}`;
	if (ended.state === "posted" && late) return "a hold was posted after its end";
	if (ended.state === "expired" && !late) return "a hold expired before its end";
	if (ended.state !== "posted" && ended.amount !== held.amount) return "what was released is not what was held";
	return ended.amount > held.amount || ended.refunded !== 0 ? "more was posted than was held" : null;
}

const byJson = (left: unknown, right: unknown): number => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1);
const sorted = <T>(values: Iterable<T>): T[] => plain([...values]).sort(byJson);

// 3. The conformance suite.

export type ReadModelKind = {
	/** Opens the read model at a place; a new place has an empty one. */
	open(place: string): Promise<ReadModel>;
	/** Deletes what is at a place that is closed. */
	forget(place: string): Promise<void>;
};

const ALL = 1_000_000;
const id = (account: string | undefined): AccountId => (account ?? assert.fail("no account")) as AccountId;

/** As data: where a row comes from does not matter. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Everything that can be read, in one value: two read models with the same log are equal in it. */
export async function dumpOf(readModel: ReadModel) {
	const accounts = await readModel.everyAccount({ afterId: "", limit: ALL });
	const statements = await Promise.all(
		accounts.map((account) => readModel.statement({ accountId: account.id, limit: ALL })),
	);
	const stores = accounts.filter(({ kind }) => kind === "store");
	const range = { fromMs: 0, toMs: 4e12 - (4e12 % HOUR_MS) };
	return plain({
		head: readModel.head,
		accounts,
		statements,
		holds: sorted(await readModel.holds()),
		totals: await Promise.all(
			stores.map(async (store) => sorted(await readModel.totals({ accountId: store.id, ...range }))),
		),
		count: await readModel.count(),
	});
}

/** All there is, page after page. */
async function pagesOf<T>(limit: number, load: (last?: T) => Promise<readonly T[]>): Promise<T[]> {
	const all: T[] = [];
	for (;;) {
		const page = await load(all.at(-1));
		assert.ok(page.length <= limit, `a page of ${limit} has ${page.length}`);
		if (page.length === 0) return all;
		all.push(...page);
	}
}

export function dumpOfFold(fold: LogFold, head: ReadModel["head"]): Awaited<ReturnType<typeof dumpOf>> {
	const accounts = [...fold.accounts.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
	const range = { fromMs: 0, toMs: 4e12 };
	return {
		head,
		accounts,
		statements: accounts.map((account) => fold.statement({ accountId: account.id, limit: ALL })),
		holds: sorted(fold.holds()),
		totals: accounts
			.filter(({ kind }) => kind === "store")
			.map((store) => fold.totals({ accountId: store.id, ...range })),
		count: { transfers: fold.transfers.size, postings: fold.lineCount },
	};
}

export function readModelConformance(name: string, { open, forget }: ReadModelKind): void {
	describe(`read model: ${name}`, () => {
		let places = 0;
		const newPlace = () => `place-${++places}`;
		const opened = new Set<ReadModel>();
		const openAt = async (place: string): Promise<ReadModel> => {
			const readModel = await open(place);
			opened.add(readModel);
			return readModel;
		};
		const close = async (readModel: ReadModel): Promise<void> => {
			opened.delete(readModel);
			await readModel.close();
		};
		const holding = async (groups: readonly Group[]): Promise<ReadModel> => {
			const readModel = await openAt(newPlace());
			for (const group of groups) readModel.project(group);
			await readModel.drained();
			return readModel;
		};
		after(async () => {
			for (const readModel of opened) await close(readModel);
		});

		const log = randomLog({ seed: 11, groups: 400 });
		const fold = LogFold.of(log);
		const head = headOf(log.at(-1) as Group);
		let shared: Promise<ReadModel> | undefined;
		/** One with the whole log, for those who only read. */
		const full = () => {
			shared ??= holding(log);
			return shared;
		};

		it("is empty at first", async () => {
			const readModel = await openAt(newPlace());
			const nothing = { accounts: [], statements: [], holds: [], totals: [], count: { transfers: 0, postings: 0 } };
			assert.deepEqual(await dumpOf(readModel), { head: emptyHead, ...nothing });
			assert.equal(readModel.watermark, 0);
			await readModel.reached(0);
			await readModel.drained();
			await readModel.notTooFarBehind();
			assert.deepEqual(await readModel.accounts([id("wallet:u_1")]), []);
			assert.deepEqual(await readModel.transfers(["none" as TransferId]), []);
		});

		it("says of every account, statement, hold and total what the log says", async () => {
			const readModel = await full();
			assert.equal(readModel.watermark, log.length);
			assert.deepEqual(await dumpOf(readModel), dumpOfFold(fold, head));
			assert.ok(fold.holds().length > 0 && fold.lineCount > 200, "the log has too little in it");
		});

		it("finds accounts and transfers by id, those that there are", async () => {
			const readModel = await full();
			const ids = [...fold.transfers.keys()];
			const found = await readModel.transfers([...ids, "none"] as TransferId[]);
			assert.deepEqual(sorted(found), sorted(fold.transfers.values()));
			for (const one of ids.slice(0, 20))
				assert.deepEqual(await readModel.transfers([one as TransferId]), [fold.transfers.get(one)]);
			const accounts = await readModel.accounts([...ACCOUNTS, "wallet:none"] as AccountId[]);
			assert.deepEqual(sorted(accounts), sorted(fold.accounts.values()));
		});

		it("lists all accounts in pages, ordered by id", async () => {
			const readModel = await full();
			for (const limit of [1, 2, 5, ACCOUNTS.length]) {
				const all = await pagesOf<Account>(limit, (last) => readModel.everyAccount({ afterId: last?.id ?? "", limit }));
				assert.deepEqual(
					all.map((account) => account.id),
					[...ACCOUNTS].sort(),
				);
			}
		});

		it("knows the refunds of a sale", async () => {
			const readModel = await full();
			const sales = [...fold.transfers.values()].filter(({ refunded }) => refunded > 0);
			assert.ok(
				sales.some(({ id }) => fold.refundsOf(id).length > 1),
				"no sale was refunded twice",
			);
			for (const sale of sales)
				assert.deepEqual(sorted(await readModel.refundsOf(sale.id)), sorted(fold.refundsOf(sale.id)));
			assert.deepEqual(await readModel.refundsOf("none" as TransferId), []);
		});

		describe("a statement", () => {
			it("comes in pages of any size, newest first, with no line twice and none left out", async () => {
				const readModel = await full();
				for (const account of [WALLETS[0], STORES[0], FUNDING]) {
					const query = { accountId: id(account), limit: ALL };
					const all = fold.statement(query);
					for (const limit of [1, 7, all.length]) {
						const page = (before?: StatementLine) => readModel.statement({ ...query, limit, before });
						assert.deepEqual(await pagesOf(limit, page), all);
					}
				}
			});

			it("has a running balance that each line takes from the one before it to the account's own", async () => {
				const readModel = await full();
				for (const account of ACCOUNTS) {
					const lines = [...(await readModel.statement({ accountId: id(account), limit: ALL }))].reverse();
					let balance = 0;
					for (const { amount, balanceAfter } of lines) {
						balance += amount;
						assert.equal(balanceAfter, balance);
					}
					const [now] = await readModel.accounts([id(account)]);
					assert.equal(now && now.creditsPosted - now.debitsPosted, balance);
				}
			});

			const kinds: TransferKind[][] = [
				[],
				["sale"],
				["refund"],
				["charge", "payout"],
				["sale", "refund", "p2p", "charge", "payout", "adjustment"],
			];
			for (const some of kinds) {
				it(`of the kinds [${some}] has only those`, async () => {
					const readModel = await full();
					for (const account of [WALLETS[1], STORES[1]]) {
						const query = { accountId: id(account), kinds: some, limit: 50 };
						assert.deepEqual(plain(await readModel.statement(query)), fold.statement(query));
						const before = fold.statement({ ...query, limit: 3 }).at(-1);
						assert.deepEqual(await readModel.statement({ ...query, before }), fold.statement({ ...query, before }));
					}
				});
			}

			it("of some time has what was posted from the first millisecond on and before the last", async () => {
				const readModel = await full();
				const accountId = id(STORES[0]);
				const times = fold.statement({ accountId, limit: ALL }).map(({ postedAtMs }) => postedAtMs);
				const [fromMs, toMs] = [times.at(-5) ?? 0, times[5] ?? 0];
				for (const range of [
					{ fromMs },
					{ toMs },
					{ fromMs, toMs },
					{ fromMs: fromMs + 1, toMs: toMs + 1 },
					{ fromMs: toMs, toMs },
				]) {
					const query = { accountId, limit: ALL, ...range };
					assert.deepEqual(plain(await readModel.statement(query)), fold.statement(query));
				}
				assert.equal((await readModel.statement({ accountId, limit: ALL, fromMs: toMs, toMs })).length, 0);
			});

			it("of nobody is empty", async () => {
				assert.deepEqual(await (await full()).statement({ accountId: id("wallet:none"), limit: 10 }), []);
			});
		});

		it("totals a store's hours, from the first on and before the last", async () => {
			const readModel = await full();
			const firstHour = Math.floor((log[0]?.committedAtMs ?? 0) / HOUR_MS);
			const lastHour = Math.floor(head.committedAtMs / HOUR_MS);
			assert.ok(lastHour - firstHour > 20, "the log covers too few hours");
			for (const store of STORES) {
				for (const [from, to] of [
					[0, 1],
					[3, 9],
					[10, 11],
					[0, 1_000],
					[5, 5],
					[900, 1_000],
				] as const) {
					const range = { fromMs: (firstHour + from) * HOUR_MS, toMs: (firstHour + to) * HOUR_MS };
					const found = await readModel.totals({ accountId: id(store), ...range });
					assert.deepEqual(
						sorted(found),
						fold.totals({ accountId: id(store), ...range }),
						`${store}, hours ${from} to ${to}`,
					);
				}
			}
		});

		it("ignores groups that it has", async () => {
			const groups = log.slice(0, 120);
			const readModel = await openAt(newPlace());
			for (const [n, group] of groups.entries()) {
				readModel.project(group);
				readModel.project(group);
				readModel.project(groups[Math.floor(n / 2)] as Group);
				if (n % 25 === 0) await readModel.drained();
			}
			await readModel.drained();
			for (const group of groups) readModel.project(group);
			await readModel.drained();
			assert.deepEqual(await dumpOf(readModel), dumpOfFold(LogFold.of(groups), headOf(groups.at(-1) as Group)));
		});

		it("is at every moment what the log was at its head", async () => {
			const readModel = await openAt(newPlace());
			for (const [n, group] of log.slice(0, 60).entries()) {
				readModel.project(group);
				if (n % 3 !== 0) continue;
				await readModel.reached(n + 1);
				assert.equal(readModel.watermark, n + 1);
				assert.deepEqual(await dumpOf(readModel), dumpOfFold(LogFold.of(log.slice(0, n + 1)), headOf(group)));
			}
		});

		const strangers: [string, Group][] = [
			["that leaves a gap", log[7] as Group],
			["of another log", { ...(log[5] as Group), previousHash: "f".repeat(64) }],
		];
		for (const [what, stranger] of strangers) {
			it(`does not take a group ${what}`, async () => {
				const place = newPlace();
				const readModel = await openAt(place);
				for (const group of log.slice(0, 5)) readModel.project(group);
				await readModel.drained();
				readModel.project(stranger);
				await readModel.drained().catch(() => {});
				const expected = dumpOfFold(LogFold.of(log.slice(0, 5)), headOf(log[4] as Group));
				assert.deepEqual(await dumpOf(readModel), expected);
				await close(readModel);
				const again = await openAt(place);
				for (const group of log.slice(5, 20)) again.project(group);
				await again.drained();
				assert.deepEqual(await dumpOf(again), dumpOfFold(LogFold.of(log.slice(0, 20)), headOf(log[19] as Group)));
			});
		}

		it("goes on where it was when it is opened again", async () => {
			const place = newPlace();
			const first = await openAt(place);
			for (const group of log.slice(0, 200)) first.project(group);
			await first.drained();
			await close(first);
			const again = await openAt(place);
			assert.deepEqual(again.head, headOf(log[199] as Group));
			for (const group of log) again.project(group);
			await again.drained();
			assert.deepEqual(await dumpOf(again), dumpOfFold(fold, head));
		});

		it("that was forgotten is made anew by the ledger's start, and is the same", async () => {
			const memory = memoryOf(log);
			const place = newPlace();
			for (const state of ["new", "opened again", "forgotten"]) {
				if (state === "forgotten") await forget(place);
				const ledger = await RunningLedger.open({ journal: new MemoryJournal(memory), readModel: await open(place) });
				const { sequence } = ledger;
				const dump = await dumpOf(ledger.readModel);
				await ledger.close();
				assert.equal(sequence, log.length);
				assert.deepEqual(dump, dumpOfFold(fold, head), state);
			}
		});

		it("is empty after clear, and takes the log from its beginning, or another one", async () => {
			const place = newPlace();
			const readModel = await openAt(place);
			for (const group of randomLog({ seed: 12, groups: 50 })) readModel.project(group);
			await readModel.drained();
			await readModel.clear();
			assert.deepEqual(await dumpOf(readModel), dumpOfFold(new LogFold(), emptyHead));
			for (const group of log) readModel.project(group);
			await readModel.drained();
			assert.deepEqual(await dumpOf(readModel), dumpOfFold(fold, head));
			await close(readModel);
			assert.deepEqual(await dumpOf(await openAt(place)), dumpOfFold(fold, head));
		});

		for (const [what, other] of [
			["of another log", randomLog({ seed: 13, groups: log.length })],
			["that is ahead of the log", new LogMaker(log).with([openCommand("wallet:u_9")])],
		] as const) {
			it(`${what} is made anew by the ledger's start`, async () => {
				const place = newPlace();
				const stranger = await openAt(place);
				for (const group of other) stranger.project(group);
				await stranger.drained();
				await close(stranger);
				const memory = memoryOf(log);
				const ledger = await RunningLedger.open({ journal: new MemoryJournal(memory), readModel: await open(place) });
				const dump = await dumpOf(ledger.readModel);
				await ledger.submit(payCommand("goes.on", "charge", { from: FUNDING, to: "wallet:u_1", amount: 1 }));
				await ledger.close();
				assert.deepEqual(dump, dumpOfFold(fold, head));
				assert.equal(memory.groups.length, log.length + 1);
			});
		}

		it("keeps the largest amounts and balances exactly", async () => {
			const maker = new LogMaker();
			maker.add(OPENING);
			const large = { from: FUNDING, to: "wallet:u_1", amount: 1e12 };
			maker.add(Array.from({ length: 9_007 }, (_, n) => payCommand(`large.${n}`, "charge", large)));
			maker.add([payCommand("sale", "sale", { from: "wallet:u_1", to: "store:s_1", amount: 1e12 - 1 })]);
			const readModel = await holding(maker.groups);
			const [wallet] = await readModel.accounts([id("wallet:u_1")]);
			assert.deepEqual([wallet?.creditsPosted, wallet?.debitsPosted], [9_007e12, 1e12 - 1]);
			const [line] = await readModel.statement({ accountId: id("wallet:u_1"), limit: 1 });
			assert.deepEqual([line?.amount, line?.balanceAfter], [1 - 1e12, 9_006e12 + 1]);
		});

		describe("reached", () => {
			it("resolves at once for what is in it, and when a group comes for what is not", async () => {
				const readModel = await holding(log.slice(0, 3));
				await readModel.reached(3);
				const waiting = [readModel.reached(4), readModel.reached(6)];
				let reached = false;
				void waiting[1]?.then(() => {
					reached = true;
				});
				for (const group of log.slice(3, 5)) readModel.project(group);
				await waiting[0];
				await readModel.drained();
				assert.equal(reached, false);
				readModel.project(log[5] as Group);
				await waiting[1];
				assert.ok(readModel.watermark >= 6);
			});

			it("rejects with read_model_behind and Retry-After when it does not come", async () => {
				const readModel = await holding(log.slice(0, 3));
				await assert.rejects(readModel.reached(4), (error: { type?: string; retryable?: boolean; data?: object }) => {
					assert.deepEqual([error.type, error.retryable], ["read_model_behind", true]);
					assert.deepEqual(error.data, { retryAfterS: 1 });
					return true;
				});
				readModel.project(log[3] as Group);
				await readModel.reached(4);
			});
		});
	});
}
