import { generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Client, Wire } from "../../api/client.ts";
import type { Answer } from "../../api/contract.ts";
import type { Shop } from "../../api/people.ts";

export type Signing = {
	readonly key?: KeyObject;
	/** What is signed over; by default everything that is there. */
	readonly components?: readonly string[];
	readonly created?: string;
	readonly nonce?: string | null;
	readonly keyId?: string;
	readonly tag?: string | null;
	readonly more?: string;
	readonly format?: "der";
	/** Values to sign that are not those that are sent. */
	readonly values?: Record<string, string>;
};

/** A till whose signatures can have any shape. */
export class RawTill {
	readonly #anyone: Client;
	readonly #key: KeyObject;
	readonly id: string;
	readonly accessToken: string;

	private constructor(anyone: Client, key: KeyObject, till: { id: string; accessToken: string }) {
		this.#anyone = anyone;
		this.#key = key;
		this.id = till.id;
		this.accessToken = till.accessToken;
	}

	static async in(anyone: Client, shop: Shop): Promise<RawTill> {
		const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
		const { pairingCode } = await shop.owner.api.ok("store.createPairing", { storeId: shop.id, name: "Raw" });
		const body = JSON.stringify({ pairingCode, publicJwk: { kty, crv, x, y } });
		const keyId = hash("sha256", `{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`, "base64url");
		const guest = new RawTill(anyone, privateKey, { id: keyId, accessToken: "" });
		const paired = await guest.send({ method: "POST", path: "/v1/tills", body });
		const { tillId } = paired.body as { tillId: string };
		const known = new RawTill(anyone, privateKey, { id: tillId, accessToken: "" });
		const signedIn = await known.send({ method: "POST", path: "/v1/tills/sessions", body: "{}" });
		const { accessToken } = signedIn.body as { accessToken: string };
		return new RawTill(anyone, privateKey, { id: tillId, accessToken });
	}

	/** @param sent instead of what was signed */
	async send(wire: Wire, signing: Signing = {}, sent: Partial<Wire> = {}): Promise<Answer> {
		const headers = { ...this.sign(wire, signing), ...sent.headers };
		const present = Object.entries(headers).filter(([, value]) => value !== undefined);
		return this.#anyone.raw({ ...wire, ...sent, headers: Object.fromEntries(present) });
	}

	sign({ method, path, body, headers = {} }: Wire, signing: Signing = {}): Record<string, string> {
		const covered: Record<string, string> = {
			...(this.accessToken && { authorization: `Till ${this.accessToken}` }),
			...(headers["idempotency-key"] && { "idempotency-key": String(headers["idempotency-key"]) }),
			...(body && { "content-digest": `sha-256=:${hash("sha256", body, "base64")}:` }),
		};
		const values: Record<string, string> = {
			"@method": method,
			"@target-uri": this.#anyone.origin + path,
			...covered,
			...signing.values,
		};
		const {
			components = Object.keys(values),
			created = String(Math.floor(Date.now() / 1_000)),
			nonce = randomBytes(16).toString("base64url"),
			keyId = this.id,
			tag = "hannip-till",
			more = "",
		} = signing;
		const parameters = [
			`;created=${created}`,
			nonce === null ? "" : `;nonce="${nonce}"`,
			`;keyid="${keyId}"`,
			tag === null ? "" : `;tag="${tag}"`,
			more,
		];
		const input = `(${components.map((name) => (name.includes('"') ? name : `"${name}"`)).join(" ")})${parameters.join("")}`;
		const lines = components.map(
			(name) => `${name.includes('"') ? name : `"${name}"`}: ${values[name.replace(/^"|".*$/g, "")] ?? ""}`,
		);
		const base = [...lines, `"@signature-params": ${input}`].join("\n");
		const options = { key: signing.key ?? this.#key, dsaEncoding: signing.format ?? ("ieee-p1363" as const) };
		const signature = sign("sha256", Buffer.from(base), options).toString("base64");
		return {
			...(body && { "content-type": "application/json" }),
			...covered,
			"signature-input": `till=${input}`,
			signature: `till=:${signature}:`,
		};
	}
}
