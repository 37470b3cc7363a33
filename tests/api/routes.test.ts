import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes } from "../../services/api/routes.ts";
import { credentialsFor, mayDo } from "../../services/rights.ts";
import { newKey, newProver, notYetAnswered, type Wire } from "./client.ts";
import { basketOf, newCode, newPerson, newShop, newTill, PASSWORD, type Person, type Shop, sell } from "./people.ts";
import { PHOTO } from "./photo.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

// Every route once, the way a client would use it: what was made can be found at its Location.

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
	shop = await newShop(ada);
});
after(() => platform.stop());

/** @throws AssertionError unless there is a Location that answers */
async function visit(person: Person, answer: { headers: Record<string, unknown> }): Promise<unknown> {
	const { location } = answer.headers;
	assert.equal(typeof location, "string");
	const found = await person.api.raw({ method: "GET", path: String(location) });
	assert.equal(found.status, 200, `${location} answered ${found.status}`);
	return found.body;
}

test("people and sessions", async () => {
	const anyone = platform.anyone.from(await newProver());
	const handle = "carol.park";
	const signedUp = await anyone.call("user.signUp", { handle, password: PASSWORD, displayName: "Carol" });
	assert.equal(signedUp.status, 201);
	assert.deepEqual(await visit(ada, signedUp), { handle, displayName: "Carol" });

	const login = await anyone.call("auth.login", { handle, password: PASSWORD, userAgent: "test" });
	assert.equal(login.status, 201);
	const carol = { ...ada, api: anyone.as(login.body.accessToken) };
	const { items } = (await visit(carol, login)) as { items: { id: string; current: boolean; userAgent: string }[] };
	assert.deepEqual(
		items.map(({ id, current, userAgent }) => ({ id, current, userAgent })),
		[{ id: login.body.sessionId, current: true, userAgent: "test" }],
	);

	const refreshToken = /__Host-hannip-refresh=([^;]+)/.exec(String(login.headers["set-cookie"]))?.[1] ?? "";
	const refreshed = await anyone.ok("auth.refresh", { refreshToken });
	assert.equal(refreshed.sessionId, login.body.sessionId);

	const other = await anyone.ok("auth.login", { handle, password: PASSWORD });
	await carol.api.ok("auth.revokeSession", { sessionId: other.sessionId });
	assert.equal((await carol.api.ok("auth.listSessions", {})).items.length, 1);
	const said = { currentPassword: PASSWORD, newPassword: `${PASSWORD}, again` };
	const changed = await carol.api.call("auth.changePassword", said);
	assert.equal(changed.status, 201);
	const again = { ...carol, api: anyone.as(changed.body.accessToken) };
	await visit(again, changed);
	await again.api.ok("auth.logout", {});
	assert.equal((await anyone.ok("auth.jwks", {})).keys.length, 2);
});

test("a wallet", async () => {
	assert.equal((await bob.api.ok("user.me", {})).balance, 50_000);
	assert.equal((await bob.api.ok("user.edit", { displayName: "Bobby" })).displayName, "Bobby");
	assert.deepEqual(await ada.api.ok("user.find", { handle: bob.handle }), {
		handle: bob.handle,
		displayName: "Bobby",
	});

	const charged = await bob.api.call("user.charge", { amount: 1_000 });
	assert.equal(charged.body.balanceAfter, 51_000);
	const { balanceAfter: _, ...charge } = charged.body;
	assert.deepEqual(await visit(bob, charged), charge);
	assert.deepEqual(await bob.api.ok("user.getCharge", { id: charge.id }), charge);

	const sent = await bob.api.call("user.send", { to: ada.handle, amount: 500, note: "lunch" });
	assert.equal(sent.body.balanceAfter, 50_500);
	await visit(bob, sent);
	const booking = await bob.api.ok("user.getTransfer", { id: sent.body.id });
	assert.deepEqual({ state: booking.state, amount: booking.amount }, { state: "posted", amount: 500 });

	const { items } = await bob.api.ok("user.listTransactions", { limit: 2 });
	assert.deepEqual(
		items.map(({ kind, amount, counterparty }) => ({ kind, amount, counterparty })),
		[
			{ kind: "p2p", amount: -500, counterparty: "Ada" },
			{ kind: "charge", amount: 1_000, counterparty: "Hannip" },
		],
	);
	const csv = await bob.api.call("user.exportTransactions", {});
	assert.equal(csv.headers["content-type"], "text/csv; charset=utf-8");
	assert.equal(csv.headers["content-disposition"], 'attachment; filename="hannip-transactions.csv"');
});

