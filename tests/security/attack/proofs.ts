import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import type { Answer } from "../../api/contract.ts";
import { type Attack, es256, type Shape, type World } from "./world.ts";

// What a proof may look like that is none (RFC 9449, 4.3). The sender has the right token and the right key: only the proof is wrong.

const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed25519 = generateKeyPairSync("ed25519");
const jwkOf = ({ publicKey }: { publicKey: KeyObject }): object => publicKey.export({ format: "jwk" });
const nowS = () => Math.floor(Date.now() / 1_000);

/** One charge with a proof of this shape. */
const shaped = (name: string, shape: (world: World) => Shape): Attack => ({
	name,
	refusals: ["unauthenticated"],
	run: async (world) => [await world.phone.charge(shape(world))],
});

const claim = (
	name: string,
	values: readonly unknown[],
	refusals: Attack["refusals"] = ["unauthenticated"],
): Attack[] =>
	values.map((value) => ({
		name: `proof: ${name} is ${value === undefined ? "missing" : JSON.stringify(value).slice(0, 60)}`,
		refusals,
		run: async ({ phone }) => [await phone.charge({ claims: { [name]: value } })],
	}));

const jwk = (name: string, of: (right: Record<string, string>) => unknown): Attack =>
	shaped(`proof: jwk ${name}`, ({ phone }) => ({ header: { jwk: of(phone.jwk as Record<string, string>) } }));

const algorithm = (alg: string, shape: (world: World) => Shape): Attack =>
	shaped(`proof: alg ${alg}`, (world) => {
		const { header, ...rest } = shape(world);
		return { ...rest, header: { alg, ...header } };
	});

const raw = (name: string, change: (proof: string) => unknown): Attack => ({
	name: `proof: ${name}`,
	refusals: ["unauthenticated", "headers_too_large"],
	run: async ({ phone }) => {
		const wire = { method: "POST", path: "/v1/me/charges" };
		return [await phone.send(wire, { dpop: change(phone.proof(wire)) as string })];
	},
});

const flipped = (text: string): string => (text.startsWith("A") ? "B" : "A") + text.slice(1);
const part = (proof: string, index: number, change: (part: string) => string): string =>
	proof
		.split(".")
		.with(index, change(proof.split(".")[index] ?? ""))
		.join(".");

const htu = (name: string, of: (right: string) => unknown): Attack =>
	shaped(`proof: htu ${name}`, ({ anyone }) => ({ claims: { htu: of(`${anyone.origin}/v1/me/charges`) } }));

/** @returns the answers but the one success that there must be */
async function onceOnly(answers: Promise<readonly Answer[]>): Promise<readonly Answer[]> {
	const all = await answers;
	const successes = all.filter(({ status }) => status < 400);
	if (successes.length !== 1) return successes;
	return all.filter(({ status }) => status >= 400);
}

