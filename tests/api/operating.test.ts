import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { assertRefused, type Client, nameOf, newKey, operatorAt } from "./client.ts";
import { newPerson, newShop, PASSWORD, type Person, type Shop, sell } from "./people.ts";
import { booksOf, isApart, startTestPlatform, type TestPlatform, unchanging } from "./platform.ts";

const tokens = { kim: `kim-${"k".repeat(40)}`, lee: `lee-${"l".repeat(40)}`, mina: `mina-${"m".repeat(40)}` };
const ALONE_MAX = 1_000;

let platform: TestPlatform;
let kim: Client;
let lee: Client;
let mina: Client;
let ada: Person;
let bob: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform({
		OPERATOR_TOKENS: Object.entries(tokens)
			.map(([name, token]) => `${name}:${token}`)
			.join("\n"),
		ADJUST_ALONE_MAX: String(ALONE_MAX),
		ZIPKIN_PAGES_URL: "https://traces.example/base/",
	});
	const { port, contract } = platform.operator;
	const withToken = (token: string) => operatorAt(`http://127.0.0.1:${port}`, contract, token);
	[kim, lee, mina] = [withToken(tokens.kim), withToken(tokens.lee), withToken(tokens.mina)];
	ada = await newPerson(platform.anyone, { name: "Ada" });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
	shop = await newShop(ada);
	await sell(shop, bob, "sale-0001");
	await ada.api.ok("store.refundSale", {
		storeId: shop.id,
		saleId: "sale-0001",
		idempotencyKey: "back-0001",
		amount: 1,
	});
});
after(async () => {
	for (const client of [kim, lee, mina]) client?.close();
	await platform.stop();
});

const books = () => booksOf(platform.operator, [ada.wallet, bob.wallet, shop.account]);
const changesNothing = unchanging(books);
const latest = async () => (await kim.ok("operator.listOperations", { limit: 100 })).items;
const balanceOf = async (accountId: string) => (await kim.ok("credit.account", { accountId })).balance;
const give = (amount: number, more: object = {}) => ({
	accountId: bob.wallet,
	direction: "give" as const,
	amount,
	reason: "a machine kept the change",
	...more,
});

describe("who operates", () => {
	it("is known by the token that they show, each by their own", async () => {
		await kim.ok("operator.freeze", { accountId: shop.account, reason: "by kim" });
		await lee.ok("operator.unfreeze", { accountId: shop.account, reason: "by lee", lift: "all" });
		await platform.operator.ok("operator.freeze", { accountId: shop.account, reason: "by whoever" });
		await platform.operator.ok("operator.unfreeze", { accountId: shop.account, reason: "by whoever" });
		const done = (await latest()).filter(({ phase }) => phase === "done").map(({ by, reason }) => `${by}: ${reason}`);
		assert.deepEqual(done.slice(0, 4), ["operator: by whoever", "operator: by whoever", "lee: by lee", "kim: by kim"]);
	});

	it("is nobody with another token, on any route", async () => {
		for (const token of [`${tokens.kim}x`, tokens.kim.slice(1), `kim:${tokens.kim}`, tokens.kim.toUpperCase()]) {
			const stranger = operatorAt(`http://127.0.0.1:${kim.port}`, kim.contract, token);
			for (const route of internalRoutes) {
				const wire = { method: route.method, path: route.path.replace(/:\w+/g, "x") };
				assertRefused(await stranger.raw(wire), "unauthenticated", nameOf(route));
			}
			stranger.close();
		}
	});

	it("is refused by the actions themselves to whoever comes another way", {
		skip: isApart && "NATS lets the process of this test ask nothing of the ledger",
	}, async () => {
		const caller = { kind: "person" as const, userId: bob.userId, sessionId: bob.sessionId };
		for (const meta of [{}, { caller }, { caller: { ...caller, name: "kim" } }]) {
			const asked = platform.broker.call("operator.listOperations", {}, { meta });
			await assert.rejects(asked, { type: "unauthenticated" });
		}
	});
});