test("a till", async () => {
	const { id: tillId, api } = await newTill(platform.anyone, shop);
	assert.equal((await api.ok("store.listProducts", { storeId: shop.id })).items.length, shop.products.length);
	assert.deepEqual(
		(await ada.api.ok("store.listTills", { storeId: shop.id })).items.map(({ id }) => id),
		[tillId],
	);
	await ada.api.ok("store.revokeTill", { storeId: shop.id, tillId });
});

test("a wallet that is frozen, and opened again", async () => {
	assert.equal((await bob.api.ok("user.freeze", {})).state, "frozen");
	assert.equal((await bob.api.ok("user.unfreeze", { password: PASSWORD })).state, "open");
});

test("a sale that the customer confirms", async () => {
	const code = await newCode(bob, 1);
	const { transferId } = await ada.api.ok("store.sell", { storeId: shop.id, code, items: basketOf(shop) });
	const [{ id, storeId, total } = assert.fail()] = (await bob.api.ok("store.listApprovals", {})).items;
	assert.equal(id, transferId);
	assert.equal((await bob.api.ok("store.decide", { id, storeId, total, decision: "decline" })).state, "voided");
});

test("a payment code", async () => {
	const issued = await bob.api.call("user.issueCode", { cap: 5_000, image: "png" });
	assert.equal(issued.status, 200);
	assert.equal(issued.body.cap, 5_000);
});

test("a store and its products", async () => {
	const opened = await ada.api.call("store.create", { name: "Café Nip", timeZone: "Europe/Paris" });
	assert.equal(opened.status, 201);
	const { id: storeId } = (await visit(ada, opened)) as { id: string };
	assert.equal(storeId, opened.body.id);
	assert.equal((await ada.api.ok("store.get", { storeId })).balance, 0);
	assert.equal((await ada.api.ok("store.list", {})).items.length, 2);
	assert.equal((await ada.api.ok("store.edit", { storeId, name: "Café Nop" })).name, "Café Nop");

	const hired = await ada.api.call("store.addStaff", { storeId, handle: bob.handle });
	assert.equal(hired.status, 201);
	assert.deepEqual(await visit(ada, hired), { items: [hired.body] });
	assert.deepEqual((await ada.api.ok("store.listStaff", { storeId })).items, [hired.body]);
	await ada.api.ok("store.removeStaff", { storeId, handle: bob.handle });

	const fields = { sku: "latte", name: "Latte", category: "Coffee", price: 4_500 };
	const added = await ada.api.call("store.createProduct", { storeId, ...fields });
	assert.deepEqual(await visit(ada, added), added.body);
	const { id: productId, version } = added.body;
	assert.equal((await ada.api.ok("store.editProduct", { storeId, productId, version, price: 4_800 })).price, 4_800);
	assert.equal((await ada.api.ok("store.getProduct", { storeId, productId })).price, 4_800);
	const { photoId } = await ada.api.ok("store.setPhoto", { storeId, productId, photo: PHOTO });
	const photo = await platform.anyone.call("store.getPhoto", { photoId: String(photoId) });
	assert.deepEqual([photo.status, photo.headers["content-type"]], [200, "image/jpeg"]);
	const csv = "sku,name,category,price\nmocha,Mocha,Coffee,5200\n";
	assert.deepEqual(await ada.api.ok("store.importProducts", { storeId, csv }), {
		created: 1,
		updated: 0,
		unchanged: 0,
	});
	const { items } = await ada.api.ok("store.listProducts", { storeId });
	assert.deepEqual(
		items.map(({ sku, price }) => [sku, price]),
		[
			["latte", 4_800],
			["mocha", 5_200],
		],
	);
});

