import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { Documents } from "../../mixins/database.ts";
import type { Result } from "../actions.ts";

/** One generation of secrets. The key id is the document's. */
export type KeyDocument = {
	readonly _id: string;
	/** PKCS #8 in PEM. */
	readonly privateKey: string;
	readonly publicJwk: { readonly x: string; readonly y: string };
	/** Hides wallet ids in payment codes. */
	readonly handleKey: string;
	/** Derives a refresh token's successor. */
	readonly refreshKey: string;
	readonly createdAtMs: number;
};

export type SigningKey = {
	readonly kid: string;
	readonly privateKey: KeyObject;
	readonly publicJwk: Result<"auth.jwks">["keys"][number];
	readonly handleKey: Buffer;
	readonly refreshKey: Buffer;
};

/** The signing keys, newest last; the first process that ever starts makes the first one. */
export async function loadKeys(keys: Documents<KeyDocument>): Promise<SigningKey[]> {
	if ((await keys.count()) === 0) await makeKey(keys, "1");
	return (await keys.find({ sort: "createdAtMs" })).map(toSigningKey);
}

async function makeKey(keys: Documents<KeyDocument>, kid: string): Promise<void> {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const { x, y } = publicKey.export({ format: "jwk" });
	const document = {
		_id: kid,
		privateKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
		publicJwk: { x: String(x), y: String(y) },
		handleKey: randomBytes(32).toString("base64url"),
		refreshKey: randomBytes(32).toString("base64url"),
		createdAtMs: Date.now(),
	};
	await keys.insert(document).catch((error: unknown) => {
		// Another process was faster: its key is as good.
		if ((error as { type?: unknown }).type !== "DUPLICATE_KEY") throw error;
	});
}

const toSigningKey = ({ _id: kid, privateKey, publicJwk, handleKey, refreshKey }: KeyDocument): SigningKey => ({
	kid,
	privateKey: createPrivateKey(privateKey),
	publicJwk: { kty: "EC", crv: "P-256", ...publicJwk, kid, use: "sig", alg: "ES256" },
	handleKey: Buffer.from(handleKey, "base64url"),
	refreshKey: Buffer.from(refreshKey, "base64url"),
});
