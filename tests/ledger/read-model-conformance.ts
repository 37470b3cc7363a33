import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { emptyHead, type Group, headOf, type Journal } from "../../services/credit/journal.ts";
import type { Account, AccountId, Command, CommandId, TransferId, TransferKind } from "../../services/credit/model.ts";
import {
	HOUR_MS,
	type Locate,
	type Place,
	type ReadModel,
	type StatementLine,
} from "../../services/credit/read-model.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { LogFold, locateIn, sorted } from "./log-fold.ts";
import { MemoryJournal } from "./memory-journal.ts";
import {
	ACCOUNTS,
	FUNDING,
	LogMaker,
	memoryOf,
	OPENING,
	openCommand,
	payCommand,
	randomLog,
	STORES,
	WALLETS,
} from "./random-log.ts";

// 3. The conformance suite.

export type ReadModelKind = {
	/** Opens the read model at a place; a new place has an empty one. */
	open(place: string, locate: Locate): Promise<ReadModel>;
	/** Deletes what is at a place that is closed. */
	forget(place: string): Promise<void>;
};

const ALL = 1_000_000;

export const id = (account: string | undefined): AccountId => (account ?? assert.fail("no account")) as AccountId;

/** As data: where a row comes from does not matter. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

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
		const openAt = async (place: string, locate = locateIn(log)): Promise<ReadModel> => {
			const readModel = await open(place, locate);
			opened.add(readModel);
			return readModel;
		};
		const startAt = async (place: string, journal: Journal): Promise<RunningLedger> =>
			RunningLedger.open({ journal, readModel: await open(place, (ids) => journal.find(ids)) });
		const close = async (readModel: ReadModel): Promise<void> => {
			opened.delete(readModel);
			await readModel.close();
		};
		const holding = async (groups: readonly Group[]): Promise<ReadModel> => {
			const readModel = await openAt(newPlace(), locateIn(groups));
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
				assert.deepEqual(plain(await readModel.refundsOf(sale.id, ALL)), plain(fold.refundsOf(sale.id)));
			assert.deepEqual(await readModel.refundsOf("none" as TransferId, ALL), []);
		});

		describe("a statement", () => {
			it("after a place is all that is newer, oldest first, and no later group than was asked for", async () => {
				const readModel = await full();
				const isBehind = (line: Place, place: Place) =>
					line.sequence > place.sequence || (line.sequence === place.sequence && line.position > place.position);
				for (const account of [WALLETS[0], STORES[0], FUNDING]) {
					const accountId = id(account);
					const all = fold.statement({ accountId, limit: ALL }).toReversed();
					const [first, middle, last] = [0, 0.5, 1].map(
						(share) => all[Math.floor((all.length - 1) * share)] as StatementLine,
					);
					for (const place of [{ sequence: 0, position: 0 }, first, middle, last] as Place[]) {
						for (const lastSequence of [Number(middle?.sequence), Number(last?.sequence), ALL]) {
							const wanted = all.filter((line) => isBehind(line, place) && line.sequence <= lastSequence);
							const query = { accountId, after: { place, lastSequence } };
							assert.deepEqual(plain(await readModel.statement({ ...query, limit: ALL })), wanted);
							assert.deepEqual(plain(await readModel.statement({ ...query, limit: 3 })), wanted.slice(0, 3));
						}
					}
				}
			});

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
				const ledger = await startAt(place, new MemoryJournal(memory));
				const { sequence } = ledger;
				const dump = await dumpOf(ledger.readModel);
				await ledger.close();
				assert.equal(sequence, log.length);
				assert.deepEqual(dump, dumpOfFold(fold, head), state);
			}
		});

		it("is empty after clear, and takes the log from its beginning, or another one", async () => {
			const place = newPlace();
			const other = randomLog({ seed: 12, groups: 50 });
			let locate = locateIn(other);
			const readModel = await openAt(place, (ids) => locate(ids));
			for (const group of other) readModel.project(group);
			await readModel.drained();
			await readModel.clear();
			locate = locateIn(log);
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
				const stranger = await openAt(place, locateIn(other));
				for (const group of other) stranger.project(group);
				await stranger.drained();
				await close(stranger);
				const memory = memoryOf(log);
				const ledger = await startAt(place, new MemoryJournal(memory));
				const dump = await dumpOf(ledger.readModel);
				await ledger.submit(payCommand("goes.on", "charge", { from: FUNDING, to: "wallet:u_1", amount: 1 }));
				await ledger.close();
				assert.deepEqual(dump, dumpOfFold(fold, head));
				assert.equal(memory.groups.length, log.length + 1);
			});
		}

		it("knows which of the transfers of a large group was changed, in a later group or in the same one", async () => {
			const maker = new LogMaker();
			maker.add(OPENING);
			maker.add([payCommand("charge", "charge", { from: FUNDING, to: "wallet:u_1", amount: 100_000 })]);
			const holds = Array.from({ length: 400 }, (_, n) => `hold.${n}`);
			const sides = { from: "wallet:u_1", to: "store:s_1" };
			const hold = (id: string, n: number) => ({
				...payCommand(id, "sale", { ...sides, amount: n + 1 }),
				hold: { ttlMs: 1e9 },
			});
			const end = (type: "post" | "void", n: number): Command => {
				const transferId = `hold.${n}` as TransferId;
				return { type, id: `${type}.${n}` as CommandId, fingerprint: "", transferId };
			};
			maker.add([...holds.map(hold), end("post", 398), end("void", 1)]);
			maker.add([end("post", 0), end("void", 399), end("post", 200)]);
			const largeFold = LogFold.of(maker.groups);
			const readModel = await holding(maker.groups);
			assert.deepEqual(await dumpOf(readModel), dumpOfFold(largeFold, headOf(maker.groups.at(-1) as Group)));
			const states = await readModel.transfers([
				"hold.0",
				"hold.1",
				"hold.200",
				"hold.398",
				"hold.399",
			] as TransferId[]);
			assert.deepEqual(
				sorted(states).map(({ state }) => state),
				["posted", "voided", "posted", "posted", "voided"],
			);
		});

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
