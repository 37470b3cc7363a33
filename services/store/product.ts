import type { Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import { newId } from "../../mixins/new-id.ts";
import type { Params, Result } from "../actions.ts";
import { fail, failAt } from "../errors.ts";

export type Product = {
	readonly _id: string;
	readonly storeId: string;
	readonly sku: string;
	readonly name: string;
	readonly category: string;
	readonly price: number;
	readonly photoId: string | null;
	readonly state: "active" | "archived";
	readonly version: number;
};

/** Of one store: a till has them all in memory, and finds them by typing. */
const PRODUCTS_MAX = 20_000;
/** For one page. */
const LOOKED_AT_MAX = 1_000;
const LOOKED_AT_ONCE = 200;

export type Products = Documents<Product>;

export const productView = ({ _id, storeId: _, ...fields }: Product): Result<"store.getProduct"> => ({
	id: _id,
	...fields,
});

/** @throws sku_taken, too_many_products */
export async function addProduct(
	products: Products,
	fields: Omit<Product, "_id" | "photoId" | "state" | "version">,
): Promise<Product> {
	await checkRoom(products, fields.storeId, 1);
	return await products
		.insert({ _id: newId("p"), ...fields, photoId: null, state: "active", version: 1 })
		.catch(rejectTakenSku);
}

/** @throws not_found, version_conflict, sku_taken */
export async function editProduct(products: Products, params: Params<"store.editProduct">): Promise<Product> {
	const { storeId, productId: _id, version, ...changes } = params;
	const query = { _id, storeId, version };
	const changed = await products.updateMany(query, { $set: changes, $inc: { version: 1 } }).catch(rejectTakenSku);
	const product = await products.findOne({ _id, storeId });
	if (!product) throw fail("not_found");
	if (changed === 0) throw fail("version_conflict");
	return product;
}

/**
 * By sku, and by place: a page is after the last one's sku. It may have fewer products than asked for, or none, and still not be the last one:
 * who asks for the few of a category among twenty thousand others gets them in several pages, and others are sold to meanwhile.
 */
export async function listProducts(products: Products, params: Params<"store.listProducts">) {
	const { storeId, category, state, limit = 20, cursor } = params;
	const isAsked = (product: Product) =>
		(category === undefined || product.category === category) && (state === undefined || product.state === state);
	const found: Product[] = [];
	let sku = cursor ? skuOf(cursor) : "";
	let isAll = false;
	for (let looked = 0; !isAll && found.length <= limit && looked < LOOKED_AT_MAX; ) {
		const count = looked === 0 ? limit + 1 : LOOKED_AT_ONCE;
		const some = await products.find({ query: { storeId, sku: { $gt: sku } }, sort: "sku", limit: count });
		found.push(...some.filter(isAsked));
		looked += some.length;
		sku = some.at(-1)?.sku ?? sku;
		isAll = some.length < count;
	}
	const items = found.slice(0, limit);
	const end = found.length > limit ? items.at(-1)?.sku : isAll ? undefined : sku;
	return { items: items.map(productView), nextCursor: end === undefined ? null : toCursor(end) };
}

/** With its kind in front, which no sku can have: any other list's cursor could be a sku. */
const toCursor = (sku: string): string => Buffer.from(`sku:${sku}`).toString("base64url");

/** @throws validation_failed */
function skuOf(cursor: string): string {
	const [, sku] = /^sku:([A-Za-z0-9._-]{1,40})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
	if (sku) return sku;
	throw failAt("cursor", "is not a cursor of ours");
}

/** Several who add at the same moment may get a few more in. @throws too_many_products */
export async function checkRoom(products: Products, storeId: string, more: number): Promise<void> {
	if ((await products.count({ query: { storeId } })) + more > PRODUCTS_MAX) throw fail("too_many_products");
}

function rejectTakenSku(error: unknown): never {
	throw isDuplicateKey(error) ? fail("sku_taken") : error;
}