describe("an account", () => {
	it("is found by its id, by its owner's, by the store's and by a handle", async () => {
		for (const id of [bob.wallet, bob.userId, bob.handle, `@${bob.handle}`]) {
			const found = await kim.ok("operator.account", { id });
			assert.deepEqual([found.account.id, found.owner?.handle, found.store], [bob.wallet, bob.handle, null], id);
		}
		for (const id of [shop.account, shop.id]) {
			const found = await kim.ok("operator.account", { id });
			assert.deepEqual([found.account.id, found.owner?.handle], [shop.account, ada.handle]);
			assert.deepEqual(found.store, { storeId: shop.id, name: "Ada's store" });
		}
		assert.equal((await kim.ok("operator.account", { id: "system:funding" })).owner, null);
	});

	it("is not found by what is nobody's", async () => {
		for (const id of [
			"nobody.here",
			`u_${"A".repeat(16)}`,
			`store:s_${"A".repeat(16)}`,
			"system:nothing",
			"x",
			"' OR 1=1",
			"{}",
		])
			await kim.refused("operator.account", { id }, "account_not_found");
		await kim.refused("operator.account", { id: "x".repeat(61) }, "validation_failed");
	});
});

describe("a payment", () => {
	it("is followed by its id, or by its key and whose it is, through the log", async () => {
		const id = `${shop.id}.sale-0001`;
		const found = await kim.ok("operator.payment", { id });
		assert.deepEqual(
			[found.state, found.kind, found.transfer?.refunded, found.refunds.length],
			["applied", "sale", 1, 1],
		);
		assert.deepEqual(
			found.entries.map((entry) => `${entry.type} ${entry.id}`),
			[`transfer ${id}`, `refund ${shop.id}.back-0001`],
		);
		for (const { hash, sequence } of found.entries) assert.ok(/^[0-9a-f]{64}$/.test(hash) && sequence > 0);
		assert.deepEqual(await kim.ok("operator.payment", { id: "sale-0001", of: shop.id }), found);
		const { id: key } = await bob.api.ok("user.charge", { amount: 1 });
		for (const whose of [bob.handle, bob.userId, bob.wallet])
			assert.equal((await kim.ok("operator.payment", { id: key, of: whose })).kind, "charge");
	});

	it("has the id of the request that booked it, whichever asks again, and nobody else is told of it", async () => {
		const key = newKey();
		const charge = () => bob.api.call("user.charge", { idempotencyKey: key, amount: 3 });
		const [first, again] = [await charge(), await charge()];
		assert.equal(again.headers["idempotent-replayed"], "true");
		assert.notEqual(first.headers["x-request-id"], again.headers["x-request-id"]);
		assert.deepEqual(again.body, first.body);
		const { traceId, traceUrl, transfer } = await kim.ok("operator.payment", { id: key, of: bob.handle });
		assert.equal(traceId, first.headers["x-request-id"]);
		assert.equal(transfer?.details.traceId, traceId);
		assert.equal(traceUrl, `https://traces.example/base/zipkin/traces/${traceId}`);
		const { items } = await bob.api.ok("user.listTransactions", { limit: 5 });
		assert.doesNotMatch(JSON.stringify(items), new RegExp(String(traceId)));
		const refund = await kim.ok("operator.payment", { id: "back-0001", of: shop.id });
		assert.match(String(refund.traceId), /^[0-9a-f]{32}$/);
	});

	it("that nobody made is not found", async () => {
		for (const said of [
			{ id: `${shop.id}.never` },
			{ id: "never" },
			{ id: "sale-0001", of: ada.handle },
			{ id: "sale-0001", of: "nobody.here" },
			{ id: ".." },
		])
			await kim.refused("operator.payment", said, "not_found");
		await kim.refused("operator.payment", { id: "a b" }, "validation_failed");
	});
});

