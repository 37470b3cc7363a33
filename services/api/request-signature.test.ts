import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, hash, sign, verify } from "node:crypto";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { createSigner, httpbis } from "http-message-signatures";
import { parseDictionary, serializeDictionary } from "structured-headers";
import { readSignature } from "./request-signature.ts";
import { signatureBase } from "./signature-base.ts";

const T0_S = 1_800_000_000;
const NONCE = "abcdefghijklmnop";
const TILL = "t_AAAAAAAAAAAAAAAA";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

type Lines = readonly (readonly [name: string, value: string])[];
type Request = { readonly method: string; readonly uri: string; readonly headers: Lines; readonly body: string };

const digestOf = (body: string) => `sha-256=:${hash("sha256", body, "base64")}:`;
const withBody = (body: string, digest = digestOf(body)): Request => ({
	...sale,
	body,
	headers: [...without("content-digest").headers, ["content-digest", digest]],
});
const without = (name: string): Request => ({ ...sale, headers: sale.headers.filter(([header]) => header !== name) });
const also = (...more: Lines): Request => ({ ...sale, headers: [...sale.headers, ...more] });

const body = '{"code":"HN:1","items":[]}';
const sale: Request = {
	method: "POST",
	uri: "https://pay.example/v1/stores/s_1/sales?a=b",
	headers: [
		["authorization", "Till eyJ.eyJ.c2ln"],
		["idempotency-key", "01976d8e-0000"],
		["content-digest", digestOf(body)],
	],
	body,
};
const question: Request = { method: "GET", uri: "https://pay.example/v1/stores/s_1", headers: [], body: "" };

const componentsOf = ({ headers }: Request) => ["@method", "@target-uri", ...headers.map(([name]) => name)];
const parametersWith = (changed: Record<string, string | undefined> = {}): string =>
	Object.entries({ created: T0_S, nonce: `"${NONCE}"`, keyid: `"${TILL}"`, tag: '"hannip-till"', ...changed })
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => `;${name}=${value}`)
		.join("");
const listOf = (names: readonly string[]) => `(${names.map((name) => `"${name}"`).join(" ")})`;
const inputOf = (request: Request, changed = {}) => listOf(componentsOf(request)) + parametersWith(changed);

/** Written down here once more, from the RFC, so that the code is not held against itself. */
function baseOf({ method, uri, headers }: Request, input: string): string {
	const values = new Map([["@method", method], ["@target-uri", uri], ...headers]);
	const covered = [...input.slice(0, input.indexOf(")")).matchAll(/"([^"]*)"(;\w+)?/g)];
	const lines = covered.map(([said, name]) => `${said}: ${values.get(String(name)) ?? "something"}`);
	return [...lines, `"@signature-params": ${input}`].join("\n");
}

const ieee = (key = privateKey) => ({ key, dsaEncoding: "ieee-p1363" }) as const;
const signatureOf = (request: Request, input: string): string =>
	sign("sha256", Buffer.from(baseOf(request, input)), ieee()).toString("base64");

type Sent = { readonly input?: string; readonly sent?: string; readonly signature?: string };

/** What is sent may be another thing than what was signed. */
function signed(request: Request, { input = inputOf(request), sent = `till=${input}`, signature }: Sent = {}): Lines {
	return [
		["Signature-Input", sent],
		["Signature", signature ?? `till=:${signatureOf(request, input)}:`],
	];
}

function read({ headers, body, ...request }: Request, signature: Lines, nowMs = T0_S * 1_000) {
	return readSignature({ ...request, rawHeaders: [...headers, ...signature].flat(), body: Buffer.from(body), nowMs });
}
const isAccepted = async (request: Request, signature: Lines, nowMs?: number): Promise<boolean> =>
	(await read(request, signature, nowMs)?.isBy(publicKey)) ?? false;

