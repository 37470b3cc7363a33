import { join } from "node:path";
import type { Documents } from "../../mixins/database.ts";
import { JWKS_CACHE_S } from "../../mixins/keyring.ts";
import { lastingSecretAt } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";
import { fail } from "../errors.ts";
import { addKey, KEPT_MS, type KeyDocument, type KeyStore, loadKeys, type SigningKey } from "./key-ring.ts";
import { sealingKeyFrom } from "./sealing.ts";
import type { RefreshKeys } from "./session.ts";

/** How often a process looks for keys that others made, and whether it is time for a new one. */
const LOOK_MS = 60_000;
/** Before a key signs, whoever verifies must have heard of it: processes by the next look, everybody else when the JWKS is stale. */
export const ROTATION_MIN_MS = LOOK_MS + JWKS_CACHE_S * 1_000;
/** So many are kept and published at most: a payment code has one byte to tell them apart. */
const KEYS_MAX = 100;
const DAY_MS = 86_400_000;

type Options = {
	readonly documents: Documents<KeyDocument>;
	readonly settings: Pick<Settings, "keySecret" | "dataDir" | "keyRotationDays">;
	/** Tells all processes that there is a new key. */
	readonly rotated: () => void;
	/** Hears of what went wrong while nobody was waiting. */
	readonly failed: (error: unknown) => void;
};

/**
 * The keys that this process signs with, which follow those that all processes share. They need not agree on a moment: a process that
 * has not heard of a rotation signs with a key that is still good, and all know the key that takes its place.
 */
export class SigningKeys {
	readonly #options: Options;
	readonly #store: KeyStore;
	readonly #timer: NodeJS.Timeout;
	#keys: readonly SigningKey[];

	private constructor(options: Options, { store, keys }: { store: KeyStore; keys: readonly SigningKey[] }) {
		this.#options = options;
		this.#store = store;
		this.#keys = keys;
		this.#timer = setInterval(() => this.look(Date.now()).catch(options.failed), LOOK_MS).unref();
	}

	/** @throws when the secret is missing, or does not open the keys; then nothing was changed */
	static async start(options: Options): Promise<SigningKeys> {
		const { documents, settings } = options;
		// Never in the database: who gets hold of that alone, in a backup, has no keys then.
		const path = join(settings.dataDir, "keys.secret");
		const { secret, source } = lastingSecretAt(
			{ setting: "KEY_SECRET", given: settings.keySecret, path },
			{ isInUse: (await documents.count()) > 0, without: "the signing keys cannot be opened" },
		);
		const store = { documents, sealingKey: sealingKeyFrom(secret), source };
		return new SigningKeys(options, { store, keys: await loadKeys(store, Date.now()) });
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	/** Oldest first. */
	get all(): readonly SigningKey[] {
		return this.#keys;
	}

	/** What signs. */
	get active(): SigningKey {
		return this.#keys.at(-2) as SigningKey;
	}

	/** What derives refresh tokens: also a key that began to sign in another process before this one heard of it. */
	get refreshKeys(): RefreshKeys {
		const secretOf = async (kid: string): Promise<Buffer> => {
			if (!this.#find(kid)) await this.reload(Date.now());
			return this.#find(kid)?.refreshKey ?? Promise.reject(fail("service_unavailable"));
		};
		return { kid: this.active.kid, secretOf };
	}

	#find(kid: string): SigningKey | undefined {
		return this.#keys.find((key) => key.kid === kid);
	}

	async reload(nowMs: number): Promise<void> {
		this.#keys = await loadKeys(this.#store, nowMs);
	}

	/** Reloads, and rotates if it is time. */
	async look(nowMs: number): Promise<void> {
		await this.reload(nowMs);
		const { createdAtMs } = this.#keys.at(-1) as SigningKey;
		if (nowMs >= createdAtMs + this.#options.settings.keyRotationDays * DAY_MS) await this.#add(nowMs);
	}

	/**
	 * Makes a new `next`; the one until now becomes `active`. Of several processes that do it at once, one does.
	 *
	 * @throws keys_rotated_recently
	 */
	async rotate(nowMs: number): Promise<void> {
		await this.reload(nowMs);
		const waitMs = this.#possibleFromMs() - nowMs;
		if (waitMs > 0) throw fail("keys_rotated_recently", undefined, { retryAfterS: Math.ceil(waitMs / 1_000) });
		await this.#add(nowMs);
	}

	#possibleFromMs(): number {
		const { kid, createdAtMs } = this.#keys.at(-1) as SigningKey;
		// The first two are made together: whoever knows one knows the other.
		const heardOfMs = kid === "2" ? 0 : createdAtMs + ROTATION_MIN_MS;
		const third = this.#keys.length < KEYS_MAX ? undefined : this.#keys[2];
		return Math.max(heardOfMs, third ? third.createdAtMs + KEPT_MS : 0);
	}

	/** Nothing may be awaited between the decision and this: both must be about the same keys. */
	async #add(nowMs: number): Promise<void> {
		await addKey(this.#store, this.#keys, nowMs);
		await this.reload(nowMs);
		this.#options.rotated();
	}
}
