import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	assertChain,
	balanceIn,
	idOf,
	idsIn,
	openedWriter,
	pay,
	wordOf,
	wordsOf,
	writer,
} from "../../tests/ledger/group-writer.ts";
import { type Fault, faultsInOrder, MemoryLog, turn, turns } from "../../tests/ledger/memory-journal.ts";
import type { AccountId, Command, TransferId } from "./model.ts";

describe("a process that was frozen", () => {
	it("does not decide what nobody waits for any more, and goes on", async (t) => {
		const { commit, log, journal } = await openedWriter();
		const clock = t.mock.method(performance, "now");
		journal.trouble = (operation) => (operation === "append" ? "slow" : undefined);
		const first = commit.submit(pay("first", 1));
		await turn();
		const waiting = wordsOf([commit.submit(pay("waiting", 2))]);
		const atMs = performance.now() + 60_000;
		clock.mock.mockImplementation(() => atMs);
		assert.deepEqual([await wordOf(first), ...(await waiting)], ["new applied", "ledger_unavailable"]);
		assert.equal(await wordOf(commit.submit(pay("later", 3))), "new applied");
		assert.ok(!idsIn(log).flat().includes("waiting"));
	});

	it("decides what has waited for five seconds, and not what has waited longer, which came with it", async (t) => {
		const { commit, log, journal } = await openedWriter();
		const clock = t.mock.method(performance, "now");
		// Whole, so that sums are exact.
		const startMs = Math.ceil(performance.now());
		const at = (ms: number) => clock.mock.mockImplementation(() => startMs + ms);
		at(0);
		journal.trouble = (operation) => (operation === "append" ? "slow" : undefined);
		const first = commit.submit(pay("first", 1));
		await turn();
		const late = wordsOf([commit.submit(pay("late", 2))]);
		at(1);
		const inTime = commit.submit(pay("in-time", 3));
		at(5_001);
		assert.deepEqual(
			[await wordOf(first), ...(await late), await wordOf(inTime)],
			["new applied", "ledger_unavailable", "new applied"],
		);
		assert.ok(!idsIn(log).flat().includes("late"));
	});

	it("decides nothing anew that it had decided before, when others have gone on", async (t) => {
		const { commit, log, journal } = await openedWriter();
		const other = writer({ log });
		const clock = t.mock.method(performance, "now");
		journal.trouble = (operation) => (operation === "append" ? "slow" : undefined);
		journal.turns = () => 100;
		const frozen = commit.submit(pay("frozen", 1));
		await turn();
		await other.commit.submit(pay("other", 2));
		const atMs = performance.now() + 60_000;
		clock.mock.mockImplementation(() => atMs);
		assert.equal(await wordOf(frozen), "ledger_unavailable");
		await turns(10);
		assert.ok(!idsIn(log).flat().includes("frozen"));
	});
});

describe("an unknown outcome", () => {
	const cases: [Fault, string][] = [
		["reply_lost", "replay applied"],
		["request_lost", "new applied"],
		["late", "replay applied"],
	];
	for (const [fault, expected] of cases) {
		it(`(${fault}) is answered to exactly that batch; repeated it is ${expected}, and nothing happens twice`, async () => {
			const { commit, log, book, failures } = await openedWriter({ trouble: faultsInOrder(undefined, fault) });
			const before = commit.submit(pay("before", 1));
			await turn();
			const batch = [commit.submit(pay("t1", 10)), commit.submit(pay("t2", 20)), commit.submit(pay("t3", 5_000))];
			await assert.rejects(batch[2] ?? assert.fail(), { type: "outcome_unknown", retryable: true });
			const following = commit.submit(pay("following", 2));
			assert.deepEqual(await wordsOf([before, ...batch, following]), [
				"new applied",
				...Array(3).fill("outcome_unknown"),
				"new applied",
			]);
			assert.equal(failures.length, 1);
			await turns(10);
			const again = await wordsOf([commit.submit(pay("t1", 10)), commit.submit(pay("t2", 20))]);
			// A late append loses against the one that was made meanwhile: it is decided anew.
			const lost = fault === "late" && !idsIn(log).some((ids) => ids.includes("t3") && ids.includes("t1"));
			assert.deepEqual(again, Array(2).fill(lost ? "new applied" : expected));
			assert.equal(balanceIn(book, "wallet:a"), 1_000 - 1 - 10 - 20 - 2);
			assertChain(log);
		});
	}

	it("is found out without anybody asking again", async () => {
		const { commit, book, committed, log } = await openedWriter({ trouble: faultsInOrder("reply_lost") });
		await wordOf(commit.submit(pay("t", 10)));
		await commit.drain();
		assert.deepEqual([balanceIn(book, "wallet:a"), committed], [990, log.groups]);
	});

	it("of an append that comes late, when nothing was appended meanwhile, is found by the repetition", async () => {
		const { commit, log, book } = await openedWriter({ trouble: faultsInOrder("late") });
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
		await turns(10);
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "replay applied");
		assert.equal(balanceIn(book, "wallet:a"), 990);
		assertChain(log);
	});

	it("of an append that comes late, while its repetition is on the way, has one effect", async () => {
		for (let delay = 0; delay < 12; delay++) {
			const { commit, journal, log, book } = await openedWriter({ trouble: faultsInOrder("late", "slow", "slow") });
			journal.turns = () => 6;
			assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
			await turns(delay);
			// Another command is before it: the group is another one than that which comes late, in the same place.
			const words = await wordsOf([commit.submit(pay("other", 1)), commit.submit(pay("t", 10))]);
			assert.match(words.join(), /^new applied,(new|replay) applied$/);
			await turns(20);
			await commit.submit(pay("u", 1));
			assert.equal(balanceIn(book, "wallet:a"), 988, `repeated after ${delay} turns`);
			const inLog = idsIn(log).flat();
			for (const id of ["other", "t", "u"])
				assert.equal(inLog.filter((each) => each === id).length, 1, `${id}, repeated after ${delay} turns`);
			assertChain(log);
		}
	});
});

