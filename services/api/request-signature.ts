import { hash, type KeyObject } from "node:crypto";
import { type Dictionary, parseDictionary, serializeDictionary } from "structured-headers";
import { isSignedEs256 } from "../../mixins/es256.ts";
import { type Components, signatureBase, TILL_TAG } from "./signature-base.ts";

/** A signature is about now, on both sides of the server's clock. */
export const SKEW_MAX_S = 60;

export const NONCE = /^[A-Za-z0-9_-]{16,64}$/;
const KEY_ID = /^[A-Za-z0-9_-]{1,64}$/;
const PARAMETERS = new Set(["created", "expires", "nonce", "keyid", "tag", "alg"]);
const HEADER_CHARS_MAX = 1_000;

// As much of RFC 9651 as a signature of ours needs, each only as its 4.1 writes it: else the last of two would count, 1.0 be the integer 1, and
// one signature many texts. A reader of all of it took as long as a third of the check of the signature itself.
const LABEL = "[a-z*][a-z0-9_.*-]*";
/** A text that needs no escapes, or an integer. */
const VALUE = '"[ !#-\\[\\]-~]*"|-?[0-9]{1,15}';
const INPUT = new RegExp(`^(${LABEL})=(\\(((?:"[a-z@-]+"(?: (?!\\)))?)*)\\)((?:;${LABEL}=(?:${VALUE}))*))$`);
const PARAMETER = new RegExp(`;(${LABEL})=(?:"([^"]*)"|([^;]*))`, "g");
const SIGNATURE = new RegExp(`^(${LABEL})=:([A-Za-z0-9+/]{86}==):$`);

export type SignedRequest = {
	readonly method: string;
	/** The address that was asked, as the platform names it, with the query: never from Host. */
	readonly uri: string;
	/** Names and values in turn, as they came: a header that is there twice must be seen. */
	readonly rawHeaders: readonly string[];
	readonly body: Buffer;
	readonly nowMs: number;
};

export type Signature = {
	readonly keyId: string;
	readonly nonce: string;
	isBy(publicKey: KeyObject): Promise<boolean>;
};

/**
 * Reads the signature of a request (RFC 9421), in the one form that tills use: ES256 over method, address, token, idempotency key and
 * content (RFC 9530) as far as they are there, with a nonce and the time. More than one signature, other components or other parameters
 * are refused: what is covered must not be for the sender to choose.
 *
 * @returns nothing if anything is wrong but the signature itself, which `isBy` checks; what it was is for nobody to know
 */
export function readSignature({ rawHeaders, body, nowMs, ...request }: SignedRequest): Signature | undefined {
	const headers = headersOf(rawHeaders);
	const [, label, input, names, said] = INPUT.exec(onlyLine(headers, "signature-input")) ?? [];
	const [, signedLabel, text = ""] = SIGNATURE.exec(onlyLine(headers, "signature")) ?? [];
	const bytes = Buffer.from(text, "base64");
	if (input === undefined || label !== signedLabel || bytes.toString("base64") !== text) return undefined;
	const values = valuesOf({ ...request, headers, body });
	const covered = names?.split(" ").map((name) => name.slice(1, -1)) ?? [];
	if (!values || !isExactly(covered, values)) return undefined;
	const parameters = parametersIn(said, nowMs);
	if (!parameters) return undefined;
	const base = Buffer.from(signatureBase(covered, values, input));
	return { ...parameters, isBy: async (key) => isP256(key) && (await isSignedEs256(base, key, bytes)) };
}

/** Nothing that can be read, if there is none, or more than one. */
function onlyLine(headers: Headers, name: string): string {
	const [line = "", ...more] = headers.get(name) ?? [];
	return more.length > 0 || line.length > HEADER_CHARS_MAX ? "" : line;
}

/** There are keys that cannot sign like this at all: asking whether they did would throw. */
const isP256 = ({ asymmetricKeyDetails }: KeyObject): boolean => asymmetricKeyDetails?.namedCurve === "prime256v1";

type Headers = ReadonlyMap<string, readonly string[]>;

function headersOf(rawHeaders: readonly string[]): Headers {
	const found = new Map<string, string[]>();
	for (let index = 0; index < rawHeaders.length; index += 2) {
		const name = String(rawHeaders[index]).toLowerCase();
		const values = found.get(name) ?? [];
		values.push(String(rawHeaders[index + 1]));
		found.set(name, values);
	}
	return found;
}

type Covered = { readonly method: string; readonly uri: string; readonly headers: Headers; readonly body: Buffer };

/** Everything that has to be covered, with its value; nothing if the content is not what its digest says. */
function valuesOf({ method, uri, headers, body }: Covered): Components | undefined {
	// A target with a host of its own or with dots for steps up is not the same address to everybody who reads it.
	if (URL.parse(uri)?.href !== uri) return undefined;
	const values = new Map([
		["@method", method],
		["@target-uri", uri],
	]);
	// The digest is of the content as it was sent; ours is unpacked already. Tills have no need to pack.
	if (headers.has("content-encoding")) return undefined;
	for (const name of ["authorization", "idempotency-key", "content-digest"]) {
		const [value, ...more] = headers.get(name) ?? [];
		if (more.length > 0) return undefined;
		if (value !== undefined) values.set(name, value);
	}
	const digest = values.get("content-digest");
	if (digest === undefined) return body.length === 0 ? values : undefined;
	return body.length > 0 && isDigestOf(digest, body) ? values : undefined;
}

function isDigestOf(header: string, body: Buffer): boolean {
	const digest = hash("sha256", body, "buffer");
	if (header === `sha-256=:${digest.toString("base64")}:`) return true;
	// There may be others beside it.
	const [value] = dictionaryIn(header)?.get("sha-256") ?? [];
	return value instanceof ArrayBuffer && Buffer.from(value).equals(digest);
}

/** Only what is written as RFC 9651 4.1 writes it. */
function dictionaryIn(line: string): Dictionary | undefined {
	if (line.length > HEADER_CHARS_MAX) return undefined;
	try {
		const dictionary = parseDictionary(line);
		return serializeDictionary(dictionary) === line ? dictionary : undefined;
	} catch {
		return undefined;
	}
}

const isExactly = (names: readonly string[], values: Components): boolean =>
	names.length === values.size && new Set(names).size === names.length && names.every((name) => values.has(name));

function parametersIn(text = "", nowMs: number): { keyId: string; nonce: string } | undefined {
	const said = new Map<string, string | number>();
	for (const [, name = "", string, integer = ""] of text.matchAll(PARAMETER)) {
		const value = string ?? Number(integer);
		if (!PARAMETERS.has(name) || said.has(name) || (string === undefined && String(value) !== integer))
			return undefined;
		said.set(name, value);
	}
	const {
		created,
		expires = Number.MAX_SAFE_INTEGER,
		nonce,
		keyid,
		tag,
		alg = "ecdsa-p256-sha256",
	} = Object.fromEntries(said);
	const nowS = Math.floor(nowMs / 1_000);
	const isNow = Number.isSafeInteger(created) && Math.abs(nowS - Number(created)) <= SKEW_MAX_S;
	const isOver = !Number.isSafeInteger(expires) || Number(expires) < nowS;
	if (!isNow || isOver || tag !== TILL_TAG || alg !== "ecdsa-p256-sha256") return undefined;
	if (typeof nonce !== "string" || !NONCE.test(nonce) || typeof keyid !== "string" || !KEY_ID.test(keyid))
		return undefined;
	return { keyId: keyid, nonce };
}
