import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import {
	claimsOf,
	codeClaim,
	emptyHead,
	type Group,
	hashOf,
	headOf,
	type Journal,
	makeGroup,
} from "../../services/credit/journal.ts";
import type { CommandId, Entry, Jti, Transfer } from "../../services/credit/model.ts";

/** An entry as the ledger makes them, as far as a journal can tell: it takes its id, and maybe more. */
export function entryOf(id: string, more: { tombstone?: string; jti?: string; note?: string } = {}): Entry {
	const created = { id, details: { note: more.note ?? "" } } as unknown as Transfer;
	return {
		id: id as CommandId,
		type: "transfer",
		fingerprint: `asked ${id}`,
		created,
		...(more.tombstone !== undefined && { tombstone: more.tombstone as CommandId }),
		...(more.jti !== undefined && { redeemed: { jti: more.jti as Jti, expiresAtMs: 9 } }),
	};
}

const group = (previous: { sequence: number; hash: string; committedAtMs: number }, entries: readonly Entry[]): Group =>
	makeGroup({ lane: 0, previous, nowMs: previous.committedAtMs + 1, entries });

const claims = (entries: readonly Entry[]): string[] => entries.flatMap(claimsOf);

/** Puts entries at the journal's end. */
async function add(journal: Journal, entries: readonly Entry[]): Promise<Group> {
	const made = group(await journal.head(), entries);
	assert.deepEqual(await journal.append(made, claims(entries)), { result: "appended" });
	return made;
}

/** A chain of groups of one entry each: `g1`, `g2` … */
async function fill(journal: Journal, count: number): Promise<Group[]> {
	const groups: Group[] = [];
	for (let n = 1; n <= count; n++) groups.push(await add(journal, [entryOf(`g${n}`)]));
	return groups;
}

const everything = (journal: Journal): Promise<Group[]> => journal.read({ fromSequence: 1, groupsMax: 100_000 });

/** What makes groups a log: numbers without gaps, each one's hash over its content and the one before it. */
export function assertLog(groups: readonly Group[]): void {
	let last = emptyHead;
	for (const each of groups) {
		assert.equal(each.sequence, last.sequence + 1);
		assert.equal(each.previousHash, last.hash, `group ${each.sequence} does not follow the one before it`);
		assert.equal(each.hash, hashOf(each), `group ${each.sequence} is not what was hashed`);
		last = headOf(each);
	}
}

/**
 * What every journal promises, whatever it is made of.
 *
 * @param open opens the journal at a place; the same place has the same log, a new place an empty one
 * @param writers how many may have one place open at the same time
 */