describe("freezing", () => {
	it("outranks the owner, who froze it before and has the password", async () => {
		await bob.api.ok("user.freeze", {});
		assert.equal((await kim.ok("operator.freeze", { accountId: bob.wallet, reason: "stolen phone" })).state, "frozen");
		await bob.api.refused("user.unfreeze", { password: PASSWORD }, "account_frozen");
		await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
		assert.equal((await kim.ok("operator.account", { id: bob.wallet })).isLocked, true);
		const lifted = await kim.ok("operator.unfreeze", { accountId: bob.wallet, reason: "found again" });
		assert.equal(lifted.state, "frozen");
		const { isLocked, frozenBy, isFrozenByOwner } = await kim.ok("operator.account", { id: bob.wallet });
		assert.deepEqual([isLocked, frozenBy, isFrozenByOwner], [false, [], true]);
		await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
		// What bob froze is for bob to open, or for an operator who says so.
		await kim.refused("operator.unfreeze", { accountId: bob.wallet, reason: "again" }, "frozen_by_others");
		assert.equal((await bob.api.ok("user.unfreeze", { password: PASSWORD })).state, "open");
		await bob.api.ok("user.freeze", {});
		const opened = await kim.ok("operator.unfreeze", { accountId: bob.wallet, reason: "password lost", lift: "all" });
		assert.equal(opened.state, "open");
		await bob.api.ok("user.charge", { amount: 1 });
	});

	it("is lifted by each operator for themselves, and for all by whoever says so", async () => {
		const change = (lift?: "own" | "all") => ({ accountId: bob.wallet, reason: "a test", ...(lift && { lift }) });
		await kim.ok("operator.freeze", change());
		await kim.ok("operator.freeze", change());
		await lee.ok("operator.freeze", change());
		assert.deepEqual((await mina.ok("operator.account", { id: bob.wallet })).frozenBy, ["kim", "lee"]);
		const problem = await mina.refused("operator.unfreeze", change(), "frozen_by_others");
		assert.match(String(problem.detail), /kim and lee/);
		assert.equal((await kim.ok("operator.unfreeze", change("own"))).state, "frozen");
		await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
		assert.deepEqual((await mina.ok("operator.account", { id: bob.wallet })).frozenBy, ["lee"]);
		assert.equal((await lee.ok("operator.unfreeze", change())).state, "open");
		await bob.api.ok("user.charge", { amount: 1 });
		await Promise.all([kim, lee].map((who) => who.ok("operator.freeze", change())));
		assert.equal((await mina.ok("operator.unfreeze", change("all"))).state, "open");
		assert.deepEqual((await mina.ok("operator.account", { id: bob.wallet })).frozenBy, []);
		// Who freezes what another one opens at the same time has it frozen.
		for (let round = 0; round < 8; round++) {
			await kim.ok("operator.freeze", change());
			await Promise.all([kim.ok("operator.unfreeze", change()), lee.ok("operator.freeze", change())]);
			assert.equal((await kim.ok("credit.account", { accountId: bob.wallet })).state, "frozen", `round ${round}`);
			await kim.ok("operator.unfreeze", change("all"));
		}
		await kim.refused("operator.unfreeze", { ...change(), lift: "mine" }, "validation_failed");
	});

	it("holds, however it meets the owner's own freezing and opening", async () => {
		for (let round = 0; round < 8; round++) {
			await bob.api.ok("user.freeze", {});
			const opening = bob.api.call("user.unfreeze", { password: PASSWORD });
			// The password takes some 12 ms.
			await new Promise((resolve) => setTimeout(resolve, round * 3));
			await kim.ok("operator.freeze", { accountId: bob.wallet, reason: "a race" });
			await opening;
			assert.equal((await kim.ok("credit.account", { accountId: bob.wallet })).state, "frozen", `round ${round}`);
			await bob.api.refused("user.unfreeze", { password: PASSWORD }, "account_frozen");
			await kim.ok("operator.unfreeze", { accountId: bob.wallet, reason: "over", lift: "all" });
		}
	});

	it("is for wallets and stores that are there, with a reason", async () => {
		await kim.refused("operator.freeze", { accountId: `wallet:u_${"A".repeat(16)}`, reason: "x" }, "account_not_found");
		for (const said of [
			{ accountId: "system:funding", reason: "x" },
			{ accountId: bob.wallet },
			{ accountId: bob.wallet, reason: "" },
			{ accountId: bob.wallet, reason: "\u202e" },
			{ accountId: bob.wallet, reason: "x".repeat(201) },
			{ accountId: bob.wallet, reason: "x", by: "lee" },
		])
			await kim.refused("operator.freeze", said, "validation_failed");
		assert.equal((await kim.ok("credit.account", { accountId: bob.wallet })).state, "open");
	});
});

