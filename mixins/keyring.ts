import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";
import type { Service, ServiceSchema } from "moleculer";
import { call, type Result } from "../services/actions.ts";
import { fail } from "../services/errors.ts";
import { CODE_AHEAD_MAX_S, CODE_TTL_MAX_S, type CodeClaims, openCode } from "./payment-code.ts";

/** How long anybody may keep the public keys. */
export const JWKS_CACHE_S = 300;
/** How long an access token lives. */
export const ACCESS_TTL_S = 300;
/** A till is at work for a day; it is its registration that can be ended at once. */
export const TILL_TTL_S = 12 * 3_600;

/** A process of `auth` may sign with a key that was rotated away until it hears of it, and clocks differ. */
const HEARD_LATE_MS = 300_000;

/** How long anything is good that is made with one of `secrets`. */
const SECRET_TTL_S = 120;

type TokenKind = { readonly typ: string; readonly audience: string; readonly ttlS: number };
/** Every kind of token has its own type and audience, so that none passes for another (RFC 8725 3.11). */
export const ACCESS: TokenKind = { typ: "at+jwt", audience: "hannip:public", ttlS: ACCESS_TTL_S };
export const TILL: TokenKind = { typ: "till+jwt", audience: "hannip:till", ttlS: TILL_TTL_S };

/** What tokens say. `jkt` is the thumbprint of the key that the bearer must prove to have (`cnf`, RFC 7800). */
export type PersonToken = {
	readonly userId: string;
	readonly sessionId: string;
	readonly jkt: string;
	readonly expiresAtMs: number;
};
export type TillToken = { readonly tillId: string; readonly storeId: string; readonly jkt: string };

type TokenClaims = {
	readonly kid: string;
	readonly typ: string;
	readonly sub?: string;
	readonly sid?: string;
	readonly store?: string;
	readonly jkt?: string;
	readonly expiresAtMs: number;
};

const TOKEN_CHARS_MAX = 2_000;
const TOKENS_MAX = 10_000;

const textsOf = (claims: Record<string, unknown>): Record<string, string> =>
	Object.fromEntries(Object.entries(claims).filter((claim): claim is [string, string] => typeof claim[1] === "string"));

type Key = {
	readonly state: Result<"auth.keyring">["keys"][number]["state"];
	readonly retiredAtMs: number | undefined;
	readonly publicKey: KeyObject;
	/** What all verifiers know and nobody else does. */
	readonly handleKey: KeyObject;
};

/** Whether what a key signed can still be in use. Later, whoever has a key that was rotated away could only have forged it. */
const isInTime = ({ retiredAtMs }: Key, lifeS: number): boolean =>
	retiredAtMs === undefined || Date.now() < retiredAtMs + lifeS * 1_000 + HEARD_LATE_MS;

/** A key id that we do not know may be a new one, or made up: ask for the ring again, but not for every request. */
const RELOAD_INTERVAL_MS = 5_000;
/** New keys are told; this is for what was not heard. */
const LOOK_MS = 60_000;

/** Verifies access tokens and payment codes with the public keys of the `auth` service, which are kept here: no call on the way. */
export class Keyring {
	readonly #load: () => Promise<Result<"auth.keyring">>;
	#keys = new Map<string, Key>();
	#secrets: readonly KeyObject[] = [];
	readonly #tokens = new LRUCache<string, TokenClaims>({ max: TOKENS_MAX });
	#askedAtMs = Number.NEGATIVE_INFINITY;
	#loading: Promise<void> | null = null;

	constructor(load: () => Promise<Result<"auth.keyring">>) {
		this.#load = load;
	}

