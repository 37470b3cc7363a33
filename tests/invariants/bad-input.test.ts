import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { call } from "../../services/actions.ts";
import { creditActions } from "../../services/credit/credit.actions.ts";
import { type ProblemCode, problems } from "../../services/errors.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { ask } from "./business.ts";
import { accounts, anyInput, type Input, isAcceptable, type Json, shapes } from "./commands.ts";
import { Ledger } from "./ledger.ts";
import { booksFrom, entriesAsked, readBooks } from "./log.ts";
import { MongoStorage, SqliteStorage, type Storage } from "./storage.ts";
import { newAccountId, Teller, type TransferParams } from "./teller.ts";

// `FUZZ_RUNS=4000 node --test tests/invariants/bad-input.test.ts`: as many batches, of 25 inputs on average.
const BATCHES = Number(process.env.FUZZ_RUNS ?? 300);

const answers = new Map(
	Object.entries(creditActions).map(([name, { returns }]) => [`credit.${name}`, Compile(returns as TSchema)]),
);

/** Whatever is formed as JSON and sent to an action: refused by the schema, and then nothing is stored; or understood, and then decided. */
function badInput(name: string, { start, batches }: { start: () => Promise<Storage>; batches: number }): void {
	describe(name, () => {
		let ledger: Ledger;
		const seen = { refusedBySchema: 0, refused: 0, applied: 0 };
		const understood = new Set<string>();
		before(async () => {
			ledger = await Ledger.start(await start());
			const teller = new Teller(ledger);
			for (const accountId of accounts) {
				const kind = accountId.startsWith("store:") ? "store" : "wallet";
				await call(ledger, "credit.open", { accountId, owner: "fuzz" });
				if (kind === "wallet")
					await teller.transfer({ kind: "charge", from: "system:funding", to: accountId, amount: 1e6 });
			}
		});
		after(() => ledger.remove());

		it("covers every action", () => {
			assert.deepEqual(Object.keys(shapes).sort(), [...answers.keys()].sort());
		});

		it("text that is strange, and allowed, is kept as it came", async () => {
			const teller = new Teller(ledger);
			const [from, to] = [await teller.wallet({ credit: 100 }), await teller.open("store")];
			const text =
				'{"__proto__":[{"__proto__":1}],"constructor":"\\ud800","a\\u0000b":"\\u0000","$set":[{"a.b":1}],".":"\\ufffe","toJSON":null}';
			const params = { ...teller.params({ from, to, amount: 1 }), details: JSON.parse(text), fingerprint: "\ud800\0" };
			await call(ledger, "credit.transfer", params);
			await call(ledger, "credit.setState", {
				...teller.command(),
				accountId: from,
				state: "open",
				reason: "\udfff\0",
			});
			await ledger.restart();
			assert.equal((await call(ledger, "credit.transfer", params)).replayed, true);
			const [line] = await (await ledger.reader()).statement(to);
			assert.equal(JSON.stringify(line?.details), JSON.stringify(JSON.parse(text)));
			assert.equal((await call(ledger, "credit.audit", {})).clean, true);
		});

		it("any JSON to any action is refused by its schema and not stored, or is decided; nothing breaks", async (t) => {
			const batch = fc.array(anyInput, { minLength: 1, maxLength: 49, size: "max" });
			const stored = entriesAsked(await ledger.storage.groups()).length;
			await fc.assert(fc.asyncProperty(batch, holds), { numRuns: batches });
			const groups = await ledger.storage.groups();
			const strangers = entriesAsked(groups)
				.slice(stored)
				.filter(({ id }) => !understood.has(id));
			assert.deepEqual(strangers, [], "something was stored that nobody had asked for in a way that is understood");
			t.diagnostic(JSON.stringify(seen));
			assert.ok(Math.min(...Object.values(seen)) > batches, "something hardly ever happened");
		});

		it("and afterwards everything adds up, and still does after a restart", async () => {
			const what = { accounts, ids: [...understood] };
			for (const _ of ["now", "after a restart"]) {
				const { groups, value } = await readBooks(ledger, what);
				assert.deepEqual(value, booksFrom(groups, what));
				const { clean, discrepancy } = await call(ledger, "credit.audit", {});
				assert.equal(clean, true, JSON.stringify(discrepancy));
				await ledger.restart();
			}
		});

		/** The refused ones first, when nothing else is going on, so that the log's length tells. */
		async function holds(inputs: readonly Input[]): Promise<void> {
			const { sequence } = await call(ledger, "credit.status", {});
			const wrong = inputs.filter((input) => !isAcceptable(input));
			for (const { input, type, value } of await answersTo(ledger, wrong)) {
				assert.equal(type, "VALIDATION_ERROR", `${shown(input)} was answered with ${shown(value)}`);
				seen.refusedBySchema++;
			}
			await nothingSince(sequence);
			const right = inputs.filter(isAcceptable);
			for (const input of right) if (!readers.has(input.name)) understood.add(idOf(input));
			for (const answer of await answersTo(ledger, right)) decided(answer);
		}

		/** Other than a hold's end. */
		async function nothingSince(sequence: number): Promise<void> {
			if ((await call(ledger, "credit.status", {})).sequence === sequence) return;
			assert.deepEqual(entriesAsked((await ledger.storage.groups()).slice(sequence)), []);
		}

		function decided({ input, type, value }: Answer): void {
			if (type === null) {
				assert.ok(answers.get(input.name)?.Check(value), `${shown(input)} was answered with ${shown(value)}`);
				seen.applied++;
			} else {
				const status = problems[type as ProblemCode]?.status;
				assert.ok(status >= 400 && status < 500, `${shown(input)} was answered with ${type}`);
				seen.refused++;
			}
		}
	});
}

