import type { Collection, Documents, Index } from "../../mixins/database.ts";

// What the adapters are tried with, whatever keeps the documents.

export type Product = {
	readonly _id: string;
	readonly storeId: string;
	readonly sku?: string | null;
	readonly price: number;
	readonly version: number;
	readonly note?: string;
	readonly onSale?: boolean;
	readonly tags?: readonly string[];
	readonly size?: { readonly width?: number; readonly unit?: string };
};

export const indexes: readonly Index[] = [
	{ fields: ["storeId", "sku"], unique: true },
	{ fields: ["storeId", "price"] },
];

export const product = (_id: string, fields: Partial<Product> = {}): Product => ({
	_id,
	storeId: "s_1",
	price: 100,
	version: 1,
	...fields,
});

export const idsOf = (docs: readonly { readonly _id: string }[]) => docs.map(({ _id }) => _id);

export const sortedIdsOf = (docs: readonly { readonly _id: string }[]) => idsOf(docs).toSorted();

export const duplicate = (...fields: string[]) => ({ type: "DUPLICATE_KEY", code: 409, data: { fields } });

/** Collections of one adapter, which the tests open; closed after each. */
export type Opened = {
	/** @param collection a new one of products, if it is left out */
	open<T extends { readonly _id: string } = Product>(collection?: Collection): Promise<Documents<T>>;
	openWith(...docs: Product[]): Promise<Documents<Product>>;
	/** What no other collection is called. */
	newName(): string;
};