export function journalConformance(
	name: string,
	open: (place: string) => Promise<Journal>,
	{ writers = 1 }: { writers?: number } = {},
): void {
	describe(`journal: ${name}`, () => {
		let places = 0;
		const opened = new Set<Journal>();
		const newPlace = () => `place-${++places}`;
		const openAt = async (place: string): Promise<Journal> => {
			const journal = await open(place);
			opened.add(journal);
			return journal;
		};
		const close = async (journal: Journal): Promise<void> => {
			opened.delete(journal);
			await journal.close();
		};
		const fresh = (): Promise<Journal> => openAt(newPlace());
		afterEach(async () => {
			for (const journal of opened) await close(journal);
		});

		/** So many connections to one new place as there may be, at most three. */
		const several = (place: string): Promise<Journal[]> =>
			Promise.all(Array.from({ length: Math.min(writers, 3) }, () => openAt(place)));

		it("is empty at first", async () => {
			const journal = await fresh();
			assert.deepEqual(await journal.head(), emptyHead);
			assert.deepEqual(await journal.read({ fromSequence: 1, groupsMax: 10 }), []);
			assert.deepEqual(await journal.find(["anything"]), new Map());
		});

		it("gives back what was appended: head, group, claims", async () => {
			const journal = await fresh();
			const entries = [entryOf("a"), entryOf("b", { jti: "code-1" }), entryOf("c", { tombstone: "late" })];
			const first = await add(journal, entries);
			assert.deepEqual(await journal.head(), headOf(first));
			assert.deepEqual(await everything(journal), [first]);
			const found = await journal.find(["a", "b", "c", "late", codeClaim("code-1"), "code-1", "d"]);
			assert.deepEqual(
				[...found].sort(),
				[
					["a", 1],
					["b", 1],
					["c", 1],
					["code:code-1", 1],
					["late", 1],
				].sort(),
			);
		});

		describe("keeps a body byte for byte", () => {
			const notes: [string, string][] = [
				["Korean, emoji, right to left", "한닢 🪙👩‍👩‍👧 שלום مرحبا"],
				["composed and decomposed", "\u00e9 e\u0301 \uac00 \u1100\u1161"],
				["line separators, BOM, non-characters", "\u2028\u2029\ufeff\uffff\ufffe\u{10ffff}"],
				["control characters", Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join("")],
				["half a surrogate pair", "\ud83e and \udd42"],
				["quotes and backslashes", "\" \\ \\\\ ' ` $ {} %s \\u0000 \\x00"],
				["numbers that a store may want to change", "9007199254740993 1e400 -0 NaN 007"],
				["a megabyte", "한닢 🪙 ".repeat(90_000)],
			];
			for (const [what, note] of notes) {
				it(`with ${what}`, async () => {
					const journal = await fresh();
					const made = await add(journal, [entryOf("a", { note })]);
					const [read] = await everything(journal);
					assert.ok(read?.body === made.body, "the body is another");
					assert.equal(hashOf(read), made.hash);
					assert.deepEqual({ ...read, body: "" }, { ...made, body: "" });
				});
			}

			it("with whitespace, key order, escapes and numbers as they were written", async () => {
				const journal = await fresh();
				const { fingerprint } = entryOf("a");
				const body = `[ {"type" : "transfer",\n\t"id":"\\u0061" , "fingerprint":"${fingerprint}", "n":[1.0,1e2,-0.0]}]\n`;
				const unhashed = { ...group(emptyHead, []), body };
				const made = { ...unhashed, hash: hashOf(unhashed) };
				assert.deepEqual(await journal.append(made, ["a"]), { result: "appended" });
				assert.deepEqual(await everything(journal), [made]);
			});

			it("with 1,024 entries", async () => {
				const journal = await fresh();
				const entries = Array.from({ length: 1_024 }, (_, n) =>
					entryOf(`e${n}`, { jti: `code-${n}`, note: "x".repeat(300) }),
				);
				const made = await add(journal, entries);
				assert.deepEqual(await everything(journal), [made]);
				const found = await journal.find(claims(entries));
				assert.equal(found.size, 2_048);
				assert.ok([...found.values()].every((sequence) => sequence === 1));
			});

			it("and the largest times and numbers", async () => {
				const journal = await fresh();
				const made = makeGroup({ lane: 0, previous: emptyHead, nowMs: 8.64e15, entries: [entryOf("a")] });
				await journal.append(made, ["a"]);
				assert.deepEqual(await everything(journal), [made]);
				assert.deepEqual(await journal.head(), headOf(made));
			});
		});

		describe("compares before it appends", () => {
			it("of many appends with one sequence number at the same time one wins, the others get conflict", async () => {
				const journals = await several(newPlace());
				for (let round = 0; round < 5; round++) {
					const previous = await (journals[0] as Journal).head();
					const rivals = Array.from({ length: 12 }, (_, n) => [entryOf(`round ${round} rival ${n}`)]);
					const results = await Promise.all(
						rivals.map((entries, n) =>
							(journals[n % journals.length] as Journal).append(group(previous, entries), claims(entries)),
						),
					);
					const won = results.findIndex(({ result }) => result === "appended");
					assert.deepEqual(
						results,
						results.map((_, n) => ({ result: n === won ? "appended" : "conflict" })),
					);
					for (const journal of journals) {
						assert.deepEqual(await journal.head(), headOf(group(previous, rivals[won] as Entry[])));
						const taken = await journal.find(claims(rivals.flat()));
						assert.deepEqual([...taken], [[`round ${round} rival ${won}`, previous.sequence + 1]]);
					}
				}
				assertLog(await everything(journals[0] as Journal));
			});

			const wrong: [string, (last: Group, before: Group) => Group][] = [
				["a sequence number that is taken", (_, before) => group(headOf(before), [entryOf("x")])],
				["a gap", (last) => group({ ...headOf(last), sequence: last.sequence + 1 }, [entryOf("x")])],
				["another previous hash", (last) => group({ ...headOf(last), hash: "f".repeat(64) }, [entryOf("x")])],
				["sequence number 1 again", () => group(emptyHead, [entryOf("x")])],
			];
			for (const [what, make] of wrong) {
				it(`and refuses ${what} as a conflict, with nothing stored`, async () => {
					const journal = await fresh();
					const groups = await fill(journal, 3);
					const refused = make(groups[2] as Group, groups[1] as Group);
					assert.deepEqual(await journal.append(refused, ["x"]), { result: "conflict" });
					assert.deepEqual(await everything(journal), groups);
					assert.deepEqual(await journal.find(["x"]), new Map());
					await add(journal, [entryOf("x")]);
				});
			}

			it("so the same group appended once more is a conflict: the reader finds it in the log", async () => {
				const journal = await fresh();
				const made = await add(journal, [entryOf("a")]);
				assert.deepEqual(await journal.append(made, ["a"]), { result: "conflict" });
				assert.deepEqual(await everything(journal), [made]);
			});

			it("writers who read what they missed and try again lose nothing and make one chain", async () => {
				const journals = await several(newPlace());
				const write = async (journal: Journal, who: number) => {
					for (let n = 0; n < 20; ) {
						const entries = [entryOf(`${who}.${n}`)];
						const { result } = await journal.append(group(await journal.head(), entries), claims(entries));
						if (result === "appended") n++;
						else assert.equal(result, "conflict");
					}
				};
				await Promise.all(journals.map(write));
				const groups = await everything(journals[0] as Journal);
				assert.equal(groups.length, 20 * journals.length);
				assertLog(groups);
			});
		});

		describe("takes a claim once", () => {
			const taken = [entryOf("a"), entryOf("b", { jti: "code-1" }), entryOf("c", { tombstone: "late" })];
			const cases: [string, Entry[], string[]][] = [
				["an id", [entryOf("a")], ["a"]],
				["an id that was kept out", [entryOf("late")], ["late"]],
				["a code", [entryOf("x", { jti: "code-1" })], ["code:code-1"]],
				["an id to keep out that was there", [entryOf("x", { tombstone: "a" })], ["a"]],
				["an id to keep out that is kept out already", [entryOf("x", { tombstone: "late" })], ["late"]],
				[
					"some of many",
					[
						entryOf("new 1"),
						entryOf("b"),
						entryOf("new 2", { jti: "new" }),
						entryOf("c"),
						entryOf("x", { jti: "code-1" }),
					],
					["b", "c", "code:code-1"],
				],
				["all of it", taken, claims(taken)],
			];
			for (const [what, entries, expected] of cases) {
				it(`and reports ${what} as duplicate, exactly, with nothing of the group stored`, async () => {
					const journal = await fresh();
					await add(journal, taken);
					await add(journal, [entryOf("between")]);
					const before = await everything(journal);
					const answer = await journal.append(group(await journal.head(), entries), claims(entries));
					assert.equal(answer.result, "duplicate");
					assert.deepEqual(answer.result === "duplicate" && [...answer.claims].sort(), [...expected].sort());
					assert.deepEqual(await everything(journal), before);
					const others = claims(entries).filter((claim) => !expected.includes(claim));
					assert.deepEqual(await journal.find(others), new Map());
					// What was not taken is free, and the number as well.
					await add(
						journal,
						others.filter((claim) => !claim.startsWith("code:")).map((claim) => entryOf(claim)),
					);
				});
			}

			it("and tells apart what differs by case, accents, spaces, or by being a code", async () => {
				const journal = await fresh();
				const ids = [
					"a",
					"A",
					"\u00e9",
					"e\u0301",
					"a ",
					" a",
					"a.b",
					"a$b",
					"code-1",
					"",
					"x".repeat(200),
					`${"x".repeat(199)}y`,
				];
				for (const id of ids) await add(journal, [entryOf(id)]);
				await add(journal, [entryOf("redeems", { jti: "code-1" })]);
				const found = await journal.find(ids);
				assert.deepEqual(
					ids.map((id) => found.get(id)),
					ids.map((_, n) => n + 1),
				);
			});

			it("and calls it a conflict when it was taken by the group that took the number", async () => {
				const journal = await fresh();
				await fill(journal, 2);
				const previous = await journal.head();
				const entries = [entryOf("hedged")];
				const rival = [entryOf("rival"), ...entries];
				await journal.append(group(previous, rival), claims(rival));
				assert.deepEqual(await journal.append(group(previous, entries), claims(entries)), { result: "conflict" });
			});
		});

		it("never changes a group that is in it", async () => {
			const journal = await fresh();
			const groups = await fill(journal, 10);
			await journal.append(group(headOf(groups[4] as Group), [entryOf("x")]), ["x"]);
			await journal.append(group(await journal.head(), [entryOf("g1")]), ["g1"]);
			await add(journal, [entryOf("y")]);
			assert.deepEqual(await journal.read({ fromSequence: 1, groupsMax: 10 }), groups);
			assert.deepEqual([...(await journal.find(["g1", "g10"]))].sort(), [
				["g1", 1],
				["g10", 10],
			]);
		});

		it("has everything when it is opened again, and goes on", async () => {
			const place = newPlace();
			const first = await openAt(place);
			const groups = [
				await add(first, [entryOf("a", { jti: "code-1", tombstone: "late" })]),
				await add(first, [entryOf("b")]),
			];
			await close(first);
			const again = await openAt(place);
			assert.deepEqual(await again.head(), headOf(groups[1] as Group));
			assert.deepEqual(await everything(again), groups);
			const found = await again.find(["a", "late", "code:code-1", "b", "c"]);
			assert.deepEqual([...found].sort(), [
				["a", 1],
				["b", 2],
				["code:code-1", 1],
				["late", 1],
			]);
			const taken = await again.append(group(await again.head(), [entryOf("late")]), ["late"]);
			assert.deepEqual(taken, { result: "duplicate", claims: ["late"] });
			await add(again, [entryOf("c")]);
			assertLog(await everything(again));
		});

		it("reads pages of any size from anywhere, in order", async () => {
			const journal = await fresh();
			const groups = await fill(journal, 25);
			for (const groupsMax of [1, 7, 24, 25, 26, 1_000]) {
				const pages: Group[] = [];
				for (;;) {
					const page = await journal.read({ fromSequence: pages.length + 1, groupsMax });
					assert.ok(page.length <= groupsMax);
					if (page.length === 0) break;
					pages.push(...page);
				}
				assert.deepEqual(pages, groups);
			}
			assert.deepEqual(await journal.read({ fromSequence: 25, groupsMax: 5 }), groups.slice(24));
			assert.deepEqual(await journal.read({ fromSequence: 26, groupsMax: 5 }), []);
			assert.deepEqual(await journal.read({ fromSequence: 1_000, groupsMax: 5 }), []);
		});

		it("finds claims of many groups at once, and leaves out what nobody claimed", async () => {
			const journal = await fresh();
			await fill(journal, 30);
			const asked = Array.from({ length: 3_000 }, (_, n) => `g${n + 1}`);
			const found = await journal.find(asked);
			assert.equal(found.size, 30);
			for (let n = 1; n <= 30; n++) assert.equal(found.get(`g${n}`), n);
			assert.deepEqual(await journal.find([]), new Map());
			assert.deepEqual(await journal.find(["G1", "g1 ", "code:g1", ""]), new Map());
		});

		it("answers while it appends: what an answer was given for is found by whoever asks afterwards", async () => {
			const journals = await several(newPlace());
			const [one] = journals as [Journal];
			for (let n = 1; n <= 30; n++) {
				const made = await add(one, [entryOf(`n${n}`)]);
				for (const journal of journals) {
					assert.deepEqual(await journal.head(), headOf(made));
					assert.deepEqual([...(await journal.find([`n${n}`]))], [[`n${n}`, n]]);
					assert.deepEqual(await journal.read({ fromSequence: n, groupsMax: 2 }), [made]);
				}
			}
		});
	});
}