test("sales, refunds, the day and its payout", async () => {
	const { api } = ada;
	const storeId = shop.id;
	const sold = await api.call("store.sell", { storeId, code: await newCode(bob), items: basketOf(shop, 3) });
	assert.equal(sold.status, 201);
	assert.deepEqual(await visit(ada, sold), sold.body);
	const saleId = sold.body.id;

	const refunded = await api.call("store.refundSale", { storeId, saleId, amount: 1_000, reason: "cold" });
	assert.equal(refunded.status, 201);
	assert.deepEqual(await visit(ada, refunded), refunded.body.sale);
	assert.equal((await api.ok("store.cancelSale", { storeId, saleId })).effect, "refunded");
	const sale = await api.ok("store.getSale", { storeId, saleId });
	assert.deepEqual([sale.total, sale.refunded, sale.refunds.length], [3_000, 3_000, 2]);
	const refundId = sale.refunds[0]?.id.split(".")[1] as string;
	assert.equal((await api.ok("store.getRefund", { storeId, id: refundId })).amount, sale.refunds[0]?.amount);

	await api.ok("store.sell", { storeId, code: await newCode(bob), items: basketOf(shop, 2) });
	assert.equal((await api.ok("store.listSales", { storeId })).items.length, 2);
	const date = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Seoul" }).format(new Date());
	assert.equal((await api.ok("store.report", { storeId, date })).net, 2_000);
	const exported = await api.call("store.exportSales", { storeId, date });
	assert.equal(exported.headers["content-disposition"], 'attachment; filename="hannip-sales.csv"');

	const paidOut = await api.call("store.payOut", { storeId, amount: 1_500, idempotencyKey: newKey() });
	assert.equal(paidOut.body.balanceAfter, 500);
	assert.equal(((await visit(ada, paidOut)) as { balance: number }).balance, 500);
	const id = paidOut.body.transferId.split(".")[1] as string;
	assert.equal((await api.ok("store.getPayout", { storeId, id })).amount, 1_500);
});

test("the operator's port", async () => {
	const { operator } = platform;
	const { sequence } = await operator.ok("credit.status", {});
	assert.ok(sequence > 0);
	const audit = await operator.ok("credit.audit", {});
	assert.deepEqual({ clean: audit.clean, discrepancy: audit.discrepancy }, { clean: true, discrepancy: null });
	const accountId = bob.wallet;
	assert.equal((await operator.ok("credit.account", { accountId })).balance, 48_500);
	const { items } = await operator.ok("credit.statement", { accountId, limit: 100 });
	assert.equal(items[0]?.balanceAfter, 48_500);
	const outcome = await operator.ok("credit.outcome", { id: String(items.at(-1)?.transferId) });
	assert.deepEqual([outcome.state, outcome.transfer?.kind, outcome.transfer?.amount], ["applied", "charge", 50_000]);
	assert.equal((await operator.ok("auth.listKeys", {})).keys.length, 2);
	const { keys } = await operator.ok("operator.rotateKeys", { reason: "a test" });
	assert.deepEqual(
		keys.map(({ kid, state }) => `${kid} ${state}`),
		["1 previous", "2 active", "3 next"],
	);
});

test("what operators do", async () => {
	const { operator } = platform;
	const accountId = bob.wallet;
	assert.equal((await operator.ok("operator.account", { id: bob.handle })).account.id, accountId);
	assert.equal((await operator.ok("operator.freeze", { accountId, reason: "a test" })).state, "frozen");
	assert.equal((await operator.ok("operator.unfreeze", { accountId, reason: "a test" })).state, "open");
	const given = await operator.call("operator.adjust", { accountId, direction: "give", amount: 1, reason: "a test" });
	const location = String(given.headers.location);
	assert.equal(decodeURIComponent(location), `/payments/${given.body.id}`);
	const followed = await operator.raw({ method: "GET", path: location });
	assert.deepEqual(followed.body, await operator.ok("operator.payment", { id: given.body.id }));
	await operator.ok("operator.adjust", { accountId, direction: "take", amount: 1, reason: "a test" });
	assert.deepEqual(await operator.ok("operator.listAdjustments", {}), { items: [], isAll: true, you: "operator" });
	assert.deepEqual(await operator.ok("credit.listHolds", {}), { items: [], isAll: true });
	assert.ok((await operator.ok("operator.listProcesses", {})).items.length > 0);
	assert.equal((await operator.ok("operator.listOperations", {})).items[0]?.phase, "done");
});

