import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused, newKey } from "./client.ts";
import { EventStream } from "./event-stream.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000_000 });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
	shop = await newShop(bob);
});
after(() => platform.stop());

const send = (from: Person, to: Person, amount: number) =>
	from.api.ok("user.send", { idempotencyKey: newKey(), to: to.handle, amount });

const amountsOf = ({ transactions }: EventStream): number[] => transactions.map(({ amount }) => amount);

describe("the events of a wallet", () => {
	it("say at once that something was paid, to whom, and what is left", async () => {
		const stream = await EventStream.open(ada.api);
		await stream.until(({ account }) => account !== undefined);
		const { balance } = await ada.api.ok("user.me", {});
		assert.deepEqual(stream.account, { balance, available: balance, pending: 0, state: "open" });

		const sale = await sell(shop, ada, newKey());
		await stream.until(({ account }) => account?.balance === balance - Number(sale.total));
		const [paid, ...others] = stream.transactions;
		assert.deepEqual(others, []);
		const [listed] = (await ada.api.ok("user.listTransactions", { limit: 1 })).items;
		const { cursor, ...transaction } = paid ?? {};
		assert.deepEqual(transaction, listed);
		assert.equal(stream.events.find(({ event }) => event === "transaction")?.id, cursor);
		assert.equal(stream.headers["cache-control"], "no-store");
		stream.close();
	});

	it("are told to every device of the person, and to nobody else", async () => {
		const [first, second, other] = await Promise.all([ada, ada, bob].map(({ api }) => EventStream.open(api)));
		const carol = await newPerson(platform.anyone, { name: "Carol", credit: 1_000 });
		const of = (amount: number) => (stream: EventStream) => amountsOf(stream).includes(amount);
		await send(carol, ada, 71);
		await Promise.all([first?.until(of(71)), second?.until(of(71))]);
		await send(carol, bob, 72);
		await other?.until(of(72));
		assert.deepEqual(amountsOf(other as EventStream), [72]);
		for (const stream of [first, second, other]) stream?.close();
	});

	it("go on behind the last one that came, without a gap and none twice", async () => {
		const amounts = Array.from({ length: 250 }, (_, index) => 1_000 + index);
		let stream = await EventStream.open(bob.api);
		await stream.until(({ account }) => account !== undefined);
		let lastEventId = stream.lastEventId;
		const told: number[] = [];
		const paying = (async () => {
			for (const amount of amounts) await send(ada, bob, amount);
		})();
		while (told.length < amounts.length) {
			await stream.until(({ transactions }) => transactions.length >= Math.min(40, amounts.length - told.length));
			stream.close();
			told.push(...amountsOf(stream));
			lastEventId = stream.lastEventId;
			stream = await EventStream.open(bob.api, { lastEventId });
		}
		await paying;
		assert.deepEqual(told, amounts);
		stream.close();
	});

	it("are all there for who comes back after more of them than one page", async () => {
		const { cursor } = await bob.api.ok("user.listEvents", {});
		const amounts = Array.from({ length: 130 }, (_, index) => 2_000 + index);
		await Promise.all(amounts.map((amount) => send(ada, bob, amount)));
		const stream = await EventStream.open(bob.api, { lastEventId: cursor });
		await stream.until(({ transactions }) => transactions.length === amounts.length);
		assert.deepEqual(amountsOf(stream).sort(), amounts);
		stream.close();
	});

	it("say when a sale waits for its confirmation, and when the wallet is frozen", async () => {
		const dora = await newPerson(platform.anyone, { name: "Dora", credit: 200_000 });
		await dora.api.ok("user.edit", { confirmAbove: 1 });
		const stream = await EventStream.open(dora.api);
		const sale = await sell(shop, dora, newKey());
		assert.equal(sale.state, "pending");
		const [{ id, storeId, total } = assert.fail()] = (await dora.api.ok("store.listApprovals", {})).items;
		await stream.until(({ account }) => account?.pending === total);
		assert.deepEqual(stream.transactions, []);
		await dora.api.ok("store.decide", { id, storeId, total, decision: "confirm", idempotencyKey: newKey() });
		await stream.until(({ account }) => account?.pending === 0);
		assert.deepEqual(amountsOf(stream), [-total]);
		await dora.api.ok("user.freeze", {});
		await stream.until(({ account }) => account?.state === "frozen");
		stream.close();
	});

	it("can be asked for by who cannot hold a connection", async () => {
		const { cursor, items, isAll } = await ada.api.ok("user.listEvents", {});
		assert.deepEqual([items, isAll], [[], true]);
		await send(ada, bob, 77);
		const page = await ada.api.ok("user.listEvents", { after: cursor });
		assert.deepEqual(
			page.items.map(({ amount }) => amount),
			[-77],
		);
		const next = await ada.api.ok("user.listEvents", { after: page.cursor });
		assert.deepEqual(next.items, []);
	});

	it("are refused to who cannot say where it was", async () => {
		await ada.api.refused("user.listEvents", { after: "bm9uc2Vuc2U" }, "validation_failed");
		const wire = {
			method: "GET",
			path: "/v1/me/events",
			headers: { accept: "text/event-stream", "last-event-id": "?" },
		};
		assertRefused(await ada.api.raw(wire), "validation_failed", "a stream from nowhere");
	});

	it("start anew where the log is shorter than what was told of it", async () => {
		const after = Buffer.from("900000000.1").toString("base64url");
		const { cursor, items } = await ada.api.ok("user.listEvents", { after });
		assert.deepEqual(items, []);
		assert.notEqual(cursor, after);
	});

	it("end with the session: whoever holds a lost phone hears no more", async () => {
		const eve = await newPerson(platform.anyone, { name: "Eve" });
		const stream = await EventStream.open(eve.api);
		await stream.until(({ account }) => account !== undefined);
		await eve.api.ok("auth.logout", {});
		await send(ada, eve, 5);
		await stream.ended();
		assert.deepEqual(stream.transactions, []);
	});

	it("keep no more than some connections of one person", async () => {
		const finn = await newPerson(platform.anyone, { name: "Finn" });
		const streams = await Promise.all(Array.from({ length: 8 }, () => EventStream.open(finn.api)));
		const newest = await EventStream.open(finn.api);
		while (!streams.some(({ isOver }) => isOver)) await Promise.race(streams.map((stream) => stream.ended()));
		assert.equal(streams.filter(({ isOver }) => isOver).length, 1);
		assert.equal(newest.isOver, false);
		for (const stream of [...streams, newest]) stream.close();
	});
});
