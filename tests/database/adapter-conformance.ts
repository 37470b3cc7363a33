import { afterEach } from "node:test";
import type { Adapter, Collection, Documents } from "../../mixins/database.ts";
import { documentsConformance } from "./documents-conformance.ts";
import { indexes, type Product } from "./products.ts";
import { queriesConformance } from "./queries-conformance.ts";
import { writesConformance } from "./writes-conformance.ts";

/**
 * What every adapter of Hannip must do, whatever keeps the documents. It asserts nothing that MongoDB does otherwise.
 *
 * @param makeAdapter a new adapter, not yet connected; two of the same collection share its documents
 */
export function adapterConformance(name: string, makeAdapter: (collection: Collection) => Adapter): void {
	const opened: Adapter[] = [];
	let made = 0;
	const newName = () => `conformance_${++made}`;

	async function open<T extends { readonly _id: string } = Product>(
		collection: Collection = { collection: newName(), indexes },
	): Promise<Documents<T>> {
		const adapter = makeAdapter(collection);
		opened.push(adapter);
		await adapter.connect();
		return adapter as unknown as Documents<T>;
	}

	async function openWith(...docs: Product[]): Promise<Documents<Product>> {
		const products = await open();
		await products.insertMany(docs);
		return products;
	}

	afterEach(async () => {
		for (const adapter of opened.splice(0)) {
			await adapter.removeMany({});
			await adapter.disconnect();
		}
	});

	const collections = { open, openWith, newName };
	documentsConformance(name, collections);
	queriesConformance(name, collections);
	writesConformance(name, collections);
}
