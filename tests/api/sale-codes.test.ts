import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import base45 from "base45";
import { makeCode } from "../../mixins/payment-code.ts";
import type { ProblemCode } from "../../services/errors.ts";
import { type Client, newKey } from "./client.ts";
import { basketOf, codeKeyOf, newCode, newPerson, newShop, type Person, type Shop } from "./people.ts";
import { type Books, booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let till: Client;
let untouched: Books["balances"];
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 1_000_000 });
	shop = await newShop(ada);
	till = ada.api;
	untouched = (await books()).balances;
});
after(() => platform.stop());

const books = () => booksOf(platform.operator, [bob.wallet, shop.account]);
const saleWith = (code: unknown, more: object = {}) => ({ storeId: shop.id, items: basketOf(shop), code, ...more });
const refusedWith = (codes: readonly unknown[], problem: ProblemCode) =>
	Promise.all(codes.map((code) => till.refused("store.sell", saleWith(code), problem)));

/** A code that this platform signed, but would not have made. */
const crafted = ({
	userId = bob.userId,
	agoS = 0,
	ttlS = 60,
	cap = 1_000_000,
	key = codeKeyOf(platform.broker),
} = {}) => makeCode({ userId, nowMs: Date.now() - agoS * 1_000, ttlS, cap }, key).code;

const bytesOf = (code: string): Buffer => Buffer.from(base45.decode(code.slice(3)));
const codeOf = (bytes: Uint8Array): string => `HN:${base45.encode(Buffer.from(bytes))}`;

describe("a code that is not good moves nothing:", () => {
	after(async () => assert.deepEqual((await books()).balances, untouched));

	it("expired, by a second or by years", async () => {
		await refusedWith([crafted({ agoS: 61 }), crafted({ agoS: 3_600 }), crafted({ agoS: 10 ** 9 })], "code_expired");
	});

	it("made ahead, before it begins; it is not used up by that", async () => {
		const { later } = await bob.api.ok("user.issueCode", { ahead: 2 });
		await refusedWith(
			[...later.map(({ code }) => code), crafted({ agoS: -10 }), crafted({ agoS: -100 })],
			"code_too_early",
		);
	});

	it("claiming a life longer than any code may have", async () => {
		await refusedWith([crafted({ agoS: 181, ttlS: 255 })], "code_expired");
	});

	it("altered in any one of its 99 bytes", async () => {
		const genuine = bytesOf(await newCode(bob));
		assert.equal(genuine.length, 99);
		const altered = Array.from({ length: 99 }, (_, index) => {
			const bytes = Buffer.from(genuine);
			bytes[index] = (bytes[index] ?? 0) ^ (1 << (index % 8));
			return codeOf(bytes);
		});
		await refusedWith(altered, "code_invalid");
		await till.refused("store.sell", saleWith(codeOf(Buffer.alloc(99))), "code_invalid");
	});

	it("written in another way", async () => {
		const code = await newCode(bob);
		const bytes = bytesOf(code);
		const spellings = [
			code.toLowerCase(),
			code.slice(3),
			`hn:${code.slice(3)}`,
			` ${code}`,
			`${code} `,
			`${code}0`,
			`${code}\n`,
			code.slice(0, -1),
			code.replace("HN:", "HC1:"),
			`https://pay.example/${code}`,
			codeOf(Buffer.concat([bytes, Buffer.alloc(1)])),
			codeOf(bytes.subarray(0, 98)),
			bytes.toString("base64"),
		];
		await refusedWith(spellings, "code_invalid");
	});

	it("in base45 that decoders take for the same bytes", async () => {
		const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
		const code = await newCode(bob);
		const places = (text: string) => [...text].map((character) => alphabet.indexOf(character));
		const written = (value: number, length: number) =>
			Array.from({ length }, (_, index) => alphabet[Math.floor(value / 45 ** index) % 45]).join("");
		// A pair holds up to 2,024 for a byte, three characters up to 91,124 for two bytes: what is above wraps around in some.
		const [c = 0, d = 0] = places(code.slice(-2));
		await till.refused("store.sell", saleWith(code.slice(0, -2) + written(c + d * 45 + 256, 2)), "code_invalid");
		const triples = Array.from({ length: 49 }, (_, index) => 3 + index * 3).map((at) => {
			const [x = 0, y = 0, z = 0] = places(code.slice(at, at + 3));
			const value = x + y * 45 + z * 2_025 + 65_536;
			return value < 45 ** 3 ? code.slice(0, at) + written(value, 3) + code.slice(at + 3) : undefined;
		});
		await refusedWith(
			triples.filter((each) => each !== undefined),
			"code_invalid",
		);
	});

	it("signed by somebody else, under any key id", async () => {
		const { handleKey, kid } = codeKeyOf(platform.broker);
		const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		const keys = [kid, kid + 1, 0, 255].map((id) => ({ kid: id, privateKey, handleKey }));
		await refusedWith(
			keys.map((key) => crafted({ key })),
			"code_invalid",
		);
	});

	it("of another environment, and of this one there", async () => {
		const other = await startTestPlatform();
		try {
			const theirs = await newPerson(other.anyone, { name: "Theirs", credit: 5_000 });
			await till.refused("store.sell", saleWith(await newCode(theirs)), "code_invalid");
			const theirShop = await newShop(theirs);
			const said = { storeId: theirShop.id, items: basketOf(theirShop), code: await newCode(bob) };
			await theirs.api.refused("store.sell", said, "code_invalid");
		} finally {
			await other.stop();
		}
	});

	it("of a wallet that does not exist", async () => {
		await refusedWith([crafted({ userId: `u_${"A".repeat(16)}` })], "account_not_found");
	});

	it("random bytes, text, links, very long", async () => {
		const random = Array.from({ length: 50 }, () => codeOf(randomBytes(99)));
		await refusedWith(
			[...random, "HN:", "x", "안녕하세요", "🙂".repeat(50), "https://evil.test/", "HN:".repeat(60), "\u0000"],
			"code_invalid",
		);
		await refusedWith(
			["", "x".repeat(201), "x".repeat(4_000), 7, null, true, [], ["HN:"], {}, { $ne: "" }],
			"validation_failed",
		);
	});

	it("in the path, the query or a header instead of the body", async () => {
		const code = await newCode(bob);
		const items = basketOf(shop);
		const path = `/v1/stores/${shop.id}/sales`;
		const headers = { "content-type": "application/json", "idempotency-key": newKey() };
		const answer = await till.raw({
			method: "POST",
			path: `${path}?code=${encodeURIComponent(code)}`,
			headers,
			body: JSON.stringify({ items }),
		});
		assert.equal(answer.status, 422);
	});
});

