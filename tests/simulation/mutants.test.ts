import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Invariant, invariants } from "./invariants.ts";
import { type Mutant, mutants } from "./mutants.ts";
import { runWorlds } from "./run-worlds.ts";
import { worldsOf } from "./simulate.ts";

const SEEDS = 60;
const TRANSFERS_EACH = 600;

/** Every invariant that was broken until the one in question was, with the seed. */
async function brokenBy({ invariant, ...mutation }: Mutant): Promise<Map<Invariant, number>> {
	const broken = new Map<Invariant, number>();
	await runWorlds({
		worlds: worldsOf({ seed: 1, seeds: SEEDS, transfers: SEEDS * TRANSFERS_EACH }),
		threads: 1,
		mutation,
		onReport: ({ seed, violation }) => {
			if (violation && !broken.has(violation.invariant)) broken.set(violation.invariant, seed);
			return violation?.invariant !== invariant;
		},
	});
	return broken;
}

// The simulation can fail: each of these is a ledger, or a database, that is wrong in one place.
describe("a mutant breaks the invariant that it must break", { concurrency: 2 }, () => {
	for (const mutant of mutants) {
		it(`${mutant.invariant}: ${mutant.name}`, async (t) => {
			const broken = await brokenBy(mutant);
			assert.ok(broken.has(mutant.invariant), `only these were: ${[...broken.keys()].join(", ")}`);
			t.diagnostic([...broken].map(([invariant, seed]) => `${invariant} by the seed ${seed}`).join(", "));
		});
	}

	it("every invariant has a mutant", () => {
		const covered = new Set(mutants.map(({ invariant }) => invariant));
		assert.deepEqual(covered, new Set(Object.keys(invariants)));
	});
});
