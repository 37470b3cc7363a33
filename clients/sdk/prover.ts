import { base64url, SignJWT } from "jose";
import type { DeviceKey } from "./device-key.ts";
import { type Answered, ServerClock } from "./server-clock.ts";

export type Provable = {
	readonly method: string;
	/** With the query, if there is one; it is not part of what is proven. */
	readonly path: string;
	/** None yet when logging in. */
	readonly accessToken?: string | undefined;
};

/**
 * Proves with each request that the sender has the key that the access token is bound to (DPoP, RFC 9449).
 *
 * It goes by the server's clock and by the server's nonces, so `learn` must see every answer: then a phone whose clock is wrong can
 * pay, and a proof cannot be made ahead of its time.
 */
export class Prover {
	readonly key: DeviceKey;
	readonly clock = new ServerClock();
	readonly #origin: string;
	#nonce: string | undefined;

	/** @param origin how the platform names itself, such as https://pay.example */
	constructor(key: DeviceKey, origin: string) {
		this.key = key;
		this.#origin = origin;
	}

	/** A new one for every attempt: one that was used is refused. */
	async headersFor({ method, path, accessToken }: Provable): Promise<{ dpop: string; authorization?: string }> {
		const [target] = path.split(/[?#]/, 1);
		const dpop = await new SignJWT({
			htm: method,
			htu: this.#origin + target,
			...(this.#nonce !== undefined && { nonce: this.#nonce }),
			...(accessToken !== undefined && { ath: await digest(accessToken) }),
		})
			.setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: this.key.publicJwk })
			.setJti(crypto.randomUUID())
			.setIssuedAt(Math.floor(this.clock.nowMs / 1_000))
			.sign(this.key.privateKey);
		return { dpop, ...(accessToken !== undefined && { authorization: `DPoP ${accessToken}` }) };
	}

	learn(answer: Answered): void {
		this.#nonce = answer.headers.get("dpop-nonce") ?? this.#nonce;
		this.clock.learn(answer);
	}
}

/** Whether the same request is right once `learn` has seen this answer. */
export const wantsNonce = ({ status, headers }: Answered & { readonly status: number }): boolean =>
	status === 401 && (headers.get("www-authenticate") ?? "").includes("use_dpop_nonce");

/** The token's hash in a proof (RFC 9449 4.2). */
const digest = async (token: string): Promise<string> =>
	base64url.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