const accepts = async (request: Request, sent?: Sent, nowMs?: number) =>
	assert.ok(await isAccepted(request, signed(request, sent), nowMs), JSON.stringify({ request, sent, nowMs }));
/** Though the key has signed just that. */
const refuses = (request: Request, sent?: Sent, nowMs?: number) =>
	assert.equal(read(request, signed(request, sent), nowMs), undefined, JSON.stringify({ request, sent, nowMs }));

/** The text with one character after the other being another one. */
function* changesOf(text: string): Generator<string> {
	for (let index = 0; index < text.length; index++) {
		const other = String.fromCharCode(text.charCodeAt(index) ^ 1);
		yield text.slice(0, index) + other + text.slice(index + 1);
	}
}

function* ordersOf<T>(items: readonly T[]): Generator<readonly T[]> {
	if (items.length === 0) yield [];
	for (const [index, item] of items.entries())
		for (const rest of ordersOf(items.toSpliced(index, 1))) yield [item, ...rest];
}

test("the base is the RFC's: its example in B.2.4 has signed it", () => {
	const key = createPublicKey(
		"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----",
	);
	const values = new Map([
		["@status", "200"],
		["content-type", "application/json"],
		[
			"content-digest",
			"sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
		],
		["content-length", "23"],
	]);
	const input =
		'("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"';
	const base = signatureBase([...values.keys()], values, input);
	const signature = Buffer.from(
		"wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
		"base64",
	);
	assert.ok(verify("sha256", Buffer.from(base), { key, dsaEncoding: "ieee-p1363" }, signature));
});

