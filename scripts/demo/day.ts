import type { Result } from "../../services/actions.ts";
import type { Basket } from "./basket.ts";
import type { Books } from "./books.ts";
import type { Client } from "./client.ts";
import type { Options } from "./options.ts";
import type { QrFacts } from "./qr.ts";
import type { Random } from "./random.ts";
import type { Screen, Steps } from "./steps.ts";

/** What is there before the shop opens. */
export type Day = {
	readonly options: Options;
	readonly screen: Screen;
	readonly steps: Steps;
	readonly random: Random;
	readonly books: Books;
	readonly qr: QrFacts;
	/** Nobody in particular, at the public port. */
	readonly guest: Client;
	/** At the internal port, which is not routed from outside. */
	readonly operator: Client;
	/** Makes this run's handles its own. */
	readonly suffix: string;
};

export type Person = {
	readonly userId: string;
	readonly handle: string;
	readonly displayName: string;
	readonly password: string;
	readonly client: Client;
};

export type Product = Result<"store.getProduct">;

export type Shop = {
	readonly storeId: string;
	readonly timeZone: string;
	readonly owner: Person;
	readonly customers: readonly Person[];
	readonly products: readonly Product[];
};

export type Sold = {
	readonly key: string;
	readonly code: string;
	readonly basket: Basket;
	readonly customer: Person;
	readonly sale: Result<"store.sell">;
};
