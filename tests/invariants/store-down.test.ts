import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../scripts/cluster/processes.ts";
import { type Member, ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { call, type Params } from "../../services/actions.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { type Asked, ask, isFailure } from "./business.ts";
import { Ledger } from "./ledger.ts";
import { oneOfEach } from "./repeats.ts";
import { MongoStorage, SqliteStorage } from "./storage.ts";
import { newAccountId, Teller } from "./teller.ts";

/** What the public gateway gives a request. */
const DEADLINE_MS = 3_000;

type Outage = { begin(): unknown; end(): unknown };

/**
 * While the store is down every action answers in time, with what it knows or with a code that says that nothing is wrong with the
 * request; when it is back, the same service goes on, and what was asked meanwhile has happened exactly once.
 *
 * @returns the codes that were seen
 */
async function survives(ledger: Ledger, { begin, end }: Outage): Promise<Set<string>> {
	const teller = new Teller(ledger);
	const undisturbed = await oneOfEach(teller);
	for (const command of undisturbed.commands) await ask(ledger, command);
	const { commands, accounts } = await oneOfEach(teller);
	const [wallet = "", store = ""] = accounts;
	const readers = readersOf({ wallet, store, known: undisturbed.commands[0] ?? assert.fail("no command") });
	await call(ledger, "credit.statement", { accountId: wallet });
	await begin();
	const codes = new Set<string>();
	const open = {
		name: "credit.open",
		params: { accountId: newAccountId("wallet"), owner: "late" },
	} as const;
	// A payment between accounts that are in memory needs nothing but the append; some of the others have to read first.
	for (const asked of [commands.slice(0, 1), [...commands, open]]) {
		const answered = Promise.all(asked.map((each) => codeOf(ledger, each)));
		// After the commands, so that those have the connections that there are.
		await sleep(20);
		const read = await Promise.all(readers.map((each) => codeOf(ledger, each)));
		for (const code of [...(await answered), ...read]) codes.add(code);
	}
	await end();
	for (const command of [...commands, open])
		await until(async () => !isFailure(await codeOf(ledger, command)), `${command.name} is decided`);
	for (const each of [...commands, open, ...readers]) assert.equal(await codeOf(ledger, each), "ok", each.name);
	const reader = await ledger.reader();
	assert.deepEqual(await reader.balances(accounts), await reader.balances(undisturbed.accounts));
	const amounts = async (accountId = "") => (await reader.statement(accountId)).map(({ amount }) => amount).sort();
	for (const [index, accountId] of accounts.entries())
		assert.deepEqual(await amounts(accountId), await amounts(undisturbed.accounts[index]));
	const { clean, discrepancy } = await call(ledger, "credit.audit", {});
	assert.deepEqual([clean, discrepancy], [true, null]);
	return codes;
}

type Question = Parameters<typeof ask>[1];

/** Every action that only reads, about what is in memory and about what is not. */
function readersOf({ wallet, store, known }: { wallet: string; store: string; known: Asked }): Question[] {
	const { id, fingerprint } = known.params;
	return [
		{ name: "credit.account", params: { accountId: wallet } },
		{ name: "credit.outcome", params: { id } },
		{ name: "credit.outcome", params: { id: "never.seen" } },
		{ name: "credit.recall", params: { id, fingerprint } },
		{ name: "credit.recall", params: { id: "never.seen", fingerprint: "" } },
		{ name: "credit.statement", params: { accountId: wallet } },
		{ name: "credit.activity", params: { accountId: wallet } },
		{ name: "credit.activity", params: { accountId: wallet, after: "MS4w" } },
		{ name: "credit.feed", params: { after: "MS4w" } },
		{
			name: "credit.totals",
			params: { accountId: store, fromMs: 0, toMs: 3_600_000 } satisfies Params<"credit.totals">,
		},
		{ name: "credit.audit", params: {} },
		{ name: "credit.status", params: {} },
	];
}

/** The code of the answer that came in time. */
const codeOf = (ledger: Ledger, question: Question): Promise<string> =>
	ask(ledger.within(DEADLINE_MS), question).then(
		() => "ok",
		({ type, message }: Error & { type?: string }) => type ?? message,
	);

function assertSays(codes: Set<string>, ...expected: string[]): void {
	for (const code of expected) assert.ok(codes.has(code), `nobody was told ${code}, only ${[...codes]}`);
	const own = ["ok", "ledger_unavailable", "outcome_unknown", "service_unavailable", "read_model_behind"];
	assert.deepEqual(
		[...codes].filter((code) => !own.includes(code)),
		[],
	);
}

describeOnMongo("MongoDB is down", () => {
	let set: ReplicaSet;
	let member: Member;
	let ledger: Ledger;
	before(async () => {
		set = await ReplicaSet.start();
		member = set.members[0] ?? assert.fail("there is no member");
		ledger = await Ledger.start(new MongoStorage(set));
	});
	after(async () => {
		await ledger.remove();
		await set.stop();
	});

	it("frozen, its connections open: every action says so in time, and goes on by itself", async () => {
		const outage = { begin: () => set.pause(member), end: () => set.resume(member) };
		assertSays(await survives(ledger, outage), "outcome_unknown", "service_unavailable");
	});

	it("killed with -9: likewise", async () => {
		const back = async () => {
			await set.restart(member);
			await set.waitForPrimary();
		};
		assertSays(
			await survives(ledger, { begin: () => set.kill(member), end: back }),
			"ledger_unavailable",
			"service_unavailable",
		);
	});

	it("a command that comes while another one waits for the frozen store is answered in time as well", async (t) => {
		const teller = new Teller(ledger);
		const [wallet, store] = [await teller.wallet({ credit: 100 }), await teller.open("store")];
		t.after(() => set.resume(member));
		set.pause(member);
		const pay = () =>
			codeOf(ledger, { name: "credit.transfer", params: teller.params({ from: wallet, to: store, amount: 1 }) });
		const first = pay();
		await sleep(50);
		assertSays(new Set(await Promise.all([first, pay()])));
	});
});

/** A file system of its own, so small that it fills up. Whoever runs this needs the right to mount in a namespace of their own. */
class TinyDisk extends SqliteStorage {
	static readonly #mount = 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"';
	override readonly launcher = ["unshare", "-rm", "sh", "-c", TinyDisk.#mount, this.env.DATA_DIR];

	static canBeHad(): boolean {
		const folder = mkdtempSync(join(tmpdir(), "hannip-mount-"));
		const { status } = spawnSync("unshare", ["-rm", "sh", "-c", TinyDisk.#mount, folder, "true"]);
		rmdirSync(folder);
		return status === 0;
	}

	/** As the process sees it. */
	#ballast(pid: number): string {
		return `/proc/${pid}/root${this.env.DATA_DIR}/ballast`;
	}

	fillUp(pid: number): void {
		const isFull = ({ code }: NodeJS.ErrnoException) => code === "ENOSPC";
		for (const bytes of [65_536, 4_096, 1]) {
			try {
				for (;;) appendFileSync(this.#ballast(pid), Buffer.alloc(bytes, 1));
			} catch (error) {
				if (!isFull(error as NodeJS.ErrnoException)) throw error;
			}
		}
	}

	empty(pid: number): void {
		rmSync(this.#ballast(pid));
	}
}

describe("SQLite's disk is full", () => {
	const canMount = TinyDisk.canBeHad();
	it("every action says so in time, and goes on by itself when there is room again", {
		skip:
			canMount || process.env.CI === "true"
				? false
				: "NOT TESTED: no tmpfs can be mounted in a namespace of one's own here",
	}, async () => {
		assert.ok(canMount, "a full disk must be tested where CI=true, and no tmpfs can be mounted here");
		const disk = new TinyDisk();
		const ledger = await Ledger.start(disk, "beside");
		try {
			const outage = { begin: () => disk.fillUp(ledger.pid), end: () => disk.empty(ledger.pid) };
			assertSays(await survives(ledger, outage), "ledger_unavailable");
		} finally {
			await ledger.remove();
		}
	});
});