describe("a repetition of what may be booked, or is", () => {
	const found = async ({ log }: { log: MemoryLog }, id: string) => {
		const other = writer({ log });
		const word = await wordOf(other.commit.submit(pay(id, 10)));
		return [word, balanceIn(other.book, "wallet:a")];
	};

	it("is not told that nothing was booked when it waited behind that append; others are", async () => {
		const { commit, log } = await openedWriter({ trouble: faultsInOrder("reply_lost") });
		const first = wordOf(commit.submit(pay("t", 10)));
		await turn();
		const waiting = wordsOf([commit.submit(pay("t", 10)), commit.submit(pay("u", 20))]);
		assert.deepEqual([await first, ...(await waiting)], ["outcome_unknown", "outcome_unknown", "ledger_unavailable"]);
		assert.deepEqual(await found({ log }, "t"), ["replay applied", 990]);
	});

	it("nor while the log cannot be read, nor while the append may still come late", async () => {
		for (const fault of ["reply_lost", "late"] as const) {
			const { commit, journal, log } = await openedWriter({ trouble: faultsInOrder(fault) });
			journal.turns = () => 100;
			assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
			const broken = fault === "late" ? "append" : "read";
			journal.trouble = (operation) =>
				operation !== broken ? undefined : broken === "append" ? "unavailable" : "request_lost";
			for (let n = 0; n < 3; n++) {
				const words = await wordsOf([commit.submit(pay("t", 10)), commit.submit(pay(`u${n}`, 20))]);
				assert.deepEqual(words, ["outcome_unknown", "ledger_unavailable"], fault);
			}
			journal.trouble = () => undefined;
			await turns(110);
			assert.equal(await wordOf(commit.submit(pay("t", 10))), "replay applied", fault);
			assert.deepEqual(await found({ log }, "t"), ["replay applied", 990]);
		}
	});

	it("nor when it is known to be booked, and what it came with is not", async () => {
		const { commit } = await openedWriter({ trouble: faultsInOrder("reply_lost", "unavailable") });
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
		const words = await wordsOf([commit.submit(pay("t", 10)), commit.submit(pay("u", 20))]);
		assert.deepEqual(words, ["outcome_unknown", "ledger_unavailable"]);
	});

	it("is told that nothing was booked when that is known", async () => {
		const faults = faultsInOrder("request_lost", undefined, "unavailable");
		const { commit } = await openedWriter({ trouble: faults });
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
		assert.equal(await wordOf(commit.submit(pay("u", 20))), "new applied");
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "ledger_unavailable");
	});

	it("is one of too many to tell apart: then nobody is told that nothing was booked, until that is known", async () => {
		const trouble = faultsInOrder("request_lost", "unavailable", undefined, "unavailable");
		const { commit } = await openedWriter({ trouble, limits: { unknownMax: 2 } });
		const batch = ["t1", "t2", "t3"].map((id) => commit.submit(pay(id)));
		assert.deepEqual(await wordsOf(batch), Array(3).fill("outcome_unknown"));
		assert.equal(await wordOf(commit.submit(pay("t3"))), "outcome_unknown");
		assert.equal(await wordOf(commit.submit(pay("t4"))), "new applied");
		assert.equal(await wordOf(commit.submit(pay("t5"))), "ledger_unavailable");
	});
});