describe("an adjustment", () => {
	it("moves credit at once up to the limit, and says by whom and why, in the ledger too", async () => {
		const before = await balanceOf(bob.wallet);
		const idempotencyKey = newKey();
		const given = await kim.call("operator.adjust", { ...give(ALONE_MAX), idempotencyKey });
		assert.equal(given.status, 201);
		assert.deepEqual([given.body.state, given.body.change, given.body.by], ["posted", ALONE_MAX, "kim"]);
		assert.equal(await balanceOf(bob.wallet), before + ALONE_MAX);
		const again = await kim.call("operator.adjust", { ...give(ALONE_MAX), idempotencyKey });
		assert.deepEqual([again.headers["idempotent-replayed"], again.body], ["true", given.body]);
		await kim.refused("operator.adjust", { ...give(ALONE_MAX - 1), idempotencyKey }, "idempotency_key_reused");
		assert.equal(await balanceOf(bob.wallet), before + ALONE_MAX);
		const { transfer } = await kim.ok("operator.payment", { id: idempotencyKey });
		const { operation, operationHash, by } = (transfer?.details ?? {}) as Record<string, unknown>;
		assert.equal(by, "kim");
		const line = (await latest()).find(({ sequence }) => sequence === operation);
		assert.deepEqual([line?.hash, line?.operation, line?.target], [operationHash, "account.adjust", bob.wallet]);
		const taken = await lee.ok("operator.adjust", { ...give(ALONE_MAX), direction: "take" });
		assert.deepEqual([taken.change, await balanceOf(bob.wallet)], [-ALONE_MAX, before]);
		const [line1] = (await bob.api.ok("user.listTransactions", { limit: 1 })).items;
		assert.deepEqual(
			[line1?.kind, line1?.amount, line1?.note],
			["adjustment", -ALONE_MAX, "a machine kept the change"],
		);
	});

	it("is one of all that the same operator makes within a day, however many at once, and each has a day of their own", async () => {
		const { id, state } = await kim.ok("operator.adjust", give(1));
		assert.equal(state, "pending");
		await kim.ok("operator.decideAdjustment", { id, decision: "decline", reason: "only a test" });
		await mina.refused("operator.adjust", { ...give(900_000), direction: "take" }, "insufficient_credit");
		const before = await balanceOf(bob.wallet);
		const asked = await Promise.all(Array.from({ length: 6 }, () => mina.ok("operator.adjust", give(300))));
		const posted = asked.filter(({ state }) => state === "posted");
		assert.equal(posted.length, Math.floor(ALONE_MAX / 300));
		assert.equal(await balanceOf(bob.wallet), before + 300 * posted.length);
		const waiting = asked.filter(({ state }) => state === "pending");
		assert.equal(waiting.length, asked.length - posted.length);
		for (const { id } of waiting)
			await lee.ok("operator.decideAdjustment", { id, decision: "decline", reason: "only a test" });
	});

	it(
		"is not made by the token that is nobody's, where operators have names: kim, who knows it, would have a second sum",
		changesNothing(async () => {
			const answer = await platform.operator.call("operator.adjust", give(1));
			assertRefused(answer, "forbidden", "the token that may be shared");
			assert.match(JSON.stringify(answer.body), /a token of your own/);
		}),
	);

	it("above it waits for a second operator, and is nothing before", async () => {
		const before = await balanceOf(bob.wallet);
		const asked = await kim.ok("operator.adjust", give(ALONE_MAX + 1));
		assert.equal(asked.state, "pending");
		assert.equal(await balanceOf(bob.wallet), before);
		assert.deepEqual((await lee.ok("operator.listAdjustments", {})).items, [asked]);
		const confirm = { id: asked.id, decision: "confirm" as const, reason: "seen" };
		await kim.refused("operator.decideAdjustment", confirm, "second_operator_needed");
		// A token that may be shared is nobody's: it could be kim once more.
		await platform.operator.refused("operator.decideAdjustment", confirm, "second_operator_needed");
		assert.equal(await balanceOf(bob.wallet), before);
		assert.equal((await lee.ok("operator.decideAdjustment", confirm)).state, "posted");
		assert.equal((await lee.ok("operator.decideAdjustment", confirm)).state, "posted");
		assert.equal(await balanceOf(bob.wallet), before + ALONE_MAX + 1);
		const { entries } = await kim.ok("operator.payment", { id: asked.id });
		assert.deepEqual(
			entries.map(({ type }) => type),
			["transfer", "post"],
		);
		assert.deepEqual((await lee.ok("operator.listAdjustments", {})).items, []);
	});

	it(
		"is declined by anyone, also by who asked for it",
		changesNothingButTheLog(async () => {
			for (const who of [kim, lee]) {
				const { id } = await kim.ok("operator.adjust", { ...give(5_000), direction: "take" });
				const declined = await who.ok("operator.decideAdjustment", { id, decision: "decline", reason: "a mistake" });
				assert.equal(declined.state, "voided");
				await lee.refused("operator.decideAdjustment", { id, decision: "confirm", reason: "late" }, "not_pending");
			}
		}),
	);

	it("that is confirmed and declined at once is one of both", async () => {
		const { id } = await kim.ok("operator.adjust", give(2_000));
		const before = await balanceOf(bob.wallet);
		const answers = await Promise.all(
			[...Array(6).keys()].map((index) =>
				(index % 2 === 0 ? lee : mina).call("operator.decideAdjustment", {
					id,
					decision: index % 3 === 0 ? "decline" : "confirm",
					reason: "at once",
				}),
			),
		);
		const states = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.state));
		assert.equal(states.size, 1, [...states].join(", "));
		assert.equal(await balanceOf(bob.wallet), states.has("posted") ? before + 2_000 : before);
	});

	it("never takes more than there is, nor from what is held", async () => {
		const balance = await balanceOf(bob.wallet);
		const take = (amount: number) => lee.call("operator.adjust", { ...give(amount), direction: "take" as const });
		const { id } = (await take(balance)).body;
		assertRefused(await take(1), "insufficient_credit", "what is held");
		await bob.api.refused("user.send", { to: ada.handle, amount: 1 }, "insufficient_credit");
		await kim.ok("operator.decideAdjustment", { id, decision: "decline", reason: "only a test" });
		assertRefused(await take(balance + 1), "insufficient_credit", "more than there is");
	});

	it("reaches an account that is frozen", async () => {
		await kim.ok("operator.freeze", { accountId: bob.wallet, reason: "looked into" });
		assert.equal((await mina.ok("operator.adjust", give(1))).state, "posted");
		await kim.ok("operator.unfreeze", { accountId: bob.wallet, reason: "over" });
	});

	it(
		"is refused if it is not right, and nothing happens",
		changesNothing(async () => {
			for (const wrong of [
				{ amount: 0 },
				{ amount: -1 },
				{ amount: 1.5 },
				{ amount: "1" },
				{ amount: 1e12 + 1 },
				{ direction: "both" },
				{ reason: "" },
				{ reason: undefined },
				{ accountId: "system:funding" },
				{ by: "lee" },
			])
				await kim.refused("operator.adjust", give(1, wrong), "validation_failed");
			await kim.refused("operator.adjust", give(1, { accountId: `wallet:u_${"A".repeat(16)}` }), "account_not_found");
			const wire = { method: "POST", path: "/adjustments", headers: { "content-type": "application/json" } };
			assertRefused(await kim.raw({ ...wire, body: JSON.stringify(give(1)) }), "idempotency_key_missing", "no key");
			const decision = { decision: "confirm" as const, reason: "x" };
			await lee.refused("operator.decideAdjustment", { id: `${shop.id}.sale-0001`, ...decision }, "not_found");
			await lee.refused("operator.decideAdjustment", { id: "operator:kim.never", ...decision }, "not_found");
		}),
	);
});

