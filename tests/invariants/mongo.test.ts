import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { call, type Result } from "../../services/actions.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { Ledger } from "./ledger.ts";
import { ledgerInvariants } from "./ledger-invariants.ts";
import { MongoStorage } from "./storage.ts";
import { Teller, times } from "./teller.ts";

describeOnMongo("MongoDB", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start();
	});
	after(() => set.stop());

	for (const [name, where] of [
		["the ledger on MongoDB", "here"],
		["the ledger on MongoDB, written by two processes at once", "both"],
	] as const) {
		ledgerInvariants(name, async () => ({ storage: new MongoStorage(set), where }));
	}

	describe("two processes", () => {
		let ledger: Ledger;
		let wallet: string;
		/** By each process in turn. */
		const ask = <T>(question: () => Promise<T>): Promise<T[]> => Promise.all(times(2, question));
		before(async () => {
			ledger = await Ledger.start(new MongoStorage(set), "both");
			const teller = new Teller(ledger);
			wallet = await teller.wallet({ credit: 100 });
			const store = await teller.open("store");
			const pay = () => teller.transfer({ from: wallet, to: store, amount: 1 });
			// So that both know the wallet; then only one is told of the last payment.
			await pay();
			await pay();
			const idle = ({ sequence, readModelSequence }: Result<"credit.status">) => readModelSequence >= sequence;
			const statuses = () => ask(() => call(ledger, "credit.status", {}));
			await until(async () => (await statuses()).every(idle), "no process has anything left to do");
			await pay();
		});
		after(() => ledger.remove());

		it("what one has booked is read in the other, which nobody told of it", async () => {
			const balances = () => ask(async () => (await call(ledger, "credit.account", { accountId: wallet })).balance);
			await until(async () => (await balances()).every((balance) => balance === 97), "both say 97");
		});

		it("the audit can be asked of both", async () => {
			const audits = await ask(() => call(ledger, "credit.audit", {}));
			assert.deepEqual(
				audits.map(({ clean }) => clean),
				[true, true],
			);
		});
	});
});