describe("an append that surely failed", () => {
	it("is answered with ledger_unavailable to that batch, and leaves nothing", async () => {
		const { commit, log, book, failures } = await openedWriter({ trouble: faultsInOrder("unavailable") });
		const words = await wordsOf([commit.submit(pay("t1", 10)), commit.submit(pay("t2", 10))]);
		assert.deepEqual(words, ["ledger_unavailable", "ledger_unavailable"]);
		assert.equal(failures.length, 1);
		assert.equal(log.groups.length, 1);
		assert.equal(balanceIn(book, "wallet:a"), 1_000);
		assert.equal(await wordOf(commit.submit(pay("t1", 10))), "new applied");
	});

	it("is what a log that cannot be read means for commands that were not appended", async () => {
		const log = new MemoryLog();
		const first = await openedWriter({ log });
		const rival = writer({ log });
		let broken = true;
		rival.journal.trouble = (operation) => (operation === "read" && broken ? "request_lost" : undefined);
		assert.equal(await wordOf(rival.commit.submit(pay("t"))), "ledger_unavailable");
		broken = false;
		assert.equal(await wordOf(rival.commit.submit(pay("t"))), "new applied");
		assert.equal(await wordOf(first.commit.submit(pay("t"))), "replay applied");
		assertChain(log);
	});

	it("is what a read model that cannot be read means, and the next command is served", async () => {
		const { commit, loader, log } = await openedWriter();
		const real = loader.accounts.bind(loader);
		loader.accounts = () => Promise.reject(new Error("the read model is away"));
		const other = pay("t", 1, { creditAccountId: "wallet:unknown" as AccountId });
		assert.equal(await wordOf(commit.submit(other)), "ledger_unavailable");
		loader.accounts = real;
		assert.equal(await wordOf(commit.submit(other)), "new account_not_found");
		assertChain(log);
	});

	it("is what a programmer's error in a batch means for that batch, and the next one is served", async () => {
		const { commit, book, log } = await openedWriter();
		const hold = { id: "h" as TransferId, kind: "sale", amount: 1, state: "pending", refunded: 0 } as const;
		const sides = { debitAccountId: "wallet:no" as AccountId, creditAccountId: "wallet:no" as AccountId };
		book.putTransfer({ ...hold, ...sides, reference: null, details: {}, createdAtMs: 1, expiresAtMs: 2 });
		const broken: Command = { ...idOf("v"), type: "void", transferId: "h" as TransferId };
		const words = await wordsOf([commit.submit(broken), commit.submit(pay("t"))]);
		assert.deepEqual(words, ["ledger_unavailable", "ledger_unavailable"]);
		assert.equal(await wordOf(commit.submit(pay("t"))), "new applied");
		assertChain(log);
	});
});

describe("a failure is told with its reason", () => {
	const reasonOf = (failure: unknown): [message: string, cause: unknown] => [
		(failure as Error).message,
		((failure as Error).cause as Error | undefined)?.message,
	];

	it("when nobody knows whether the group is in the log", async () => {
		const { commit, failures } = await openedWriter({ trouble: faultsInOrder("request_lost") });
		assert.equal(await wordOf(commit.submit(pay("t"))), "outcome_unknown");
		assert.deepEqual(failures.map(reasonOf), [["an append neither failed nor succeeded", "no answer to append"]]);
	});

	it("when the journal says that it is not", async () => {
		const { commit, failures } = await openedWriter({ trouble: faultsInOrder("unavailable") });
		assert.equal(await wordOf(commit.submit(pay("t"))), "ledger_unavailable");
		assert.deepEqual(failures.map(reasonOf), [["no append at the moment", undefined]]);
	});

	it("when it was decided again and again", async () => {
		const { commit, failures, journal } = await openedWriter();
		let appends = 0;
		journal.append = async (_, claims) => {
			appends++;
			return { result: "duplicate", claims };
		};
		assert.equal(await wordOf(commit.submit(pay("t"))), "ledger_unavailable");
		assert.deepEqual(failures.map(reasonOf), [["a group was decided 100 times and could not be appended", undefined]]);
		assert.equal(appends, 100);
	});

	it("once for every attempt to read what somebody waits for", async () => {
		const log = new MemoryLog();
		await openedWriter({ log });
		const { commit, failures } = writer({ log, trouble: () => "request_lost" });
		await assert.rejects(commit.reached(1), { type: "ledger_unavailable" });
		assert.deepEqual(failures.map(reasonOf), Array(3).fill(["no answer to read", undefined]));
	});
});

describe("a conflict with what cannot be read yet", () => {
	it("is waited for: a busy writer does not use up its attempts within a moment", async () => {
		const log = new MemoryLog();
		const { commit } = await openedWriter({ log });
		const { commit: other, log: elsewhere } = await openedWriter();
		await other.submit(pay("rival", 10));
		const group = elsewhere.groups.at(-1) ?? assert.fail();
		const settle = log.appendToMinority(group, ["rival"]) ?? assert.fail();
		const answer = wordOf(commit.submit(pay("t", 995)));
		await turns(1_000);
		settle("settled_late");
		assert.equal(await answer, "new insufficient_credit");
		assert.deepEqual(idsIn(log).slice(1), [["rival"], ["t"]]);
	});
});

describe("whoever is told of an append", () => {
	it("and fails at it takes nothing from what is booked: each of the group is answered, and it goes on", async () => {
		const { commit, book, log } = await openedWriter();
		const witness = {
			traceId: "t",
			saw: () => {
				throw new Error("it does not want to know");
			},
		};
		const group = [commit.submit(pay("t1", 10), witness), commit.submit(pay("t2", 20))];
		assert.deepEqual(await wordsOf(group), ["new applied", "new applied"]);
		assert.equal(await wordOf(commit.submit(pay("t3", 5))), "new applied");
		assert.equal(balanceIn(book, "wallet:a"), 1_000 - 10 - 20 - 5);
		assertChain(log);
	});
});
