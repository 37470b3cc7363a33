import { base64url } from "jose";
import { type InnerList, serializeByteSequence, serializeInnerList } from "structured-headers";
import { signatureBase, TILL_TAG } from "../../services/api/signature-base.ts";
import type { DeviceKey } from "./device-key.ts";
import { type Answered, ServerClock } from "./server-clock.ts";

export type Signable = {
	readonly method: string;
	/** With the query, if there is one. */
	readonly path: string;
	/** None yet when it signs in. */
	readonly accessToken?: string | undefined;
	readonly idempotencyKey?: string | undefined;
	readonly body?: Uint8Array<ArrayBuffer> | undefined;
};

/**
 * Signs a till's requests with its key (RFC 9421, RFC 9530): the amount and the customer's code are covered, and nobody on the way can
 * change or repeat them. It goes by the server's clock, so `learn` must see every answer.
 */
export class RequestSigner {
	readonly key: DeviceKey;
	readonly #origin: string;
	readonly #keyId: string;
	readonly #clock: ServerClock;

	/** @param keyId the till's id; the key's thumbprint while it has none */
	constructor(
		key: DeviceKey,
		{
			origin,
			keyId = key.thumbprint,
			clock = new ServerClock(),
		}: Readonly<{ origin: string; keyId?: string; clock?: ServerClock }>,
	) {
		this.key = key;
		this.#clock = clock;
		this.#origin = origin;
		this.#keyId = keyId;
	}

	/** The headers to send, all that are signed among them; new ones for every attempt. */
	async headersFor({ method, path, accessToken, idempotencyKey, body }: Signable): Promise<Record<string, string>> {
		const headers: Record<string, string> = {
			...(accessToken !== undefined && { authorization: `Till ${accessToken}` }),
			...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
			...(body && body.length > 0 && { "content-digest": `sha-256=${serializeByteSequence(await digest(body))}` }),
		};
		const values = new Map([["@method", method], ["@target-uri", this.#origin + path], ...Object.entries(headers)]);
		const input: InnerList = [
			[...values.keys()].map((name) => [name, new Map()]),
			new Map<string, string | number>([
				["created", Math.floor(this.#clock.nowMs / 1_000)],
				["nonce", base64url.encode(crypto.getRandomValues(new Uint8Array(16)))],
				["keyid", this.#keyId],
				["tag", TILL_TAG],
			]),
		];
		const text = serializeInnerList(input);
		const base = new TextEncoder().encode(signatureBase([...values.keys()], values, text));
		const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, this.key.privateKey, base);
		return {
			...headers,
			"signature-input": `till=${text}`,
			signature: `till=${serializeByteSequence(signature)}`,
		};
	}

	learn(answer: Answered): void {
		this.#clock.learn(answer);
	}
}

const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", bytes);