/** Actions that store nothing. */
const readers = new Set(
	[
		"recall",
		"account",
		"outcome",
		"trace",
		"listHolds",
		"statement",
		"activity",
		"feed",
		"totals",
		"audit",
		"status",
	].map((name) => `credit.${name}`),
);

type Answer = { readonly input: Input; readonly type: string | null; readonly value?: unknown };
const answersTo = (ledger: Ledger, inputs: readonly Input[]): Promise<Answer[]> =>
	Promise.all(
		inputs.map((input) =>
			ask(ledger, input as Parameters<typeof ask>[1]).then(
				(value) => ({ input, type: null, value }),
				({ type }: { type: string }) => ({ input, type }),
			),
		),
	);

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 600);

function idOf({ name, params }: Input): string {
	const { id, accountId } = params as { id?: string; accountId?: string };
	return name === "credit.open" ? `system.open:${accountId}` : String(id);
}

describe("bad input that would do harm if it were understood", () => {
	let ledger: Ledger;
	let teller: Teller;
	let pay: (more: Partial<TransferParams>) => Promise<string>;
	before(async () => {
		ledger = await Ledger.start(new SqliteStorage());
		teller = new Teller(ledger);
		const [from, to] = [await teller.wallet({ credit: 1_000 }), await teller.open("store")];
		pay = async (more) => {
			const params = { ...teller.params({ from, to, amount: 1 }), ...more };
			const [{ type } = assert.fail("no answer")] = await answersTo(ledger, [
				{ name: "credit.transfer", params: params as Json },
			]);
			return type ?? "ok";
		};
	});
	after(() => ledger.remove());

	it("two payment codes that differ in half a character are two codes, or are none", async () => {
		const redeem = (jti: string) => ({ redeem: { jti, expiresAtMs: 8e12, cap: 100 } });
		await pay(redeem("code-of-x\ud800"));
		const [twin, innocent] = await Promise.all([pay(redeem("code-of-x\ud801")), pay({})]);
		assert.deepEqual(
			[["ok", "VALIDATION_ERROR"].includes(twin), innocent],
			[true, "ok"],
			`it is answered with ${twin}, ${innocent}`,
		);
	});

	it("what cannot be written as JSON does not keep others from being booked", async () => {
		let deep: Json = 1;
		for (let depth = 0; depth < 20_000; depth++) deep = [deep];
		const [, innocent] = await Promise.all([pay({ details: { deep } }), pay({})]);
		assert.equal(innocent, "ok");
	});

	it("details are bounded in size", async () => {
		assert.equal(await pay({ details: { note: "x".repeat(17_000_000) } }), "VALIDATION_ERROR");
	});

	it("the names of details are bounded in length", async () => {
		assert.equal(await pay({ details: { ["k".repeat(41)]: 1 } }), "VALIDATION_ERROR");
	});

	it("a wallet cannot be opened as a system account, which may be overdrawn without end", async () => {
		const params = { accountId: newAccountId("wallet"), kind: "system", owner: "somebody" };
		await assert.rejects(call(ledger, "credit.open", params), { type: "VALIDATION_ERROR" });
	});

	it("the audit finds nothing wrong with an owner that was understood", async () => {
		const params = { accountId: newAccountId("wallet"), owner: "half-a-\ud800" };
		await assert.rejects(call(ledger, "credit.open", params), { type: "VALIDATION_ERROR" });
		assert.deepEqual((await call(ledger, "credit.audit", {})).discrepancy, null);
	});

	it("a system account is neither frozen nor closed: nobody could charge any more", async () => {
		for (const state of ["frozen", "closed"] as const) {
			const params = { ...teller.command(), accountId: "system:funding", state, reason: "by mistake" };
			await assert.rejects(call(ledger, "credit.setState", params), { type: "VALIDATION_ERROR" });
		}
	});

	it("nobody takes or keeps out an id of the ledger's own commands, or an account could never be opened", async () => {
		const accountId = newAccountId("wallet");
		const targetId = `system.open:${accountId}`;
		await assert.rejects(call(ledger, "credit.cancel", { ...teller.command(), targetId, details: {} }), {
			type: "VALIDATION_ERROR",
		});
		assert.equal(await pay({ id: targetId }), "VALIDATION_ERROR");
		assert.equal((await call(ledger, "credit.open", { accountId, owner: "late" })).state, "open");
	});

	it("the largest receipt that is allowed is booked, and one line more is refused", async () => {
		const text = "한".repeat(200);
		const line = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field ${n}`, text]));
		const lists = (lines: number) =>
			Object.fromEntries(
				Array.from({ length: 20 }, (_, n) => [`list ${n}`, Array.from({ length: lines }, () => line)]),
			);
		assert.equal(await pay({ details: lists(100) }), "ok");
		assert.equal(await pay({ details: lists(101) }), "VALIDATION_ERROR");
	});
});

badInput("bad input on SQLite", { start: async () => new SqliteStorage(), batches: BATCHES });

describeOnMongo("bad input on MongoDB", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start();
	});
	after(() => set.stop());

	badInput("bad input", { start: async () => new MongoStorage(set), batches: Math.ceil(BATCHES / 6) });
});