/** Holds are made and given back: the balances are the same, the ledger's log is longer. */
function changesNothingButTheLog(work: () => Promise<void>) {
	return unchanging(async () => ({ ...(await books()), sequence: null }))(work);
}

describe("keys and processes", () => {
	it("keys are listed with their age, rotated with a reason, and not again at once", async () => {
		const { keys, rotationDays } = await kim.ok("auth.listKeys", {});
		assert.deepEqual([keys.length, rotationDays], [2, 30]);
		const rotated = await kim.ok("operator.rotateKeys", { reason: "a laptop was lost" });
		assert.deepEqual(
			rotated.keys.map(({ state }) => state),
			["previous", "active", "next"],
		);
		await kim.refused("operator.rotateKeys", { reason: "again" }, "keys_rotated_recently");
		await kim.refused("operator.rotateKeys", {}, "validation_failed");
		const [failed, begun] = await latest();
		assert.deepEqual([failed?.phase, failed?.detail, failed?.of], ["failed", "keys_rotated_recently", begun?.sequence]);
	});

	it("processes say what they run, and what calls they get from whom", async () => {
		await bob.api.ok("user.charge", { amount: 1 });
		const { items, silent } = await kim.ok("operator.listProcesses", {});
		assert.deepEqual(silent, []);
		const services = new Set(items.flatMap(({ services }) => services));
		for (const name of ["api", "internal", "operator", "hasher", "auth", "user", "store", "credit"])
			assert.ok(services.has(name), name);
		const flows = items.flatMap(({ flows }) => flows);
		const charge = flows.find(({ from, action }) => from === "user" && action === "credit.transfer");
		assert.ok(charge && charge.count > 0 && charge.failed === 0);
		assert.equal(
			charge.buckets.reduce((sum, count) => sum + count, 0),
			charge.count,
		);
	});

	it("the only process is not drained, nor one that is not there", async () => {
		const { items } = await kim.ok("operator.listProcesses", {});
		for (const { nodeId, services } of items.filter(({ services }) => services.includes("credit"))) {
			const problem = await kim.refused("operator.drain", { nodeId, reason: "x" }, "last_process");
			assert.match(String(problem.detail), /credit/, String(services));
		}
		await kim.refused("operator.drain", { nodeId: "nobody-1", reason: "x" }, "not_found");
		await kim.refused("operator.drain", { nodeId: "a b", reason: "x" }, "validation_failed");
	});
});