test("what happens, told to wallets and webhooks", async () => {
	await ada.api.ok("user.listEvents", {});
	const { api } = ada;
	const named = { storeId: shop.id };
	// Of documentation (RFC 5737): nobody is there, and nobody is asked.
	const made = await api.call("store.createWebhook", { ...named, url: "https://192.0.2.1/", events: ["sale.posted"] });
	assert.equal(made.status, 201);
	await visit(ada, made);
	const of = { ...named, webhookId: made.body.id };
	await api.ok("store.editWebhook", { ...of, description: "The kitchen's display" });
	await api.ok("store.rotateWebhookSecret", of);
	assert.equal((await api.ok("store.pingWebhook", of)).error, "is not a public address");
	await sell(shop, bob, newKey());
	const deliveries = async () => (await api.ok("store.listDeliveries", of)).items;
	while ((await deliveries()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
	const [{ id: deliveryId } = assert.fail()] = await deliveries();
	await api.ok("store.replayDelivery", { ...of, deliveryId });
	assert.ok((await api.ok("store.replayDeliveries", { ...of, fromMs: 0 })).count >= 1);
	await api.ok("store.removeWebhook", of);
	assert.deepEqual((await api.ok("store.listWebhooks", named)).items, []);
});

test("what was made is somewhere: every 201 says where, as the contract wants it of each answer", () => {
	const made = [...publicRoutes, ...internalRoutes].filter(({ status }) => status === 201);
	assert.deepEqual(
		made.filter(({ location }) => !location).map(({ path }) => path),
		[],
	);
});

test("every route of both tables was called with success", () => {
	// What needs a second process or a second operator has tests of its own.
	const elsewhere = ["POST /adjustments/:id/decision", "POST /processes/:nodeId/drain"];
	assert.deepEqual(notYetAnswered([...publicRoutes, ...internalRoutes]), elsewhere);
});

test("every route that needs a person refuses everybody else, before it looks at anything", async () => {
	for (const { method, path, action } of publicRoutes.filter(({ action }) => !mayDo("anyone", action))) {
		const challenge = credentialsFor(action).has("till") ? 'DPoP algs="ES256", Till' : 'DPoP algs="ES256"';
		const wire: Wire = { method, path: path.replace(/:\w+/g, "anything") };
		for (const headers of [{}, { authorization: "DPoP nonsense" }, { authorization: `DPoP ${ada.accessToken}` }]) {
			const answer = await platform.anyone.raw({ ...wire, headers });
			assert.equal(answer.status, 401, `${method} ${path}`);
			assert.equal((answer.body as { code: string }).code, "unauthenticated");
			assert.equal(answer.headers["www-authenticate"], challenge);
		}
	}
});

test("where a till's signature is wanted and nothing else, a 401 asks for that (RFC 9421 5.1)", async () => {
	const publicJwk = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) };
	const body = JSON.stringify({ pairingCode: "AAAA-AAAA", publicJwk });
	const headers = { "content-type": "application/json" };
	const joining = await platform.anyone.raw({ method: "POST", path: "/v1/tills", headers, body });
	const signingIn = await platform.anyone.raw({ method: "POST", path: "/v1/tills/sessions" });
	const wanted = ({ status, headers }: typeof joining) => [
		status,
		headers["www-authenticate"],
		headers["accept-signature"],
	];
	const rest = 'created;alg="ecdsa-p256-sha256";tag="hannip-till"';
	const scheme = 'Signature tag="hannip-till"';
	assert.deepEqual(wanted(joining), [401, scheme, `sig=("@method" "@target-uri" "content-digest");${rest}`]);
	assert.deepEqual(wanted(signingIn), [401, scheme, `sig=("@method" "@target-uri");${rest}`]);
});
