import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Account, AccountId, CommandId, Entry, Jti, Transfer, TransferId, TransferState } from "./model.ts";
import { Draft, ResidentBook } from "./resident-book.ts";
import { Residents } from "./residents.ts";

type Step = { readonly key: string; readonly act: "set" | "get" | "turn"; readonly lag: number };

/** Values that are written to a log, cached in `Residents`, and found in a database that has only the log's beginning. */
class CachedDatabase {
	readonly #residents: Residents<string, number>;
	readonly #log: string[] = [];
	#watermark = 0;

	constructor(sizeMax: number) {
		this.#residents = new Residents(sizeMax);
	}

	set({ key }: Step): void {
		this.#residents.set(key, this.#log.push(key));
	}

	get({ key }: Step): void {
		const value = this.#residents.get(key) ?? this.#load(key);
		const newest = this.#log.lastIndexOf(key) + 1;
		assert.equal(value ?? 0, newest, `${key} at ${this.#log.length}, the database at ${this.#watermark}`);
	}

	#load(key: string): number | undefined {
		const value = this.#log.slice(0, this.#watermark).lastIndexOf(key) + 1;
		if (value > 0) this.#residents.set(key, value);
		return value || undefined;
	}

	turn({ lag }: Step): void {
		this.#watermark = Math.max(this.#watermark, this.#log.length - lag);
		this.#residents.turn({ head: this.#log.length, watermark: this.#watermark });
	}
}

describe("Residents", () => {
	it("gives what was set, the newest of it", () => {
		const residents = new Residents<string, number>(2);
		assert.equal(residents.get("a"), undefined);
		residents.set("a", 1);
		residents.set("a", 2);
		assert.equal(residents.get("a"), 2);
	});

	it("keeps what it has while there is room: a turn of a generation that is not over its size does nothing", () => {
		const residents = new Residents<string, number>(2);
		residents.set("a", 1);
		residents.set("b", 2);
		for (let head = 1; head < 5; head++) residents.turn({ head, watermark: head });
		assert.deepEqual([residents.get("a"), residents.get("b")], [1, 2]);
	});

	it("drops a generation only when the read model has reached the turn that ended it", () => {
		const residents = new Residents<string, number>(0);
		residents.set("a", 1);
		residents.turn({ head: 5, watermark: 3 });
		residents.set("b", 2);
		residents.turn({ head: 7, watermark: 4 });
		assert.equal(residents.get("a"), 1, "the read model is at 4, a may be of 5");
		const again = new Residents<string, number>(0);
		again.set("a", 1);
		again.turn({ head: 5, watermark: 3 });
		again.set("b", 2);
		again.turn({ head: 7, watermark: 5 });
		assert.equal(again.get("a"), undefined);
		assert.equal(again.get("b"), 2);
	});

	it("keeps what is used", () => {
		const residents = new Residents<string, number>(0);
		residents.set("used", 1);
		for (let head = 1; head <= 20; head++) {
			residents.set(`other ${head}`, head);
			residents.turn({ head, watermark: head });
			assert.equal(residents.get("used"), 1);
		}
	});

	it("never shows a value again that was overwritten", () => {
		const residents = new Residents<string, number>(0);
		residents.set("a", 1);
		residents.turn({ head: 1, watermark: 0 });
		residents.set("a", 2);
		assert.equal(residents.get("a"), 2);
		residents.turn({ head: 2, watermark: 1 });
		assert.equal(residents.get("a"), 2);
		residents.turn({ head: 3, watermark: 2 });
		assert.equal(residents.get("a"), 2);
	});

	it("over a database that lags behind: what is in neither was never there, and what is in either is the newest", () => {
		const step: fc.Arbitrary<Step> = fc.record({
			key: fc.constantFrom(..."abcdefgh"),
			act: fc.constantFrom("set", "set", "get", "turn"),
			lag: fc.constantFrom(0, 0, 1, 2, 5, 20),
		});
		const property = fc.property(
			fc.array(step, { maxLength: 200, size: "max" }),
			fc.integer({ min: 0, max: 5 }),
			(steps, sizeMax) => {
				const cached = new CachedDatabase(sizeMax);
				for (const step of steps) cached[step.act](step);
			},
		);
		fc.assert(property, { numRuns: 2_000 });
	});

	it("stays at two generations and what comes between two turns, when the database keeps up", () => {
		const groups = fc.array(fc.array(fc.nat(10_000), { maxLength: 10 }), { maxLength: 100, size: "max" });
		const property = fc.property(groups, (groups) => {
			const residents = new Residents<number, number>(20);
			for (const [head, keys] of groups.entries()) {
				for (const key of keys) residents.set(key, head);
				residents.turn({ head, watermark: head });
			}
			const inMemory = [...new Set(groups.flat())].filter((key) => residents.get(key) !== undefined).length;
			assert.ok(inMemory <= 2 * 30, `${inMemory} are in memory`);
		});
		fc.assert(property, { numRuns: 100 });
	});
});

