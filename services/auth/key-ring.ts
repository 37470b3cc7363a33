import {
	createPrivateKey,
	createPublicKey,
	createSecretKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
} from "node:crypto";
import type { Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import { TILL_TTL_S } from "../../mixins/keyring.ts";
import type { Result } from "../actions.ts";
import { seal, unseal } from "./sealing.ts";

/** One generation of secrets. The key id is the document's: 1, 2, …, without gaps. */
export type KeyDocument = {
	readonly _id: string;
	/** The secrets, under a key that is not kept here, see `sealing.ts`. The public half follows from them, so that nobody can swap it. */
	readonly sealed: string;
	readonly createdAtMs: number;
};

type Secrets = {
	/** PKCS #8 in PEM. */
	readonly privateKey: string;
	/** Hides wallet ids in payment codes. 32 bytes as base64url. */
	readonly handleKey: string;
	/** Derives a refresh token's successor. 32 bytes as base64url. */
	readonly refreshKey: string;
};

/**
 * Follows from the order alone, so that nothing has to be written when it changes: the newest is `next` (published, signs nothing yet),
 * the one before is `active`, all older ones are `previous` and only verify.
 */
export type KeyState = Result<"auth.rotateKeys">["keys"][number]["state"];

export type SigningKey = {
	readonly kid: string;
	readonly state: KeyState;
	readonly privateKey: KeyObject;
	readonly publicJwk: Result<"auth.jwks">["keys"][number];
	readonly handleKey: KeyObject;
	readonly refreshKey: Buffer;
	readonly createdAtMs: number;
	/** Since when it does not sign any more: it stopped when the key was made that comes two after it. */
	readonly retiredAtMs?: number;
};

/** Where keys are, and what opens them. `source` is what that secret is called. */
export type KeyStore = {
	readonly documents: Documents<KeyDocument>;
	readonly sealingKey: KeyObject;
	readonly source: string;
};

/** A key that does not sign any more is kept for as long as the longest token that it signed, and for a process that heard of it late. */
export const KEPT_MS = TILL_TTL_S * 1_000 + 3_600_000;

/**
 * The signing keys, oldest first; where there are none, the first two are made. Those that nobody can need any more are removed.
 *
 * @throws when the secret does not open them; then nothing was changed
 */
export async function loadKeys(store: KeyStore, nowMs: number): Promise<readonly SigningKey[]> {
	let keys = await openKeys(store);
	while (keys.length < 2) {
		await makeKey(store, { kid: kidAfter(keys), nowMs });
		keys = await openKeys(store);
	}
	const over = keys.filter(({ retiredAtMs }) => nowMs >= (retiredAtMs ?? Number.POSITIVE_INFINITY) + KEPT_MS);
	for (const { kid } of over) await store.documents.removeById(kid);
	return keys.filter((key) => !over.includes(key));
}

/**
 * Makes the key that comes after these. Several processes that do it at once make the same one.
 *
 * @param keys as they were read when it was decided to make one
 */
export async function addKey(store: KeyStore, keys: readonly SigningKey[], nowMs: number): Promise<void> {
	await makeKey(store, { kid: kidAfter(keys), nowMs });
}

async function openKeys({ documents, sealingKey, source }: KeyStore): Promise<SigningKey[]> {
	const found = (await documents.find()).sort((left, right) => Number(left._id) - Number(right._id));
	return found.map((document, index) => {
		const text = unseal(document.sealed, { key: sealingKey, name: document._id });
		if (text === undefined)
			throw new Error(
				`${source} does not open the signing keys: it is not the secret that they were sealed with. Nothing was changed.`,
			);
		const retiredAtMs = found[index + 2]?.createdAtMs;
		const key = toSigningKey(document, { secrets: JSON.parse(text) as Secrets, state: stateAt(found.length - index) });
		return { ...key, ...(retiredAtMs !== undefined && { retiredAtMs }) };
	});
}

const stateAt = (placeFromEnd: number): KeyState =>
	placeFromEnd === 1 ? "next" : placeFromEnd === 2 ? "active" : "previous";

const kidAfter = (keys: readonly SigningKey[]): string => String(Number(keys.at(-1)?.kid ?? 0) + 1);

async function makeKey({ documents, sealingKey }: KeyStore, { kid, nowMs }: { kid: string; nowMs: number }) {
	const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const secrets: Secrets = {
		privateKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
		handleKey: randomBytes(32).toString("base64url"),
		refreshKey: randomBytes(32).toString("base64url"),
	};
	const sealed = seal(JSON.stringify(secrets), { key: sealingKey, name: kid });
	await documents.insert({ _id: kid, sealed, createdAtMs: nowMs }).catch((error: unknown) => {
		// Another process was faster: its key is as good.
		if (!isDuplicateKey(error)) throw error;
	});
}

type Opened = { readonly secrets: Secrets; readonly state: KeyState };

function toSigningKey({ _id: kid, createdAtMs }: KeyDocument, { secrets, state }: Opened): SigningKey {
	const privateKey = createPrivateKey(secrets.privateKey);
	const { x, y } = createPublicKey(privateKey).export({ format: "jwk" });
	return {
		kid,
		state,
		privateKey,
		publicJwk: { kty: "EC", crv: "P-256", x: String(x), y: String(y), kid, use: "sig", alg: "ES256" },
		handleKey: createSecretKey(secrets.handleKey, "base64url"),
		refreshKey: Buffer.from(secrets.refreshKey, "base64url"),
		createdAtMs,
	};
}
