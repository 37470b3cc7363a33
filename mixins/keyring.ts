import { createPublicKey, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import type { Service, ServiceSchema } from "moleculer";
import { call, type Result } from "../services/actions.ts";
import { type CodeClaims, kidOf, openCode } from "./payment-code.ts";

/** Who an access token speaks for. */
export type Caller = { readonly userId: string; readonly sessionId: string };

/** How long an access token lives. */
export const ACCESS_TTL_S = 300;
export const ACCESS_TOKEN_TYPE = "at+jwt";
/** The audience of access tokens for the public gateway. */
export const ACCESS_AUDIENCE = "hannip:public";

type Key = { readonly publicKey: KeyObject; readonly handleKey: Buffer };

/** A key id that we do not know may be a new one, or made up: ask for the ring again, but not for every request. */
const RELOAD_INTERVAL_MS = 5_000;

/** Verifies access tokens and payment codes with the public keys of the `auth` service, which are kept here: no call on the way. */
export class Keyring {
	readonly #load: () => Promise<Result<"auth.keyring">>;
	#keys = new Map<string, Key>();
	#loadedAtMs = Number.NEGATIVE_INFINITY;
	#loading: Promise<void> | null = null;

	constructor(load: () => Promise<Result<"auth.keyring">>) {
		this.#load = load;
	}

	/** What the token says, or nothing if it is not one of ours, has expired, or is for something else. */
	async readAccessToken(token: string, { issuer }: { issuer: string }): Promise<Caller | undefined> {
		const kid = jwt.decode(token, { complete: true })?.header.kid;
		const key = typeof kid === "string" ? await this.#key((id) => id === kid) : undefined;
		if (!key) return undefined;
		try {
			const { header, payload } = jwt.verify(token, key.publicKey, {
				algorithms: ["ES256"],
				audience: ACCESS_AUDIENCE,
				issuer,
				complete: true,
			});
			if (header.typ !== ACCESS_TOKEN_TYPE || typeof payload === "string") return undefined;
			// The library takes a token that does not say when it ends.
			if (typeof payload.exp !== "number") return undefined;
			return { userId: String(payload.sub), sessionId: String(payload.sid) };
		} catch {
			return undefined;
		}
	}

	/** What a payment code says, or nothing if we did not sign it. */
	async readCode(code: string): Promise<CodeClaims | undefined> {
		const kid = kidOf(code);
		const key = kid === undefined ? undefined : await this.#key((id) => (Number(id) & 0xff) === kid);
		return key && openCode(code, key);
	}

	async #key(matches: (kid: string) => boolean): Promise<Key | undefined> {
		if (!this.#find(matches)) await this.reload();
		return this.#find(matches);
	}

	#find(matches: (kid: string) => boolean): Key | undefined {
		for (const [kid, key] of this.#keys) if (matches(kid)) return key;
		return undefined;
	}

	async reload(): Promise<void> {
		if (performance.now() - this.#loadedAtMs < RELOAD_INTERVAL_MS) return;
		this.#loading ??= this.#read().finally(() => {
			this.#loading = null;
		});
		await this.#loading;
	}

	async #read(): Promise<void> {
		const { keys } = await this.#load();
		this.#keys = new Map(
			keys.map(({ kid, jwk, handleKey }) => [
				kid,
				{ publicKey: createPublicKey({ key: jwk, format: "jwk" }), handleKey: Buffer.from(handleKey, "base64url") },
			]),
		);
		this.#loadedAtMs = performance.now();
	}
}

/** Gives a service the key ring, loaded before it starts. */
export const keyring = (): Partial<ServiceSchema> => ({
	dependencies: ["auth"],
	async started() {
		this.keyring = new Keyring(() => call(this.broker, "auth.keyring", {}));
		await this.keyring.reload();
	},
});

export const keyringOf = (service: Service): Keyring => (service as Service & { keyring: Keyring }).keyring;
