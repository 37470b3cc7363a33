import { createPublicKey, hash, type KeyObject } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { LRUCache } from "lru-cache";
import type { Service } from "moleculer";
import { call } from "../actions.ts";
import { readSignature, type Signature } from "./request-signature.ts";
import { saidMethodOf } from "./server.ts";
import { parseObject } from "./strict-json.ts";

type Asked = IncomingMessage & { readonly originalUrl?: string; readonly body?: unknown };
type TillKey = { readonly jkt: string; readonly publicKey: KeyObject };
type Jwk = { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };

/** Checks what tills sign, with the keys that their owners have let in: never with one that a request brings along. */
export class TillAccess {
	readonly #service: Service;
	readonly #publicOrigin: string;
	/** A till's key never changes; whether the till is still one is asked for each request, see `Admission`. */
	readonly #keys = new LRUCache<string, TillKey>({ max: 10_000 });

	constructor(service: Service, publicOrigin: string) {
		this.#service = service;
		this.#publicOrigin = publicOrigin;
	}

	/** Who has signed, with which key. @returns nothing unless it was a till that is, or was, one */
	async signer(request: Asked, nowMs: number): Promise<{ tillId: string; jkt: string; proof: string } | undefined> {
		const signature = this.#read(request, nowMs);
		const key = signature && (await this.#keyOf(signature.keyId));
		if (!signature || !key || !(await signature.isBy(key.publicKey))) return undefined;
		return { tillId: signature.keyId, jkt: key.jkt, proof: proofOf(signature) };
	}

	/** The same for a key that is to become a till's: the one that is in the body has signed. */
	async newSigner(request: Asked, nowMs: number): Promise<{ proof: string } | undefined> {
		const signature = this.#read(request, nowMs);
		const body = Buffer.isBuffer(request.body) ? parseObject(request.body.toString()) : undefined;
		const key = signature && keyFrom((body as { publicJwk?: Jwk } | undefined)?.publicJwk);
		if (!signature || !key || signature.keyId !== key.jkt || !(await signature.isBy(key.publicKey))) return undefined;
		return { proof: proofOf(signature) };
	}

	#read(request: Asked, nowMs: number): Signature | undefined {
		const { originalUrl, url = "", rawHeaders, body } = request;
		const uri = this.#publicOrigin + (originalUrl ?? url);
		const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
		return readSignature({ method: saidMethodOf(request), uri, rawHeaders, body: bytes, nowMs });
	}

	async #keyOf(tillId: string): Promise<TillKey | undefined> {
		if (!/^t_[A-Za-z0-9_-]{16}$/.test(tillId)) return undefined;
		const known = this.#keys.get(tillId);
		if (known) return known;
		const found = await call(this.#service.broker, "auth.tillKey", { tillId });
		const key = keyFrom(found?.publicJwk);
		if (key) this.#keys.set(tillId, key);
		return key;
	}
}

function keyFrom(jwk: Jwk | undefined): TillKey | undefined {
	try {
		const { kty, crv, x, y } = jwk ?? ({} as Jwk);
		const publicKey = createPublicKey({ key: { kty, crv, x, y }, format: "jwk" });
		return { publicKey, jkt: hash("sha256", `{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`, "base64url") };
	} catch {
		return undefined;
	}
}

const proofOf = ({ keyId, nonce }: Signature): string => hash("sha256", `${keyId} ${nonce}`, "base64url");
