import { setImmediate as othersTurn } from "node:timers/promises";
import { isDuplicateKey, isWriteConflict } from "../../mixins/document-errors.ts";
import { newId } from "../../mixins/new-id.ts";
import { fail } from "../errors.ts";
import { checkRoom, type Product, type Products } from "./product.ts";
import type { ProductRow } from "./product-csv.ts";

/** So many rows are compared before others have their turn: the same process sells. */
const ROWS_AT_ONCE = 250;

/**
 * Brings the list in line with the rows, all or nothing; products that no row names stay as they are.
 *
 * @throws version_conflict, too_many_products
 */
export async function importProducts(products: Products, storeId: string, rows: readonly ProductRow[]) {
	const created: Insert[] = [];
	const updated: Update[] = [];
	for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
		const some = rows.slice(from, from + ROWS_AT_ONCE);
		const there = await products.find({ query: { storeId, sku: { $in: some.map(({ sku }) => sku) } } });
		const bySku = new Map(there.map((product) => [product.sku, product]));
		for (const row of some) {
			const product = bySku.get(row.sku);
			if (!product) created.push(insertOf(storeId, row));
			else if (differs(row, product)) updated.push(updateOf(product, row));
		}
		await othersTurn();
	}
	if (created.length > 0) await checkRoom(products, storeId, created.length);
	await products.writeMany([...created, ...updated]).catch(rejectRace);
	return { created: created.length, updated: updated.length, unchanged: rows.length - created.length - updated.length };
}

const insertOf = (storeId: string, row: ProductRow) => ({
	insert: { _id: newId("p"), storeId, ...row, photoId: null, state: "active" as const, version: 1 },
});
type Insert = ReturnType<typeof insertOf>;

const updateOf = ({ _id, version }: Product, row: ProductRow) => ({
	update: { _id, version },
	set: { ...row, state: "active" as const },
	inc: { version: 1 },
});
type Update = ReturnType<typeof updateOf>;

const differs = (row: ProductRow, product: Product): boolean =>
	product.name !== row.name ||
	product.category !== row.category ||
	product.price !== row.price ||
	product.state !== "active";

/** Someone else changed the list while we compared it. */
function rejectRace(error: unknown): never {
	throw isDuplicateKey(error) || isWriteConflict(error) ? fail("version_conflict") : error;
}

/** One that is worked on, and three that wait. */
const IMPORTS_MAX = 4;
/** Half of the time for which clients wait: what is begun later would be for somebody who has given up. */
const WAIT_MAX_MS = 1_500;

/** One import after the other, and one of each person: however many come at once, those who sell share the core with one. */
export class ImportsInTurn {
	readonly #people = new Set<string>();
	readonly #waitMaxMs: number;
	#last: Promise<unknown> = Promise.resolve();

	constructor({ waitMaxMs = WAIT_MAX_MS } = {}) {
		this.#waitMaxMs = waitMaxMs;
	}

	/** @throws overloaded, what `work` throws */
	async run<T>(userId: string, work: () => Promise<T>): Promise<T> {
		if (this.#people.has(userId) || this.#people.size >= IMPORTS_MAX) throw tooMany();
		this.#people.add(userId);
		const untilMs = performance.now() + this.#waitMaxMs;
		const inTime = () => (performance.now() <= untilMs ? work() : Promise.reject(tooMany()));
		const done = this.#last.then(inTime).finally(() => this.#people.delete(userId));
		this.#last = done.catch(() => {});
		return done;
	}
}

const tooMany = (): Error => fail("overloaded", "Other product lists are being imported", { retryAfterS: 1 });
