// Who is there before a scenario begins: people with credit, and tills of shops. What is made in `setup` is told to the virtual users as JSON.
import { sleep } from "k6";
import { newStoredKey, readKey, type StoredKey } from "./device.ts";
import { Failed, newPerson, newTill, Phone, type StoredTill, Till } from "./platform.ts";

type StoredPerson = { readonly handle: string; readonly key: StoredKey; readonly accessToken: string };
export type World = {
	readonly people: readonly StoredPerson[];
	readonly tills: readonly StoredTill[];
	readonly readyAtMs: number;
};

export type Size = {
	readonly people: number;
	/** Each of a shop of its own, unless they are all of one. */
	readonly tills?: number;
	readonly credit?: number;
};

/** What is done once, before anything is measured, is done again until it is through: others get ready at the same time. */
async function ready(work: () => Promise<unknown>): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		try {
			await work();
			return;
		} catch (error) {
			if (!(error instanceof Failed) || attempt === 20) throw error;
			sleep(Math.random() * 2);
		}
	}
}

async function newLoggedIn(): Promise<{ stored: StoredPerson; phone: Phone }> {
	const [handle, key] = [newPerson(), await newStoredKey()];
	const phone = new Phone(await readKey(key));
	await ready(() => phone.logIn(handle, "get ready"));
	return { stored: { handle, key, accessToken: String(phone.accessToken) }, phone };
}

/** People who have charged, and paired tills. */
export async function makeWorld({ people, tills = 0, credit = 1_000_000 }: Size): Promise<World> {
	const customers: StoredPerson[] = [];
	for (let n = 0; n < people; n++) {
		const { stored, phone } = await newLoggedIn();
		await phone.charge(credit, "get ready");
		customers.push(stored);
	}
	const shops: StoredTill[] = [];
	if (tills > 0) {
		const owner = await newLoggedIn();
		for (let n = 0; n < tills; n++) shops.push(await newTill(owner.phone));
	}
	return { people: customers, tills: shops, readyAtMs: Date.now() };
}

const at = <T>(items: readonly T[], index: number): T => items[index % items.length] as T;

/** Whoever a virtual user is: a person who is logged in, at a till that is signed in. */
export class LoggedIn {
	/** An access token lives for five minutes. */
	static readonly #RENEW_MS = 200_000;
	readonly #world: World;
	#phone: Phone | undefined;
	#till: Till | undefined;
	#renewAtMs: number;
	readonly #index: number;

	constructor(world: World, index: number) {
		[this.#world, this.#index] = [world, index];
		this.#renewAtMs = world.readyAtMs + LoggedIn.#RENEW_MS;
	}

	get handle(): string {
		return at(this.#world.people, this.#index).handle;
	}

	/** Somebody else. */
	get other(): string {
		return at(this.#world.people, this.#index + 1).handle;
	}

	async phone(): Promise<Phone> {
		const { handle, key, accessToken } = at(this.#world.people, this.#index);
		const phone = this.#phone ?? new Phone(await readKey(key), accessToken);
		// The first answer brings the nonce that moving credit needs.
		if (!this.#phone) await ready(() => phone.look("balance", "get ready"));
		this.#phone = phone;
		if (Date.now() >= this.#renewAtMs) {
			await ready(() => phone.logIn(handle, "get ready"));
			this.#renewAtMs = Date.now() + LoggedIn.#RENEW_MS;
		}
		return phone;
	}

	async till(): Promise<Till> {
		this.#till ??= await Till.of(at(this.#world.tills, this.#index));
		return this.#till;
	}
}
