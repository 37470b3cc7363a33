import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { journalConformance } from "../ledger/journal-conformance.ts";
import { MemoryJournal, MemoryLog, turn } from "../ledger/memory-journal.ts";
import { FUNDING, OPENING, payCommand, WALLETS } from "../ledger/random-log.ts";
import { faultKinds } from "./faults.ts";
import { MemoryReadModel, ReadModelContent } from "./memory-read-model.ts";
import { runWorlds } from "./run-worlds.ts";
import { replayOf, Tally, worldsOf } from "./simulate.ts";
import type { Report } from "./world.ts";

const SEED = Math.floor(Math.random() * 1e9);
const SEEDS = 100;
const TRANSFERS = 200_000;

const logs = new Map<string, MemoryLog>();
journalConformance(
	"in memory, the one of the simulation",
	async (place) => {
		const log = logs.get(place) ?? new MemoryLog();
		logs.set(place, log);
		return new MemoryJournal(log);
	},
	{ writers: 3 },
);

describe("simulation", () => {
	it(`nothing is ever wrong, whatever fails (the seeds from ${SEED} on)`, async (t) => {
		const tally = new Tally();
		const onReport = (report: Report): boolean => {
			tally.add(report);
			return report.violation === null;
		};
		await runWorlds({ worlds: worldsOf({ seed: SEED, seeds: SEEDS, transfers: TRANSFERS }), onReport });
		const [wrong] = tally.violations;
		if (wrong) assert.fail(`${wrong.violation?.message}; see it again: ${replayOf(wrong)}`);
		assert.ok(tally.transfers >= TRANSFERS, `only ${tally.transfers} transfers were made`);
		assert.deepEqual(
			[...faultKinds].filter((fault) => !tally.faults[fault]),
			[],
			"some fault never happened",
		);
		const never = Object.entries({ ...tally.heard, ...tally.refused }).filter(([, count]) => count === 0);
		assert.deepEqual(never, [], "something that should happen never did");
		t.diagnostic(`${tally.transfers} transfers, ${tally.faultCount} faults`);
	});

	it("a seed is always the same story, and another one another", async () => {
		const stories: string[] = [];
		const onReport = ({ traceHash, transfers, groups }: Report): boolean => {
			stories.push(`${traceHash} ${transfers} ${groups}`);
			return true;
		};
		const [once, again, other] = [SEED, SEED, SEED + 1].map((seed) => ({ seed, transfers: 1_500 }));
		for (const world of [once, again, other]) await runWorlds({ worlds: world ? [world] : [], onReport, threads: 1 });
		assert.equal(stories[0], stories[1]);
		assert.notEqual(stories[0], stories[2]);
	});

	it("a ledger whose read model cannot be written is held back before its memory is full", async () => {
		let isDown = false;
		const content = new ReadModelContent();
		const readModel = new MemoryReadModel({
			content,
			io: async (_, work) => {
				await turn();
				if (isDown) throw new Error("the disk is full");
				return work(content);
			},
			limits: { backlogBytesMax: 20_000 },
		});
		const ledger = await RunningLedger.open({ journal: new MemoryJournal(), readModel });
		for (const command of OPENING) await ledger.submit(command);
		isDown = true;
		for (let n = 0; n < 300; n++) {
			const charge = payCommand(`charge.${n}`, "charge", { from: FUNDING, to: WALLETS[0] as string, amount: 1 });
			await ledger.submit(charge).catch(({ type }: { type: string }) => assert.equal(type, "ledger_unavailable"));
		}
		assert.ok(readModel.backlogBytes < 30_000, `${readModel.backlogBytes} bytes wait in memory, at most 20,000 may`);
	});
});
