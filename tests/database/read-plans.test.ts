import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { after, before, it } from "node:test";
import { type Asked, fill, readsOf, type World, writesOf } from "../api/much.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hannip-plans-"));
let platform: TestPlatform;
let world: World;
before(async () => {
	platform = await startTestPlatform({ DATA_DIR: dataDir, TEST_MONGODB_URI: undefined });
	world = await fill(platform);
});
after(async () => {
	await platform?.stop();
	rmSync(dataDir, { recursive: true });
});

/** What runs on this thread meanwhile, as SQL. */
async function runBy({ ask }: Asked): Promise<Set<string>> {
	const ran = new Set<string>();
	const { prototype } = StatementSync;
	const own = { all: prototype.all, get: prototype.get, run: prototype.run };
	for (const [name, method] of Object.entries(own)) {
		Object.assign(prototype, {
			[name](this: StatementSync, ...parameters: []) {
				ran.add(this.sourceSQL);
				return Reflect.apply(method, this, parameters);
			},
		});
	}
	try {
		await ask();
	} finally {
		Object.assign(prototype, own);
	}
	return ran;
}

/** How SQLite goes about it: by an index, or by looking at everything, or by sorting it. */
function planOf(sql: string): string[] {
	const plans = ["hannip", "read-model"].map((name) => {
		const db = new DatabaseSync(join(dataDir, `${name}.sqlite`), { readOnly: true });
		try {
			const count = sql.match(/\?/g)?.length ?? 0;
			return db
				.prepare(`EXPLAIN QUERY PLAN ${sql}`)
				.all(...Array<null>(count).fill(null))
				.map(({ detail }) => String(detail));
		} catch {
			// The table is in the other file, or it is no query.
			return [];
		} finally {
			db.close();
		}
	});
	return plans.flat();
}

/**
 * A list that came as a parameter is no table, and the newest of all are the end of an index. Sorted is what there are few of: the webhooks of a
 * store, and what is asked for in no order, which is by id.
 */
function isSlow({ sql, plan }: { readonly sql: string; readonly plan: readonly string[] }): boolean {
	const isScan = plan.some((step) => /^SCAN (?!json_each|\(|CONSTANT)/.test(step) && !step.includes("USING INDEX"));
	const isSorted = plan.some((step) => step.includes("TEMP B-TREE FOR ORDER BY"));
	return isScan || (isSorted && /^SELECT doc FROM (?!"webhooks")/.test(sql) && !sql.includes("ORDER BY +_id"));
}

it("what is read and written of somebody with much of everything is found by indexes, by every route", async () => {
	let planned = 0;
	for (const asked of [...readsOf(platform, world), ...writesOf(world)]) {
		const ran = [...(await runBy(asked))].map((sql) => ({ sql, plan: planOf(sql) }));
		planned += ran.filter(({ plan }) => plan.length > 0).length;
		assert.deepEqual(ran.filter(isSlow), [], asked.name);
	}
	assert.ok(planned > 100, `${planned} plans`);
});

it("deliveries of a state are found by it, however many others there are", async () => {
	const { shop, webhookId } = world;
	const ask = () => shop.owner.api.ok("store.listDeliveries", { storeId: shop.id, webhookId, state: "failed" });
	const plans = [...(await runBy({ name: "failed", ask }))].flatMap(planOf).join("\n");
	assert.match(plans, /deliveries by webhookId, state, eventId \(<expr>=\? AND <expr>=\?\)/);
});