const account = (id: string, creditsPosted: number): Account => ({
	id: id as AccountId,
	kind: "wallet",
	owner: id,
	floor: 0,
	state: "open",
	debitsPosted: 0,
	creditsPosted,
	debitsPending: 0,
	creditsPending: 0,
});
const transfer = (id: string, state: TransferState): Transfer => ({
	id: id as TransferId,
	kind: "sale",
	debitAccountId: "wallet:a" as AccountId,
	creditAccountId: "store:s" as AccountId,
	amount: 1,
	state,
	refunded: 0,
	reference: null,
	details: {},
	createdAtMs: 1,
	expiresAtMs: state === "pending" ? 9 : null,
});
const entry = (id: string): Entry => ({ id: id as CommandId, type: "open", fingerprint: id });

describe("ResidentBook", () => {
	it("forgets accounts, transfers, entries and codes when the read model has them, open holds never", () => {
		const book = new ResidentBook({ accountsMax: 0, transfersMax: 0 });
		book.putAccount(account("wallet:old", 1));
		book.putTransfer(transfer("old", "posted"));
		book.putTransfer(transfer("hold", "pending"));
		book.putEntry("old" as CommandId, entry("old"));
		book.putRedeemed("old" as Jti);
		for (let head = 1; head <= 3; head++) {
			book.putAccount(account(`wallet:${head}`, 1));
			book.putTransfer(transfer(`${head}`, "posted"));
			book.putEntry(`${head}` as CommandId, entry(`${head}`));
			book.putRedeemed(`${head}` as Jti);
			book.turn({ head, watermark: head });
		}
		assert.equal(book.account("wallet:old" as AccountId), undefined);
		assert.equal(book.transfer("old" as TransferId), undefined);
		assert.equal(book.entry("old" as CommandId), undefined);
		assert.equal(book.isRedeemed("old" as Jti), false);
		assert.equal(book.transfer("hold" as TransferId)?.state, "pending");
		assert.deepEqual([...book.holds.keys()], ["hold"]);
	});

	it("lists a hold until it is posted, voided or expired", () => {
		for (const state of ["posted", "voided", "expired"] as const) {
			const book = new ResidentBook();
			book.putTransfer(transfer("hold", "pending"));
			assert.equal(book.holds.size, 1);
			book.putTransfer(transfer("hold", state));
			assert.equal(book.holds.size, 0);
			assert.equal(book.transfer("hold" as TransferId)?.state, state);
		}
	});
});

describe("Draft", () => {
	const base = () => {
		const book = new ResidentBook();
		book.putAccount(account("wallet:a", 1));
		book.putTransfer(transfer("t", "pending"));
		book.putEntry("e" as CommandId, entry("e"));
		book.putRedeemed("c" as Jti);
		return book;
	};
	const change = (draft: Draft) => {
		draft.putAccount(account("wallet:a", 2));
		draft.putTransfer(transfer("t", "posted"));
		draft.putEntry("f" as CommandId, entry("f"));
		draft.putRedeemed("d" as Jti);
	};
	const seen = (book: Draft | ResidentBook) => [
		book.account("wallet:a" as AccountId)?.creditsPosted,
		book.transfer("t" as TransferId)?.state,
		...["e", "f"].map((id) => book.entry(id as CommandId)?.id),
		...["c", "d"].map((jti) => book.isRedeemed(jti as Jti)),
	];

	it("shows what is below it and, over that, what was put into it", () => {
		const draft = new Draft(base());
		assert.deepEqual(seen(draft), [1, "pending", "e", undefined, true, false]);
		change(draft);
		assert.deepEqual(seen(draft), [2, "posted", "e", "f", true, true]);
	});

	it("thrown away leaves no trace", () => {
		const book = base();
		change(new Draft(book));
		assert.deepEqual(seen(book), [1, "pending", "e", undefined, true, false]);
		assert.equal(book.holds.size, 1);
	});

	it("absorbed is in the book, ended holds included", () => {
		const book = base();
		const draft = new Draft(book);
		change(draft);
		draft.absorbInto(book);
		assert.deepEqual(seen(book), [2, "posted", "e", "f", true, true]);
		assert.equal(book.holds.size, 0);
	});
});

describe("a generation of Residents", () => {
	it("is turned when it has one value more than its size, not when it is full", () => {
		const residents = new Residents<string, number>(1);
		for (const [head, key] of ["a", "b"].entries()) {
			residents.set(key, head);
			residents.turn({ head, watermark: head });
		}
		assert.equal(residents.get("a"), 0, "it was turned once, with both in it");
	});

	it("is not filled by questions for what it does not have", () => {
		const residents = new Residents<string, number>(1);
		residents.set("a", 1);
		for (let head = 1; head <= 5; head++) {
			assert.equal(residents.get(`never set ${head}`), undefined);
			residents.turn({ head, watermark: head });
		}
		assert.equal(residents.get("a"), 1);
	});
});