describe("a signature", () => {
	it("of another implementation is accepted, and says whose it is", async () => {
		for (const request of [sale, question]) {
			const { headers } = await httpbis.signMessage(
				{
					key: createSigner(privateKey, "ecdsa-p256-sha256", TILL),
					params: ["created", "expires", "nonce", "keyid", "alg", "tag"],
					paramValues: { created: new Date(T0_S * 1_000), nonce: NONCE, tag: "hannip-till" },
					fields: componentsOf(request),
				},
				{ method: request.method, url: request.uri, headers: Object.fromEntries(request.headers) },
			);
			const lines = Object.entries(headers) as [string, string][];
			const found = read({ ...request, headers: lines }, []) ?? assert.fail("refused");
			assert.ok(await found.isBy(publicKey));
			assert.deepEqual({ keyId: found.keyId, nonce: found.nonce }, { keyId: TILL, nonce: NONCE });
		}
	});

	it("covers everything that is there, in any order", async () => {
		for (const order of ordersOf(componentsOf(sale))) await accepts(sale, { input: listOf(order) + parametersWith() });
		for (const name of ["authorization", "idempotency-key"]) await accepts(without(name));
		await accepts(question);
	});

	it("covers no less and no more than that, and nothing twice", () => {
		const names = componentsOf(sale);
		const wrong = [
			...names.map((name) => names.filter((other) => other !== name)),
			...names.map((name) => [...names, name]),
			...names.map((name, index) => names.with(index, names.at(index - 1) ?? name)),
			...["@path", "@query", "@authority", "@request-target", "content-type", "Authorization"].map((name) => [
				...names,
				name,
			]),
			[],
		];
		for (const list of wrong) refuses(sale, { input: listOf(list) + parametersWith() });
		for (const name of ["content-digest", "authorization", "idempotency-key"])
			refuses(question, { input: listOf([...componentsOf(question), name]) + parametersWith() });
	});

	it("has components without parameters of their own", () => {
		for (const name of componentsOf(sale))
			for (const parameter of ["sf", "bs", "req", "tr", 'key="a"'])
				refuses(sale, { input: inputOf(sale).replace(`"${name}"`, `"${name}";${parameter}`) });
	});

	it("is good for no other method, address, token, key or content", async () => {
		const signature = signed(sale);
		const changed: Request[] = [
			...["GET", "PUT", "post", "POST ", ""].map((method) => ({ ...sale, method })),
			...[...changesOf(sale.uri), sale.uri.toUpperCase(), `${sale.uri}&`].map((uri) => ({ ...sale, uri })),
			...[...changesOf(body), `${body} `, "", body.slice(1)].map((other) => ({ ...sale, body: other })),
			...[...changesOf(body)].map((other) => withBody(other)),
			...sale.headers.map(([name]) => without(name)),
			...sale.headers.flatMap(([name, value], index) =>
				[...changesOf(value), ""].map((other) => ({ ...sale, headers: sale.headers.with(index, [name, other]) })),
			),
		];
		for (const request of changed) assert.equal(await isAccepted(request, signature), false, JSON.stringify(request));
		assert.ok(await isAccepted(sale, signature));
	});

	it("is good for nothing else that it says of itself", async () => {
		const input = `till=${inputOf(sale)}`;
		for (const sent of changesOf(input))
			assert.equal(await isAccepted(sale, signed(sale, { input: inputOf(sale), sent })), false, sent);
		const hasLabel = { sent: `other=${inputOf(sale)}`, signature: `other=:${signatureOf(sale, inputOf(sale))}:` };
		await accepts(sale, hasLabel);
	});

	it("is 64 bytes, each of which counts", async () => {
		const right = Buffer.from(signatureOf(sale, inputOf(sale)), "base64");
		const sent = (bytes: Buffer) => signed(sale, { signature: `till=:${bytes.toString("base64")}:` });
		assert.ok(await isAccepted(sale, sent(right)));
		for (const index of right.keys())
			assert.equal(await isAccepted(sale, sent(right.with(index, Number(right[index]) ^ 1) as Buffer)), false);
		const der = sign("sha256", Buffer.from(baseOf(sale, inputOf(sale))), privateKey);
		const lengths = [Buffer.alloc(0), right.subarray(1), Buffer.concat([right, Buffer.alloc(1)]), der];
		for (const bytes of lengths) assert.equal(read(sale, sent(bytes)), undefined);
		for (const bytes of [Buffer.alloc(64), Buffer.alloc(64, 255)])
			assert.equal(await isAccepted(sale, sent(bytes)), false);
		const text = right.toString("base64");
		const no = [`till=:${text}:;a`, `till="${text}"`, `till=(:${text}:)`, `till=${T0_S}`, "till", "", `till=:${text}`];
		for (const signature of no) refuses(sale, { signature });
	});

	it("is by one key; others have not signed it, whatever they are", async () => {
		const found = read(sale, signed(sale)) ?? assert.fail("it is right");
		const others = [
			generateKeyPairSync("ec", { namedCurve: "P-256" }),
			generateKeyPairSync("ec", { namedCurve: "P-384" }),
			generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
			generateKeyPairSync("ed25519"),
			generateKeyPairSync("x25519"),
			generateKeyPairSync("rsa", { modulusLength: 2_048 }),
		];
		for (const other of others) assert.equal(await found.isBy(other.publicKey), false);
		assert.ok(await found.isBy(publicKey));
	});
});

