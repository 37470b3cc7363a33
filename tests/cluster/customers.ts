import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Result } from "../../services/actions.ts";
import { type Client, newKey } from "../api/client.ts";
import type { Answer } from "../api/contract.ts";
import { randomOf } from "../api/load.ts";
import { basketOf, newPerson, newShop, newTill, PASSWORD, type Person, type Till } from "../api/people.ts";
import type { Read, Write } from "./history.ts";

const PERSONS = 6;
const CREDIT = 1_000_000;
const PRICE = 7;
/** Nobody waits longer: then its outcome stays unknown, and that is counted. */
const GIVE_UP_MS = 60_000;
const FUNDING = "system:funding";

/** What did not go as it should, as a client sees it: no answer, or one that asks to try again. A log-in is the one thing of theirs that nobody may repeat. */
export type Failure = { readonly atMs: number; readonly what: string; readonly isLogIn: boolean };

type Intent = Omit<Write, "completedAtMs" | "outcome"> & {
	readonly send: () => Promise<Answer<unknown>>;
	readonly ask?: () => Promise<Answer<unknown>>;
	/** Of a sale: makes sure that it has no effect. */
	readonly cancel?: () => Intent;
};

/** What a client does until an outcome is known. */
type Settled = { readonly outcome: Write["outcome"]; readonly body?: unknown };

/**
 * People who log in, charge, send, buy, get back and look at their balance, all at once, and who do as the documentation says: they keep the id of
 * what they want, and ask or repeat until they know what became of it. What they did and were told is written down.
 */
export class Customers {
	readonly writes: Write[] = [];
	readonly reads: Read[] = [];
	readonly failures: Failure[] = [];
	readonly #people: readonly Person[];
	readonly #tills: readonly Till[];
	readonly #anyone: Client;
	readonly #random: () => number;
	#renewals = new Map<Person, Promise<Client>>();
	#apis = new Map<Person, Client>();

	private constructor(anyone: Client, people: readonly Person[], tills: readonly Till[], seed: number) {
		[this.#anyone, this.#people, this.#tills, this.#random] = [anyone, people, tills, randomOf(seed)];
	}

	static async gather(anyone: Client, seed: number): Promise<Customers> {
		const people = await Promise.all(
			Array.from({ length: PERSONS }, (_, n) => newPerson(anyone, { name: `Payer${n}`, credit: CREDIT })),
		);
		const owners = [await newPerson(anyone), await newPerson(anyone)];
		const shops = await Promise.all(owners.map((owner) => newShop(owner, { prices: [PRICE] })));
		const tills = await Promise.all(shops.map((shop) => newTill(anyone, shop, { mayRefund: true })));
		return new Customers(anyone, people, tills, seed);
	}

	/** All accounts that they move credit between. */
	get accounts(): readonly string[] {
		return [...this.#people.map(({ wallet }) => wallet), ...this.#tills.map(({ shop }) => shop.account)];
	}

	/** So many at once, until told to stop; then each finishes what it has begun. */
	async work(atOnce: number, until: AbortSignal): Promise<void> {
		await Promise.all(
			Array.from({ length: atOnce }, async () => {
				while (!until.aborted) await this.#next();
			}),
		);
	}

	#pick<T>(items: readonly T[]): T {
		return items[Math.floor(this.#random() * items.length)] as T;
	}

	async #next(): Promise<void> {
		const kind = this.#random();
		const amount = 1 + Math.floor(this.#random() * 50);
		if (kind < 0.2) await this.#settle(this.#charge(amount));
		else if (kind < 0.4) await this.#settle(this.#sending(amount));
		else if (kind < 0.8) await this.#buy(1 + (amount % 4));
		else if (kind < 0.95) await this.#look();
		else await this.#logIn();
	}

	/** @returns nothing where they are told to come again */
	async #logIn(person = this.#pick(this.#people)): Promise<Result<"auth.login"> | undefined> {
		const said = { handle: person.handle, password: PASSWORD };
		const answer = await this.#answered(() => this.#anyone.from(person.prover).call("auth.login", said), true);
		if (answer) assert.equal(answer.status, 201, `answered wrongly: ${answer.text}`);
		return answer?.body as Result<"auth.login"> | undefined;
	}

	async #logInAgain(person: Person): Promise<Client> {
		for (;;) {
			const session = await this.#logIn(person);
			if (session) {
				const api = this.#anyone.from(person.prover, session.accessToken);
				this.#apis.set(person, api);
				return api;
			}
			await sleep(100);
		}
	}

	/** With the token that the person has now. */
	#api(person: Person): Client {
		return this.#apis.get(person) ?? person.api;
	}