	/**
	 * Whose wallet an access token is for, or nothing if it is not one of ours, or is for something else.
	 *
	 * @throws unauthenticated, with the reason, when it was right and has ended: whoever has it can read that in it
	 */
	async readAccessToken(token: string, issuer: string): Promise<PersonToken | undefined> {
		const { sub, sid, jkt, expiresAtMs = 0 } = (await this.#claimsOf(token, { issuer, ...ACCESS })) ?? {};
		return sub && sid && jkt ? { userId: sub, sessionId: sid, jkt, expiresAtMs } : undefined;
	}

	/** The same for the token of a till. */
	async readTillToken(token: string, issuer: string): Promise<TillToken | undefined> {
		const { sub, store, jkt } = (await this.#claimsOf(token, { issuer, ...TILL })) ?? {};
		return sub && store && jkt ? { tillId: sub, storeId: store, jkt } : undefined;
	}

	/** A token is sent with each request of some minutes: what was found right stays right until it, or its key, ends. */
	async #claimsOf(token: string, kind: TokenKind & { issuer: string }): Promise<TokenClaims | undefined> {
		if (token.length > TOKEN_CHARS_MAX) return undefined;
		const known = this.#tokens.get(token);
		const claims = known?.typ === kind.typ ? known : await this.#verify(token, kind);
		if (!claims) return undefined;
		const key = this.#keys.get(claims.kid);
		if (!key || !isInTime(key, kind.ttlS)) return undefined;
		if (claims.expiresAtMs <= Date.now()) throw fail("unauthenticated", undefined, { hasExpired: true });
		this.#tokens.set(token, claims);
		return claims;
	}

	async #verify(token: string, { typ, audience, issuer }: TokenKind & { issuer: string }) {
		const kid = kidIn(token);
		if (typeof kid !== "string") return undefined;
		const key = await this.#key((id) => id === kid);
		if (!key) return undefined;
		try {
			const options: jwt.VerifyOptions & { complete: true } = {
				algorithms: ["ES256"],
				audience,
				issuer,
				complete: true,
				// Whether it has ended is asked of those that are right otherwise, see `#claimsOf`.
				ignoreExpiration: true,
			};
			const { header, payload } = jwt.verify(token, key.publicKey, options);
			if (header.typ !== typ || typeof payload === "string") return undefined;
			const { sub, sid, store, exp, cnf } = payload;
			// The library takes a token that does not say when it ends.
			if (typeof exp !== "number") return undefined;
			return { kid, typ, ...textsOf({ sub, sid, store, jkt: cnf?.jkt }), expiresAtMs: exp * 1_000 };
		} catch {
			return undefined;
		}
	}

	/**
	 * What all verifiers know and nobody else does, one for each key: for what one process makes and another one checks. The first is the
	 * active key's: a process that has not heard of the newest one knows it too.
	 */
	get secrets(): readonly KeyObject[] {
		return this.#secrets;
	}

	/** What a payment code says, or nothing if we did not sign it. */
	readCode(code: string): Promise<CodeClaims | undefined> {
		return openCode(code, async (kid) => {
			const key = await this.#key((id) => (Number(id) & 0xff) === kid);
			return key && isInTime(key, CODE_AHEAD_MAX_S + CODE_TTL_MAX_S) ? key : undefined;
		});
	}

	async #key(matches: (kid: string) => boolean): Promise<Key | undefined> {
		if (!this.#find(matches)) await this.reload();
		return this.#find(matches);
	}

	#find(matches: (kid: string) => boolean): Key | undefined {
		for (const [kid, key] of this.#keys) if (matches(kid)) return key;
		return undefined;
	}

	/** Once for all who ask meanwhile, and not again for some seconds, whether it succeeded or not. */
	async reload(): Promise<void> {
		if (this.#loading) return this.#loading;
		if (performance.now() - this.#askedAtMs < RELOAD_INTERVAL_MS) return;
		await this.refresh();
	}

	/** At once, also if it was done a moment ago: then there was another key less. */
	refresh(): Promise<void> {
		this.#askedAtMs = performance.now();
		const loading = this.#read().finally(() => {
			if (this.#loading === loading) this.#loading = null;
		});
		this.#loading = loading;
		return loading;
	}

	async #read(): Promise<void> {
		const { keys } = await this.#load();
		this.#keys = new Map(
			keys.map(({ kid, state, retiredAtMs, jwk, handleKey }) => {
				const publicKey = createPublicKey({ key: jwk, format: "jwk" });
				return [kid, { state, retiredAtMs, publicKey, handleKey: createSecretKey(handleKey, "base64url") }];
			}),
		);
		const all = [...this.#keys.values()].filter((key) => isInTime(key, SECRET_TTL_S));
		const active = all.filter(({ state }) => state === "active");
		this.#secrets = [...new Set([...active, ...all])].map(({ handleKey }) => handleKey);
	}
}

/** Gives a service the key ring, loaded before it starts and followed from then on. */
export const keyring = (): Partial<ServiceSchema> => ({
	dependencies: ["auth"],
	events: {
		"auth.keysRotated"(this: Service) {
			return follow(this);
		},
	},
	async started() {
		this.keyring = new Keyring(() => call(this.broker, "auth.keyring", {}));
		await this.keyring.reload();
		this.keyringTimer = setInterval(() => follow(this as unknown as Service), LOOK_MS).unref();
	},
	async stopped() {
		clearInterval(this.keyringTimer);
	},
});

/** Whoever does not hear of a key when it is made has another minute and more until it signs. */
const follow = (service: Service): Promise<void> =>
	keyringOf(service)
		.refresh()
		.catch((error: unknown) => service.logger.warn("The key ring could not be followed.", error));

export const keyringOf = (service: Service): Keyring => (service as Service & { keyring: Keyring }).keyring;

/** What the token itself says; it may be anything. */
function kidIn(token: string): unknown {
	try {
		return jwt.decode(token, { complete: true })?.header.kid;
	} catch {
		// The library reads the payload as well, and throws where that is not JSON.
		return undefined;
	}
}
