import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { entriesOf, type Group, headOf } from "../../services/credit/journal.ts";
import type { CommandId, TransferId } from "../../services/credit/model.ts";
import type { Locate, ReadModel } from "../../services/credit/read-model.ts";
import { LogFold, locateIn } from "./log-fold.ts";
import { FUNDING, LogMaker, OPENING, payCommand, randomLog } from "./random-log.ts";
import { dumpOf, dumpOfFold, plain, type ReadModelKind } from "./read-model-conformance.ts";

/**
 * Conformance in one question: the journal is what knows where a transfer was made, and it may fail, know nothing yet, or be slow. The read
 * model then is behind, and never wrong.
 */
export function locatingConformance(name: string, { open }: Pick<ReadModelKind, "open">): void {
	describe(`read model, asking the journal: ${name}`, () => {
		const opened: ReadModel[] = [];
		const openAt = async (place: string, locate: Locate): Promise<ReadModel> => {
			const readModel = await open(place, locate);
			opened.push(readModel);
			return readModel;
		};
		after(() => Promise.all(opened.map((readModel) => readModel.close())));

		const log = randomLog({ seed: 31, groups: 80 });
		const expected = dumpOfFold(LogFold.of(log), headOf(log.at(-1) as Group));
		const knows = locateIn(log);
		/** The first group that changes what an earlier one made. */
		const changing = log.findIndex((group) => {
			const made = new Set(entriesOf(group).flatMap(({ created }) => created?.id ?? []));
			return entriesOf(group).some(({ changed }) => changed && !made.has(changed.id));
		});

		it("that fails: nothing of the batch counts, and it is written when the journal answers again", async () => {
			let failing = false;
			const readModel = await openAt("locating-failing", async (ids) => {
				if (failing) throw new Error("the journal is away");
				return knows(ids);
			});
			assert.ok(changing > 0, "the log has nothing to ask for");
			for (const group of log.slice(0, changing)) readModel.project(group);
			await readModel.drained();
			failing = true;
			for (const group of log) readModel.project(group);
			await assert.rejects(readModel.drained(), /the journal is away/);
			assert.equal(readModel.watermark, changing);
			failing = false;
			await readModel.reached(log.length);
			assert.deepEqual(await dumpOf(readModel), expected);
		});

		it("that knows nothing of a transfer which is changed: the group is not taken, and nothing is made up", async () => {
			let blind = false;
			const readModel = await openAt("locating-blind", async (ids) => (blind ? new Map() : knows(ids)));
			for (const group of log.slice(0, changing)) readModel.project(group);
			await readModel.drained();
			blind = true;
			readModel.project(log[changing] as Group);
			await assert.rejects(readModel.drained(), /transfer \S+ (was made|is not in)/);
			assert.equal(readModel.watermark, changing);
			blind = false;
			for (const group of log) readModel.project(group);
			await readModel.reached(log.length);
			assert.deepEqual(await dumpOf(readModel), expected);
		});

		it("that fails when somebody asks for a transfer: they are told, and the next one has their answer", async () => {
			let failing = false;
			const readModel = await openAt("locating-asked", async (ids) => {
				if (failing) throw new Error("the journal is away");
				return knows(ids);
			});
			for (const group of log) readModel.project(group);
			await readModel.drained();
			const [id, transfer] = [...LogFold.of(log).transfers][0] as [string, object];
			failing = true;
			await assert.rejects(readModel.transfers([id as TransferId]), /the journal is away/);
			failing = false;
			assert.deepEqual(plain(await readModel.transfers([id as TransferId])), [plain(transfer)]);
		});

		it("that names a group without this transfer: there is none", async () => {
			const readModel = await openAt("locating-wrong", async (ids) => new Map(ids.map((id) => [id, 2])));
			const maker = new LogMaker();
			maker.add(OPENING);
			const charge = (id: string) => payCommand(id, "charge", { from: FUNDING, to: "wallet:u_1", amount: 1 });
			maker.add([charge("second")]);
			maker.add([charge("third")]);
			for (const group of maker.groups) readModel.project(group);
			await readModel.drained();
			const found = await readModel.transfers(["second", "third", "never"] as TransferId[]);
			assert.deepEqual(
				found.map(({ id }) => id),
				["second"],
			);
		});

		it("lists the refunds of one moment in the order in which they were booked", async () => {
			const maker = new LogMaker();
			maker.add(OPENING);
			maker.add([payCommand("charge", "charge", { from: FUNDING, to: "wallet:u_1", amount: 1_000 })]);
			maker.add([payCommand("sale", "sale", { from: "wallet:u_1", to: "store:s_1", amount: 100 })]);
			const ids = ["refund.z", "refund.a", "refund.m", "refund.b"];
			const refunds = ids.map((id) => ({
				type: "refund" as const,
				id: id as CommandId,
				fingerprint: `asked ${id}`,
				transferId: "sale" as TransferId,
				details: { reason: id },
				amount: 1,
			}));
			maker.add(refunds.slice(0, 2));
			maker.add(refunds.slice(2));
			const readModel = await openAt("locating-refunds", locateIn(maker.groups));
			for (const group of maker.groups) readModel.project(group);
			await readModel.drained();
			assert.deepEqual(
				(await readModel.refundsOf("sale" as TransferId, 100)).map(({ id }) => id),
				ids,
			);
		});
	});
}
