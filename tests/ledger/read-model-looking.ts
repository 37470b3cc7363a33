import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Group } from "../../services/credit/journal.ts";
import type { Place, ReadModel } from "../../services/credit/read-model.ts";
import { endOf, placeOf } from "../../services/credit/statement-cursor.ts";
import { pageAfter, pageOf } from "../../services/credit/statement-page.ts";
import { LogFold, locateIn } from "./log-fold.ts";
import { FUNDING, LogMaker, OPENING, payCommand, randomLog, STORES, WALLETS } from "./random-log.ts";
import { id, plain, type ReadModelKind } from "./read-model-conformance.ts";

const ALL = 1_000_000;

/** Conformance in one question: a page of a statement is never more than a reader, or a message, has room for, and no line is left out. */
export function lookingConformance(name: string, { open }: Pick<ReadModelKind, "open">): void {
	describe(`read model, looked at page by page: ${name}`, () => {
		const opened: ReadModel[] = [];
		const holding = async (groups: readonly Group[]): Promise<ReadModel> => {
			const readModel = await open(`looking-${opened.length}`, locateIn(groups));
			opened.push(readModel);
			for (const group of groups) readModel.project(group);
			await readModel.drained();
			return readModel;
		};
		after(() => Promise.all(opened.map((readModel) => readModel.close())));

		const log = randomLog({ seed: 37, groups: 200 });
		const fold = LogFold.of(log);

		it("has the last refunds of a sale, and no more than asked for", async () => {
			const readModel = await holding(log);
			const [sale] = [...fold.transfers.values()].filter(({ id }) => fold.refundsOf(id).length > 1);
			assert.ok(sale, "no sale was refunded twice");
			const last = fold.refundsOf(sale.id).slice(-1);
			assert.deepEqual(plain(await readModel.refundsOf(sale.id, 1)), plain(last));
		});

		for (const account of [WALLETS[0], STORES[0], FUNDING]) {
			it(`looks back to the line that is so many lines before, and comes down to that: ${account}`, async () => {
				const readModel = await holding(log);
				const all = fold.statement({ accountId: id(account), limit: ALL });
				const asked = { accountId: id(account), before: all[2] as Place };
				const fromMs = all.at(-4)?.postedAtMs as number;
				for (const range of [{}, { fromMs }, { toMs: fromMs }]) {
					const older = fold.statement({ ...asked, ...range, limit: ALL });
					assert.equal(await readModel.lookBack({ ...asked, ...range, lines: older.length + 1 }), null);
					for (const [index, { sequence, position }] of older.entries()) {
						const downTo = await readModel.lookBack({ ...asked, ...range, lines: index + 1 });
						assert.deepEqual(downTo, { sequence, position });
						const down = await readModel.statement({ ...asked, ...range, downTo, limit: ALL });
						assert.deepEqual(plain(down), older.slice(0, index + 1));
					}
				}
			});
		}

		it("of one kind is had in pages that each look at so many lines, with none left out", async () => {
			const maker = new LogMaker();
			const [ada, bob] = [id(WALLETS[0]), id(WALLETS[1])];
			const pay = (n: number) => payCommand(`paid.${n}`, "p2p", { from: ada, to: bob, amount: 1 });
			maker.add([...OPENING, payCommand("first", "charge", { from: FUNDING, to: ada, amount: 5_000 })]);
			maker.add(Array.from({ length: 1_500 }, (_, n) => pay(n)));
			maker.add([payCommand("second", "charge", { from: FUNDING, to: ada, amount: 5_000 })]);
			maker.add(Array.from({ length: 1_200 }, (_, n) => pay(1_500 + n)));
			const readModel = await holding(maker.groups);
			const asked = { accountId: ada, kinds: ["charge"], limit: 20 } as const;
			const idsIn = (pages: readonly Page[]) => pages.map(({ items }) => items.map(({ transferId }) => transferId));
			const newest = await pagesFrom(endOf(readModel.watermark), (before) => pageOf(readModel, { ...asked, before }));
			assert.deepEqual(idsIn(newest), [[], ["second"], ["first"]]);
			const oldest = await pagesFrom(endOf(0), (place) =>
				pageAfter(readModel, { ...asked, limit: 1_000, after: { place, lastSequence: readModel.watermark } }),
			);
			assert.deepEqual(idsIn(oldest), [["first"], ["second"], []]);
		});

		it("is had in pages that a message has room for", async () => {
			const maker = new LogMaker();
			const ada = id(WALLETS[0]);
			const large = (n: number) => ({
				...payCommand(`large.${n}`, "charge", { from: FUNDING, to: ada, amount: 1 }),
				details: { text: "한".repeat(n === 9 ? 500_000 : 150_000) },
			});
			maker.add(OPENING);
			for (let n = 0; n < 10; n++) maker.add([large(n)]);
			const readModel = await holding(maker.groups);
			const asked = { accountId: ada, limit: 100 };
			const newest = await pagesFrom(endOf(readModel.watermark), (before) => pageOf(readModel, { ...asked, before }));
			assert.deepEqual(
				newest.map(({ items }) => items.length),
				[1, 2, 2, 2, 2, 1],
			);
			const oldest = await pagesFrom(endOf(0), (place) =>
				pageAfter(readModel, { ...asked, after: { place, lastSequence: readModel.watermark } }),
			);
			assert.deepEqual(
				oldest.map(({ items }) => items.length),
				[2, 2, 2, 2, 1, 1],
			);
		});
	});
}

type Page = Awaited<ReturnType<typeof pageOf>>;

async function pagesFrom(first: Place, ask: (place: Place) => Promise<Page>): Promise<Page[]> {
	const pages = [await ask(first)];
	for (let end = pages[0]?.nextCursor; end; end = pages.at(-1)?.nextCursor)
		pages.push(await ask(placeOf(end, "cursor")));
	return pages;
}