describe("a code is used once:", () => {
	it("in 64 sales at once, at several stores", async () => {
		const shops = [shop, ...(await Promise.all([1, 2, 3].map(() => newShop(ada))))];
		const code = await newCode(bob);
		const { balance } = await bob.api.ok("user.me", {});
		const answers = await Promise.all(
			Array.from({ length: 64 }, (_, index) => {
				const at = shops[index % shops.length] as Shop;
				return till.call("store.sell", { storeId: at.id, items: basketOf(at), code });
			}),
		);
		const outcomes = answers.map(({ status, body }) => (status === 201 ? "sold" : (body as { code?: string }).code));
		assert.deepEqual(outcomes.toSorted(), [...Array.from({ length: 63 }, () => "code_used"), "sold"]);
		assert.equal((await bob.api.ok("user.me", {})).balance, balance - 1_000);
	});

	it("also when the first sale was given back since", async () => {
		const code = await newCode(bob);
		const { id: saleId } = await till.ok("store.sell", { storeId: shop.id, items: basketOf(shop), code });
		await till.ok("store.cancelSale", { storeId: shop.id, saleId });
		await till.refused("store.sell", saleWith(code), "code_used");
	});

	it("also when the first sale was refused by the ledger", async () => {
		const code = await newCode(await newPerson(platform.anyone, { name: "Poor" }));
		await till.refused("store.sell", saleWith(code), "insufficient_credit");
		await till.refused("store.sell", saleWith(code), "code_used");
	});

	it("also under a signature that says the same in other bytes", async () => {
		const code = await newCode(bob);
		await till.ok("store.sell", { storeId: shop.id, items: basketOf(shop), code });
		// r, n − s is as good a signature as r, s.
		const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
		const bytes = bytesOf(code);
		const s = n - BigInt(`0x${bytes.subarray(67).toString("hex")}`);
		const twin = Buffer.concat([bytes.subarray(0, 67), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
		await till.refused("store.sell", saleWith(codeOf(twin)), "code_used");
	});

	it("by the store that got it: another one with the same key gets nothing", async () => {
		const other = await newShop(ada);
		const said = { idempotencyKey: newKey(), code: await newCode(bob) };
		await till.ok("store.sell", { ...said, storeId: shop.id, items: basketOf(shop) });
		await till.refused("store.sell", { ...said, storeId: other.id, items: basketOf(other) }, "code_used");
	});
});