describe("the parameters of a signature", () => {
	it("say when it was made: a minute ago, or ahead, at most", async () => {
		for (const secondsOff of [-60, -1, 0, 1, 60]) await accepts(sale, {}, (T0_S + secondsOff) * 1_000);
		for (const secondsOff of [-61, 61, 86_400, -86_400]) refuses(sale, {}, (T0_S + secondsOff) * 1_000);
		await accepts(sale, {}, T0_S * 1_000 + 60_999);
	});

	it("say so in whole seconds", () => {
		for (const created of [`"${T0_S}"`, `@${T0_S}`, `${T0_S}.5`, `:${T0_S}:`, "?1", `t${T0_S}`, "-1", undefined])
			refuses(sale, { input: inputOf(sale, { created }) });
		const sent = `till=${inputOf(sale, { created: `${T0_S}.0` })}`;
		refuses(sale, { input: inputOf(sale), sent });
		refuses(sale, { input: inputOf(sale), sent: `till=${inputOf(sale, { created: `0${T0_S}` })}` });
	});

	it("may say when it ends", async () => {
		for (const expires of [T0_S, T0_S + 1, T0_S + 1_000_000])
			await accepts(sale, { input: inputOf(sale, { expires }) });
		for (const expires of [T0_S - 1, 0, -1, `"${T0_S}"`, `@${T0_S}`, `${T0_S}.5`, "?1"])
			refuses(sale, { input: inputOf(sale, { expires }) });
	});

	it("have a nonce, a key and our tag, as text", async () => {
		for (const name of ["nonce", "keyid", "tag"])
			for (const value of [undefined, '""', "?1", "1", "abcdefghijklmnop", ":YWJjZGVmZ2hpamtsbW5vcA==:"])
				refuses(sale, { input: inputOf(sale, { [name]: value }) });
		for (const nonce of ["a".repeat(16), "_".repeat(64)])
			await accepts(sale, { input: inputOf(sale, { nonce: `"${nonce}"` }) });
		for (const nonce of ["a".repeat(15), "a".repeat(65), `${NONCE}=`, `${NONCE}+`, `${NONCE} `])
			refuses(sale, { input: inputOf(sale, { nonce: `"${nonce}"` }) });
		for (const keyid of ["a".repeat(65), "t.1", "../t_1"])
			refuses(sale, { input: inputOf(sale, { keyid: `"${keyid}"` }) });
		for (const tag of ["hannip", "Hannip-Till", "hannip-till "])
			refuses(sale, { input: inputOf(sale, { tag: `"${tag}"` }) });
	});

	it("name no other algorithm, and nothing that we do not know", async () => {
		await accepts(sale, { input: inputOf(sale, { alg: '"ecdsa-p256-sha256"' }) });
		const others = ["none", "hmac-sha256", "ecdsa-p384-sha384", "ed25519", "rsa-pss-sha512", "ECDSA-P256-SHA256", ""];
		for (const alg of others) refuses(sale, { input: inputOf(sale, { alg: `"${alg}"` }) });
		for (const name of ["b64", "context", "x", "*"]) refuses(sale, { input: inputOf(sale, { [name]: '"1"' }) });
	});

	it("are said once: the last would count", () => {
		const twice = ["created=1", 'nonce="qrstuvwxyzabcdef"', 'keyid="t_B"', 'tag="x"'];
		for (const first of twice) {
			const sent = `till=${inputOf(sale).replace(`;${first.split("=")[0]}=`, `;${first}$&`)}`;
			refuses(sale, { input: inputOf(sale), sent });
		}
	});
});

describe("the digest", () => {
	it("is of the body, by SHA-256, whatever else there is", async () => {
		const sha512 = `sha-512=:${hash("sha512", body, "base64")}:`;
		await accepts(withBody(body, `${sha512}, ${digestOf(body)}`));
		await accepts(withBody(body, `${digestOf(body)}, sha-512=:AAAA:`));
		const wrong = [
			sha512,
			digestOf("another"),
			`${digestOf(body)}, ${digestOf("another")}`,
			`sha-256="${hash("sha256", body, "base64")}"`,
			`sha-256=${hash("sha256", body, "hex")}`,
			"sha-256=::",
			"sha-256",
			"",
			`SHA-256=:${hash("sha256", body, "base64")}:`,
			digestOf(body).slice(0, -2),
		];
		for (const digest of wrong) refuses(withBody(body, digest));
	});

	it("is there if there is a body, and only then", async () => {
		refuses(without("content-digest"));
		refuses(withBody(""));
		refuses({ ...sale, body: "" });
		await accepts({ ...without("content-digest"), body: "" });
	});

	it("is not of a body that was packed", () => {
		for (const packing of ["gzip", "identity", "br"])
			refuses(also(["Content-Encoding", packing]), { input: inputOf(sale) });
	});
});