	#charge(amount: number): Intent {
		const person = this.#pick(this.#people);
		const key = newKey();
		return {
			...{ transferId: `${person.userId}.${key}`, invokedAtMs: performance.now() },
			deltas: [
				[FUNDING, -amount],
				[person.wallet, amount],
			],
			send: () => this.#as(person, (api) => api.call("user.charge", { idempotencyKey: key, amount })),
			ask: () => this.#as(person, (api) => api.call("user.getCharge", { id: key })),
		};
	}

	#sending(amount: number): Intent {
		const from = this.#pick(this.#people);
		const to = this.#pick(this.#people.filter((each) => each !== from));
		const key = newKey();
		return {
			...{ transferId: `${from.userId}.${key}`, invokedAtMs: performance.now() },
			deltas: [
				[from.wallet, -amount],
				[to.wallet, amount],
			],
			send: () => this.#as(from, (api) => api.call("user.send", { idempotencyKey: key, to: to.handle, amount })),
			ask: () => this.#as(from, (api) => api.call("user.getTransfer", { id: key })),
		};
	}

	/** A sale, and sometimes its refund. */
	async #buy(quantity: number): Promise<void> {
		const [person, till] = [this.#pick(this.#people), this.#pick(this.#tills)];
		const issued = await this.#settle({
			...{ transferId: "", deltas: [], invokedAtMs: performance.now() },
			send: () => this.#as(person, (api) => api.call("user.issueCode", {})),
		});
		if (issued.outcome !== "applied") return;
		const { code } = issued.body as Result<"user.issueCode">;
		const sale = this.#sale(person, till, { code, quantity });
		const { outcome } = await this.#settle(sale);
		if (outcome === "applied" && this.#random() < 0.2) await this.#settle(this.#refund(person, till, sale));
	}

	#sale(person: Person, till: Till, { code, quantity }: { code: string; quantity: number }): Intent {
		const { id: storeId, account } = till.shop;
		const key = newKey();
		const total = quantity * PRICE;
		const said = { storeId, idempotencyKey: key, code, items: basketOf(till.shop, quantity) };
		const sale: Intent = {
			...{ transferId: `${storeId}.${key}`, invokedAtMs: performance.now() },
			deltas: [
				[person.wallet, -total],
				[account, total],
			],
			send: () => till.api.call("store.sell", said),
			ask: () => till.api.call("store.getSale", { storeId, saleId: key }),
			cancel: () => this.#cancelling(till, sale, key),
		};
		return sale;
	}

	#cancelling(till: Till, { deltas }: Intent, saleId: string): Intent {
		const { id: storeId } = till.shop;
		const key = newKey();
		return {
			...{ transferId: `${storeId}.${key}`, invokedAtMs: performance.now() },
			deltas: deltas.map(([account, amount]) => [account, -amount] as const),
			send: () => till.api.call("store.cancelSale", { storeId, saleId, idempotencyKey: key }),
		};
	}

	#refund(person: Person, till: Till, sale: Intent): Intent {
		const { id: storeId, account } = till.shop;
		const key = newKey();
		const amount = PRICE - 1;
		const said = { storeId, saleId: sale.transferId.slice(storeId.length + 1), idempotencyKey: key, amount };
		return {
			...{ transferId: `${storeId}.${key}`, invokedAtMs: performance.now() },
			deltas: [
				[account, -amount],
				[person.wallet, amount],
			],
			send: () => till.api.call("store.refundSale", said),
		};
	}

	async #look(): Promise<void> {
		const person = this.#pick(this.#people);
		const invokedAtMs = performance.now();
		try {
			const { status, body, text } = await this.#as(person, (api) => api.call("user.me", {}));
			const completedAtMs = performance.now();
			if (status !== 200) this.#failed(`me: ${status} ${text}`);
			else this.reads.push({ accountId: person.wallet, balance: body.balance, invokedAtMs, completedAtMs });
		} catch (error) {
			this.#failed(`me: ${(error as Error).message}`);
		}
	}

	/** Tries, and asks or tries again or calls it off, until it knows. */
	async #settle(intent: Intent): Promise<Settled> {
		const settled = await this.#untilKnown(intent);
		if (intent.transferId !== "") this.#note(intent, settled.outcome);
		return settled;
	}

	#note({ transferId, deltas, invokedAtMs }: Intent, outcome: Write["outcome"]): void {
		const completedAtMs = outcome === "unknown" ? Number.POSITIVE_INFINITY : performance.now();
		this.writes.push({ transferId, deltas, invokedAtMs, completedAtMs, outcome });
	}

	async #untilKnown(intent: Intent): Promise<Settled> {
		const endsAtMs = performance.now() + GIVE_UP_MS;
		let next: () => Promise<Settled | undefined> = () => this.#try(intent);
		while (performance.now() < endsAtMs) {
			const settled = await next();
			if (settled) return settled;
			await sleep(50 + this.#random() * 150);
			const way = this.#random();
			if (way < 0.2 && intent.ask) next = () => this.#inquire(intent);
			else if (way < 0.3 && intent.cancel) return this.#callOff(intent.cancel());
			else next = () => this.#try(intent);
		}
		return { outcome: "unknown" };
	}

	/** @returns undefined while it is not known */
	async #try({ send }: Intent): Promise<Settled | undefined> {
		const answer = await this.#answered(send);
		if (!answer) return undefined;
		if (answer.status < 300) return { outcome: "applied", body: answer.body };
		const { code } = answer.body as { code: string };
		const expected = [
			"code_expired",
			"deadline_exceeded",
			"cancelled",
			"insufficient_funds",
			"refund_exceeds_sale",
			"code_used",
		];
		assert.ok(expected.includes(code), `answered wrongly: ${answer.status} ${answer.text}`);
		return { outcome: "refused" };
	}

	async #inquire({ ask }: Intent): Promise<Settled | undefined> {
		const answer = ask && (await this.#answered(ask));
		// Not seen: it may still be on its way.
		if (!answer || answer.status === 404) return undefined;
		assert.equal(answer.status, 200, answer.text);
		const { state } = answer.body as { state: string };
		return { outcome: state === "posted" ? "applied" : "refused" };
	}

	/** @returns what became of what was called off */
	async #callOff(cancel: Intent): Promise<Settled> {
		const { outcome, body } = await this.#untilKnown(cancel);
		if (outcome === "unknown") return { outcome };
		const { effect } = body as Result<"store.cancelSale">;
		if (effect === "refunded") this.#note(cancel, "applied");
		return { outcome: effect === "refunded" ? "applied" : "refused" };
	}

	/** @returns nothing when there was no answer, or one that says that another one may come */
	async #answered(send: () => Promise<Answer<unknown>>, isLogIn = false): Promise<Answer<unknown> | undefined> {
		try {
			const answer = await send();
			if (answer.status < 500) return answer;
			this.#failed(`${answer.status} ${(answer.body as { code: string }).code}`, isLogIn);
		} catch (error) {
			this.#failed(String((error as NodeJS.ErrnoException).code ?? error), isLogIn);
		}
		return undefined;
	}

	#failed(what: string, isLogIn = false): void {
		this.failures.push({ atMs: performance.now(), what, isLogIn });
	}

	/** Tokens live five minutes; all who find that out together get a new one together. */
	async #as<T extends Answer<unknown>>(person: Person, send: (api: Client) => Promise<T>): Promise<T> {
		const api = this.#api(person);
		const answer = await send(api);
		if (answer.status !== 401) return answer;
		const renewal = this.#renewals.get(person) ?? this.#renew(person, api);
		return send(await renewal);
	}

	#renew(person: Person, before: Client): Promise<Client> {
		if (this.#api(person) !== before) return Promise.resolve(this.#api(person));
		const renewal = this.#logInAgain(person).finally(() => this.#renewals.delete(person));
		this.#renewals.set(person, renewal);
		return renewal;
	}
}