describe("the operator log", () => {
	it("has two lines for each change, in pages, and checks itself", async () => {
		const all: Awaited<ReturnType<typeof latest>> = [];
		for (let before: number | null | undefined; before !== null; ) {
			const page: { items: typeof all; nextBefore: number | null } = await kim.ok("operator.listOperations", {
				limit: 7,
				...(before !== undefined && { before }),
			});
			all.push(...page.items);
			before = page.nextBefore;
		}
		assert.deepEqual(
			all.map(({ sequence }) => sequence),
			all.map((_, index) => all.length - index),
		);
		const begun = all.filter(({ phase }) => phase === "begun").map(({ sequence }) => sequence);
		const ended = all.flatMap(({ of }) => of ?? []);
		assert.deepEqual([...begun].sort(), [...ended].sort());
		const { clean, lines, headHash } = (await kim.ok("credit.audit", {})).operations;
		assert.deepEqual([clean, lines, headHash], [true, all.length, all[0]?.hash]);
	});

	it("keeps its chain when many write at once, and says what the ledger says, also meanwhile", async () => {
		const before = (await kim.ok("credit.audit", {})).operations.lines;
		const accountId = shop.account;
		const idempotencyKey = newKey();
		let isOver = false;
		const auditing = (async () => {
			while (!isOver) {
				const { clean, discrepancy, operations } = await mina.ok("credit.audit", {});
				assert.ok(clean, JSON.stringify({ discrepancy, operations }));
			}
		})();
		await Promise.all(
			Array.from({ length: 12 }, (_, index) =>
				[kim, lee][index % 2]?.ok("operator.freeze", { accountId, reason: `at once, ${index}` }),
			),
		);
		// The same one twice: it is booked once, whichever line that is from.
		await Promise.all([0, 1].map(() => mina.ok("operator.adjust", { ...give(1), idempotencyKey })));
		await kim.ok("operator.unfreeze", { accountId, reason: "over", lift: "all" });
		isOver = true;
		await auditing;
		const { clean, discrepancy, operations } = await kim.ok("credit.audit", {});
		assert.deepEqual([clean, discrepancy, operations.discrepancy], [true, null, null]);
		assert.ok(operations.lines >= before + 28);
	});
});
