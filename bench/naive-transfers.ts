import { type ClientSession, type Collection, MongoClient, MongoServerError } from "mongodb";
import type { Order, Row } from "./ledger-load.ts";
import { intoOne, spread, stores, wallets } from "./ledger-load.ts";

const DURABLE = { w: "majority", j: true } as const;
/** More than wait at once, so that nobody waits for a connection. */
const CONNECTIONS = 160;
const DUPLICATE_KEY = 11_000;

type Account = { readonly _id: string; readonly balance: number };
type Transfer = Omit<Order, "id"> & { readonly _id: string; readonly createdAt: Date };

/**
 * What the ledger is held against: one transaction for each transfer, as a careful engineer writes it with the driver and nothing else.
 * The id is the key, so a retry books nothing twice; a balance never falls below zero; `withTransaction` repeats what met another one.
 * It has no broker, no checks of what it is given, no log, no statement and no index for one, all of which would cost it time.
 */
export class NaiveTransfers {
	readonly #client: MongoClient;
	readonly #accounts: Collection<Account>;
	readonly #transfers: Collection<Transfer>;
	#attempts = 0;
	#booked = 0;

	private constructor(client: MongoClient) {
		this.#client = client;
		this.#accounts = client.db().collection<Account>("accounts");
		this.#transfers = client.db().collection<Transfer>("transfers");
	}

	static async open(uri: string): Promise<NaiveTransfers> {
		const client = new MongoClient(uri, { maxPoolSize: CONNECTIONS, minPoolSize: CONNECTIONS, writeConcern: DURABLE });
		const naive = new NaiveTransfers(client);
		try {
			await naive.#prepare();
			return naive;
		} catch (error) {
			await naive.close();
			throw error;
		}
	}

	async #prepare(): Promise<void> {
		await this.#accounts.insertMany([...wallets, ...stores].map((_id) => ({ _id, balance: 1_000_000_000 })));
		// Made before the first transaction that needs it.
		await this.#client.db().createCollection("transfers");
	}

	/** How often a transfer was tried until it was booked, on average. */
	get attemptsEach(): number {
		return this.#attempts / this.#booked;
	}

	/** @throws when there is not enough credit */
	async transfer(order: Order): Promise<void> {
		try {
			await this.#client.withSession((session) =>
				session.withTransaction(() => this.#book(order, session), { writeConcern: DURABLE }),
			);
			this.#booked++;
		} catch (error) {
			// The same id: it is booked already.
			if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
		}
	}

	/** The receiver last: a popular account is locked for the shortest time. */
	async #book({ id, ...order }: Order, session: ClientSession): Promise<void> {
		this.#attempts++;
		const { debitAccountId, creditAccountId, amount } = order;
		await this.#transfers.insertOne({ _id: id, ...order, createdAt: new Date() }, { session });
		const debit = { $inc: { balance: -amount } };
		const { matchedCount } = await this.#accounts.updateOne({ _id: debitAccountId, balance: { $gte: amount } }, debit, {
			session,
		});
		if (matchedCount === 0) throw new Error("insufficient credit");
		await this.#accounts.updateOne({ _id: creditAccountId }, { $inc: { balance: amount } }, { session });
	}

	rows(): readonly Row[] {
		const row = (name: string, width: number, order: (turn: number) => Order): Row => ({
			name: `naive, ${name}`,
			width,
			pay: (turn) => this.transfer(order(turn)),
		});
		return [
			row("1 waiting", 1, spread),
			row("32 waiting", 32, spread),
			row("128 waiting", 128, spread),
			row("1 waiting, into one account", 1, intoOne),
			row("32 waiting, into one account", 32, intoOne),
			row("128 waiting, into one account", 128, intoOne),
		];
	}

	close(): Promise<void> {
		return this.#client.close();
	}
}
