import { generateKeyPairSync, hash, type KeyObject, randomUUID, sign } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import type { ProblemCode } from "../../../services/errors.ts";
import { type Client, newKey, type Wire } from "../../api/client.ts";
import type { Answer } from "../../api/contract.ts";
import { newPerson, newShop, newTill, PASSWORD, type Person, type Shop, type Till } from "../../api/people.ts";
import { RawTill } from "./raw-till.ts";

/** Somebody with credit, somebody with a shop, and the one who attacks them; and one phone and one till of which the attacker has even the keys. */
export type World = {
	readonly anyone: Client;
	readonly victim: Person;
	readonly eve: Person;
	readonly shop: Shop;
	readonly till: Till;
	readonly evesShop: Shop;
	readonly evesTill: Till;
	readonly phone: Phone;
	readonly rawTill: RawTill;
};

/** An attack, and the only codes that may be said to it. */
export type Attack = {
	readonly name: string;
	readonly run: (world: World) => Promise<readonly Answer[]>;
	readonly refusals: readonly ProblemCode[];
};

const json = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export const es256 = (text: string, key: KeyObject): string =>
	sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");

export type Shape = {
	/** Fields that are `undefined` are left out. */
	readonly header?: object;
	readonly claims?: object;
	readonly key?: KeyObject;
	readonly signature?: (signed: string) => string;
};

/** A phone whose proofs can have any shape. */
export class Phone {
	readonly #client: Client;
	readonly accessToken: string;
	readonly key: KeyObject;
	readonly jwk: object;
	nonce: string;

	private constructor(client: Client, key: KeyObject, jwk: object, login: { accessToken: string; nonce: string }) {
		this.#client = client;
		this.key = key;
		this.jwk = jwk;
		this.accessToken = login.accessToken;
		this.nonce = login.nonce;
	}

	/** Logs somebody in on it. */
	static async of(client: Client, { handle }: { handle: string }): Promise<Phone> {
		const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		const jwk = publicKey.export({ format: "jwk" });
		const guest = new Phone(client, privateKey, jwk, { accessToken: "", nonce: "" });
		const wire = { method: "POST", path: "/v1/sessions" };
		const headers = {
			"content-type": "application/json",
			dpop: guest.proof(wire, { claims: { ath: undefined, nonce: undefined } }),
		};
		const answer = await client.raw({ ...wire, headers, body: JSON.stringify({ handle, password: PASSWORD }) });
		const { accessToken } = answer.body as { accessToken: string };
		return new Phone(client, privateKey, jwk, { accessToken, nonce: String(answer.headers["dpop-nonce"]) });
	}

	proof(
		{ method, path }: Pick<Wire, "method" | "path">,
		{ header, claims, key = this.key, signature }: Shape = {},
	): string {
		const head = json({ typ: "dpop+jwt", alg: "ES256", jwk: this.jwk, ...header });
		const body = json({
			jti: randomUUID(),
			htm: method,
			htu: this.#client.origin + path.split("?")[0],
			iat: Math.floor(Date.now() / 1_000),
			ath: hash("sha256", this.accessToken, "base64url"),
			nonce: this.nonce,
			...claims,
		});
		const signed = `${head}.${body}`;
		return `${signed}.${signature ? signature(signed) : es256(signed, key)}`;
	}

	/** A charge of one credit with a proof of this shape; or with these headers. */
	async charge(shape: Shape = {}, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
		const wire = { method: "POST", path: "/v1/me/charges" };
		return this.send(wire, { dpop: this.proof(wire, shape), ...headers });
	}

	async send(wire: Wire, headers: OutgoingHttpHeaders): Promise<Answer> {
		const usual = {
			"content-type": "application/json",
			"idempotency-key": newKey(),
			authorization: `DPoP ${this.accessToken}`,
		};
		const body = wire.method === "GET" ? {} : { body: wire.body ?? '{"amount":1}' };
		const sent = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== undefined);
		const answer = await this.#client.raw({ ...wire, ...body, headers: Object.fromEntries(sent) });
		this.nonce = String(answer.headers["dpop-nonce"] ?? this.nonce);
		return answer;
	}
}

export async function newWorld(anyone: Client): Promise<World> {
	const victim = await newPerson(anyone, { name: "Victim", credit: 500_000 });
	const eve = await newPerson(anyone, { name: "Eve", credit: 500_000 });
	const [shop, evesShop] = [await newShop(victim), await newShop(eve)];
	const [till, evesTill] = [await newTill(anyone, shop), await newTill(anyone, evesShop)];
	return {
		anyone,
		victim,
		eve,
		shop,
		till,
		evesShop,
		evesTill,
		phone: await Phone.of(anyone, victim),
		rawTill: await RawTill.in(anyone, shop),
	};
}

/** What nobody may have changed: everything that those attacked have. */
export async function holdings({ victim, shop }: World): Promise<unknown> {
	const { balance, available, pending, state, displayName } = await victim.api.ok("user.me", {});
	const store = await victim.api.ok("store.get", { storeId: shop.id });
	const { items: transactions } = await victim.api.ok("user.listTransactions", { limit: 100 });
	const { items: sales } = await victim.api.ok("store.listSales", { storeId: shop.id, limit: 100 });
	const { items: tills } = await victim.api.ok("store.listTills", { storeId: shop.id });
	const { items: staff } = await victim.api.ok("store.listStaff", { storeId: shop.id });
	return { balance, available, pending, state, displayName, store, transactions, sales, tills, staff };
}
