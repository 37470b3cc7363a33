import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import type { Result } from "../../services/actions.ts";
import { bodyOf, outcomeOf } from "./client.ts";
import type { Day, Person, Product, Shop } from "./day.ts";
import { plural, won } from "./display.ts";
import { allPages } from "./pages.ts";
import type { Step } from "./steps.ts";
import { charge } from "./wallet.ts";

const WAIT_MS = 5_000;

export class NotReachable extends Error {}

/** A platform that is just starting gets a few seconds. @throws NotReachable */
export async function waitForPlatform({ guest, options, screen }: Day): Promise<void> {
	screen.progress(`Waiting for ${options.url}`);
	const startedMs = performance.now();
	for (;;) {
		const reason = await guest.get<"auth.jwks">("/.well-known/jwks.json").then(
			(answer) => (answer.ok ? null : `it answers ${outcomeOf(answer)}`),
			(error: Error) => error.message,
		);
		if (reason === null) return;
		if (performance.now() - startedMs > WAIT_MS)
			throw new NotReachable(
				`No Hannip at ${options.url} (${reason}). Run \`npm start\` in another shell, or name another one with --url.`,
			);
		await sleep(200);
	}
}

/** Without the operators' port the audit cannot hold, and it is better to know that in the morning. */
export async function lookAtPlatform({ guest, operator, options }: Day, step: Step): Promise<void> {
	const { keys } = bodyOf(await guest.get<"auth.jwks">("/.well-known/jwks.json"));
	const ledger = await operator.get<"credit.status">("/ledger").catch((error: Error) => {
		throw new Error(`the operators' port ${options.internalUrl} (--internal-url): ${error.message}`);
	});
	step.say(`${plural(keys.length, "public key")}, ledger at group ${won(bodyOf(ledger).sequence)}`);
}

export async function openStore(owner: Person, step: Step): Promise<Result<"store.create">> {
	const name = "한닢 카페 학생회관점";
	const store = bodyOf(await owner.client.post<"store.create">("/v1/stores", { name, timeZone: "Asia/Seoul" }));
	step.expect("the store", { name: store.name, timeZone: store.timeZone }, { name, timeZone: "Asia/Seoul" });
	step.say(`${store.name}, ${store.timeZone}`);
	return store;
}

export type ProductList = { readonly csv: string; readonly rows: readonly Record<string, string>[] };

export function readProductList(): ProductList {
	const csv = readFileSync(`${import.meta.dirname}/products.csv`, "utf8");
	return { csv, rows: parse(csv, { columns: true }) as Record<string, string>[] };
}

type Importing = { readonly owner: Person; readonly storeId: string; readonly list: ProductList };

export async function importProducts(step: Step, importing: Importing, expected: Result<"store.importProducts">) {
	const { owner, storeId, list } = importing;
	const path = `/v1/stores/${storeId}/products/import`;
	const counts = bodyOf(await owner.client.postCsv<"store.importProducts">(path, list.csv));
	step.expect("lines", counts, expected);
	step.say(`${won(counts.created)} created, ${won(counts.updated)} updated, ${won(counts.unchanged)} unchanged`);
}

/** The till reads the list back, and it must be what the file says. */
export async function readCatalogue(step: Step, { owner, storeId, list }: Importing): Promise<readonly Product[]> {
	const products = await allPages((cursor) =>
		owner.client.get<"store.listProducts">(`/v1/stores/${storeId}/products`, { limit: 100, ...cursor }),
	);
	const bySku = new Map(products.map(({ sku, name, category, price }) => [sku, { name, category, price }]));
	step.expect("number of products", products.length, list.rows.length);
	for (const { sku = "", name, category, price } of list.rows)
		step.expect(`product ${sku}`, bySku.get(sku), { name, category, price: Number(price) });
	const categories = new Set(products.map(({ category }) => category));
	step.say(`${plural(products.length, "product")} in ${categories.size} categories, as in the file`);
	return products;
}

export async function chargeEveryone(day: Day, step: Step, { customers }: Shop): Promise<void> {
	await step.each(customers, (customer) =>
		charge(day, step, customer, day.random.integer({ from: 5, to: 15 }) * 10_000),
	);
	step.say(`${won(day.books.tallies.charges.amount)} credit`);
}