export const proofAttacks: readonly Attack[] = [
	algorithm("none", () => ({ signature: () => "" })),
	algorithm("None", () => ({ signature: () => "A".repeat(86) })),
	algorithm("HS256", ({ phone }) => ({
		signature: (signed) => createHmac("sha256", JSON.stringify(phone.jwk)).update(signed).digest("base64url"),
	})),
	algorithm("RS256", () => ({
		header: { jwk: jwkOf(rsa) },
		signature: (signed) => sign("sha256", Buffer.from(signed), rsa.privateKey).toString("base64url"),
	})),
	algorithm("ES384", () => ({
		header: { jwk: jwkOf(p384) },
		signature: (signed) =>
			sign("sha384", Buffer.from(signed), { key: p384.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url"),
	})),
	algorithm("EdDSA", () => ({
		header: { jwk: jwkOf(ed25519) },
		signature: (signed) => sign(null, Buffer.from(signed), ed25519.privateKey).toString("base64url"),
	})),
	algorithm("es256", () => ({})),
	shaped("proof: by another key, which is in it", () => ({ header: { jwk: jwkOf(other) }, key: other.privateKey })),
	shaped("proof: by another key than it says", () => ({ key: other.privateKey })),
	shaped("proof: says another key than it is by", () => ({ header: { jwk: jwkOf(other) } })),
	jwk("with the private half", (right) => ({ ...right, d: "A".repeat(43) })),
	jwk("off the curve", (right) => ({ ...right, x: flipped(String(right.x)) })),
	jwk("of a curve it is not on", (right) => ({ ...right, crv: "P-384" })),
	jwk("of the curve of coins", (right) => ({ ...right, crv: "secp256k1" })),
	jwk("of octets", () => ({ kty: "oct", k: "AAAA" })),
	jwk("that is null", () => null),
	jwk("that is a text", (right) => JSON.stringify(right)),
	jwk("that is a list", (right) => [right]),
	jwk("with a padded coordinate", (right) => ({ ...right, x: `${right.x}=` })),
	jwk("with a short coordinate", (right) => ({ ...right, x: String(right.x).slice(2) })),
	jwk("with a number for a coordinate", (right) => ({ ...right, x: 7 })),
	shaped("proof: without jwk", () => ({ header: { jwk: undefined } })),
	...["JWT", "at+jwt", "DPOP+JWT", "dpop", "", undefined, 1, ["dpop+jwt"]].map((typ) =>
		shaped(`proof: typ ${JSON.stringify(typ)}`, () => ({ header: { typ } })),
	),
	shaped("proof: with something critical", () => ({ header: { crit: ["b64"], b64: false } })),
	...claim("htm", ["GET", "post", "Post", "PUT", "", undefined, 1, ["POST"]]),
	htu("of another path", (right) => right.replace("charges", "transfers")),
	htu("of a longer path", (right) => `${right}/x`),
	htu("of another host", (right) => right.replace("://", "://evil.")),
	htu("of another scheme", (right) =>
		right.startsWith("https") ? right.replace("https", "http") : right.replace("http", "https"),
	),
	htu("with a query", (right) => `${right}?amount=1`),
	htu("with a fragment", (right) => `${right}#x`),
	htu("with dot segments", (right) => right.replace("/v1/", "/v1/x/../")),
	htu("with an encoded dot segment", (right) => right.replace("/v1/", "/v1/%2e/")),
	htu("with an encoded letter", (right) => right.replace("/me/", "/%6de/")),
	htu("with a trailing slash", (right) => `${right}/`),
	htu("with a double slash", (right) => right.replace("/v1/", "//v1/")),
	htu("with an upper-case scheme and host", (right) =>
		right.replace(/^[^/]+:\/\/[^/]+/, (origin) => origin.toUpperCase()),
	),
	htu("with an upper-case path", (right) => right.replace("charges", "Charges")),
	htu("with an explicit port", (right) => right.replace(/(:\/\/[^/:]+)(:\d+)?/, "$1:80")),
	htu("with a user", (right) => right.replace("://", "://eve@")),
	htu("with a space", (right) => ` ${right}`),
	htu("that is relative", () => "/v1/me/charges"),
	...claim("htu", ["", undefined, 1, null, {}]),
	...claim("iat", [
		nowS() - 600,
		nowS() + 600,
		nowS() - 120,
		nowS() + 60,
		nowS() + 0.5,
		String(nowS()),
		undefined,
		null,
		1e20,
		-1,
		0,
		nowS() * 1_000,
	]),
	...claim("jti", ["", undefined, null, 1, {}, ["x"], "x".repeat(129)]),
	...claim("ath", [undefined, "", null, 1, "A".repeat(43)]),
	shaped("proof: ath of a padded hash", ({ phone }) => ({
		claims: {
			ath: `${JSON.parse(Buffer.from(phone.proof({ method: "GET", path: "/" }).split(".")[1] ?? "", "base64url").toString()).ath}=`,
		},
	})),
	...claim("nonce", [undefined, "", "x", "A".repeat(30)], ["dpop_nonce_required", "unauthenticated"]),
	...claim("nonce", [1, null, {}], ["unauthenticated"]),
	{
		name: "proof: nonce of ours with the time moved on",
		refusals: ["dpop_nonce_required"],
		run: async ({ phone }) => {
			const bytes = Buffer.from(phone.nonce, "base64url");
			bytes.writeUIntBE(Date.now() + 1_000, 0, 6);
			return [await phone.charge({ claims: { nonce: bytes.toString("base64url") } })];
		},
	},
	raw("empty", () => ""),
	raw("without a signature", (proof) => proof.split(".").slice(0, 2).join(".")),
	raw("with a fourth part", (proof) => `${proof}.x`),
	raw("padded", (proof) => `${proof}==`),
	raw("with a space in it", (proof) => proof.replace(".", ". ")),
	raw("in plain base64", (proof) =>
		part(proof, 2, (text) => text.replaceAll("-", "+").replaceAll("_", "/").replace(/^./, "+")),
	),
	raw("with one bit of its signature changed", (proof) => part(proof, 2, flipped)),
	raw("with one bit of its claims changed", (proof) => part(proof, 1, flipped)),
	raw("with half of its signature", (proof) => part(proof, 2, (text) => text.slice(0, 43))),
	raw("of 10 kB", (proof) => part(proof, 1, (text) => text.repeat(20))),
	raw("that is no JSON", () => "e30x.e30x.e30x"),
	raw("twice in one header", (proof) => `${proof}, ${proof}`),
	raw("in two headers", (proof) => [proof, proof]),
	{
		name: "proof: with a claim said twice",
		refusals: ["unauthenticated"],
		run: async ({ phone }) => {
			const wire = { method: "POST", path: "/v1/me/charges" };
			const [head = "", claims = ""] = phone.proof(wire).split(".");
			const text = Buffer.from(claims, "base64url").toString().replace("{", '{"htm":"GET",');
			const signed = `${head}.${Buffer.from(text).toString("base64url")}`;
			return [await phone.send(wire, { dpop: `${signed}.${es256(signed, phone.key)}` })];
		},
	},
	{
		name: "proof: used again",
		refusals: ["unauthenticated"],
		run: async ({ phone }) => {
			const wire = { method: "GET", path: "/v1/me" };
			const dpop = phone.proof(wire);
			return onceOnly(Promise.all([await phone.send(wire, { dpop }), await phone.send(wire, { dpop })]));
		},
	},
	{
		name: "proof: used 64 times at once",
		refusals: ["unauthenticated"],
		run: async ({ phone }) => {
			const wire = { method: "GET", path: "/v1/me" };
			const dpop = phone.proof(wire);
			return onceOnly(Promise.all(Array.from({ length: 64 }, () => phone.send(wire, { dpop }))));
		},
	},
	{
		name: "proof: used again with the signature's twin (r, n - s)",
		refusals: ["unauthenticated"],
		run: async ({ phone }) => {
			const wire = { method: "GET", path: "/v1/me" };
			const dpop = phone.proof(wire);
			return onceOnly(
				Promise.all([await phone.send(wire, { dpop }), await phone.send(wire, { dpop: part(dpop, 2, twin) })]),
			);
		},
	},
	{
		name: "proof: the same jti in another proof",
		refusals: ["unauthenticated"],
		run: async ({ phone }) => {
			const wire = { method: "GET", path: "/v1/me" };
			const again = () => phone.send(wire, { dpop: phone.proof(wire, { claims: { jti } }) });
			const jti = randomUUID();
			return onceOnly(Promise.all([await again(), await again()]));
		},
	},
];

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Every ES256 signature has a second form that is as valid. */
function twin(signature: string): string {
	const hex = Buffer.from(signature, "base64url").toString("hex");
	const s = (ORDER - BigInt(`0x${hex.slice(64)}`)).toString(16).padStart(64, "0");
	return Buffer.from(hex.slice(0, 64) + s, "hex").toString("base64url");
}