describe("a request", () => {
	it("says each of its headers once", () => {
		for (const [name, value] of sale.headers) {
			for (const line of [[name, value] as const, [name.toUpperCase(), "another"] as const])
				for (const input of [inputOf(sale), inputOf(also(line))]) refuses(also(line), { input });
		}
		const [input, signature] = signed(sale) as [Lines[number], Lines[number]];
		for (const line of [input, signature]) assert.equal(read(sale, [input, signature, line]), undefined);
		assert.equal(read(sale, [input]), undefined);
		assert.equal(read(sale, [signature]), undefined);
	});

	it("has one signature, under one name", () => {
		const input = inputOf(sale);
		const bytes = `:${signatureOf(sale, input)}:`;
		const pairs = [
			[`a=${input}, b=${input}`, `a=${bytes}, b=${bytes}`],
			[`a=${input}`, `a=${bytes}, b=${bytes}`],
			[`a=${input}, b=${input}`, `a=${bytes}`],
			[`a=${input}`, `b=${bytes}`],
			[`a=${input}, a=${input}`, `a=${bytes}`],
			[`a=${input}`, `a=${bytes}, a=${bytes}`],
			[`a=:AAAA:${parametersWith()}`, `a=${bytes}`],
			["a", "a"],
		] as const;
		for (const [sent, signature] of pairs) refuses(sale, { sent, signature });
	});

	it("is addressed so that there is one way only to read it", async () => {
		const origin = "https://pay.example";
		const targets = [
			`${origin}/v1/stores`,
			"http://other.example/v1/stores",
			"/v1/../v1/stores",
			"/v1/./stores",
			"/v1/%2e%2e/stores",
			"/v1/%2E/stores",
			"/v1/stores/..",
			"/v1\\stores",
			"/v1/stores bar",
			"*",
			"",
		];
		for (const target of targets) refuses({ ...sale, uri: origin + target });
		for (const target of ["/", "/v1/stores/", "/v1/stores?", "/v1/stores?a=%2e%2e", "/v1/%41", "//v1"])
			await accepts({ ...sale, uri: origin + target });
	});

	it("is refused when its signature is long, or any text at all", async () => {
		const named = (label: string): Sent => ({
			sent: `${label}=${inputOf(sale)}`,
			signature: `${label}=:${signatureOf(sale, inputOf(sale))}:`,
		});
		await accepts(sale, named("a".repeat(500)));
		for (const chars of [1_000, 1_000_000]) refuses(sale, named("a".repeat(chars)));
		refuses(withBody(body, `${digestOf(body)}, ${"a".repeat(1_000_000)}=1`));
		const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom(`till=${inputOf(sale)}`));
		fc.assert(
			fc.property(text, text, text, (sent, signature, digest) => {
				assert.equal(read(withBody(body, digest), signed(sale, { sent, signature })), undefined);
			}),
			{ numRuns: 500 },
		);
	});

	it("is read only as RFC 9651 writes it, by the account of another reader of that", () => {
		const right = `till=${inputOf(sale, { expires: T0_S + 9 })}`;
		const place = fc.nat(right.length);
		const piece = fc.oneof(
			fc.string({ maxLength: 2 }),
			fc.constantFrom(" ", "0", "-", '"', ";a", ";a=1", ".0", "()", ","),
		);
		let changed = 0;
		fc.assert(
			fc.property(place, fc.nat(2), piece, (at, gone, there) => {
				const sent = right.slice(0, at) + there + right.slice(at + gone);
				if (read(sale, signed(sale, { sent })) === undefined) return;
				changed += sent === right ? 0 : 1;
				assert.equal(serializeDictionary(parseDictionary(sent)), sent);
			}),
			{ numRuns: 20_000 },
		);
		assert.ok(changed > 10, "some were read");
	});
});
