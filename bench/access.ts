// `npm run bench:access`: what it costs that a stolen token is worthless, as a share of the CPU that a whole payment takes; and what a
// flood of log-ins does to those who pay meanwhile. A payment is a code for the customer's phone (DPoP) and a sale of the till's (signed).
import { argon2Sync, createPublicKey, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { newDeviceKey } from "../clients/sdk/device-key.ts";
import { Prover } from "../clients/sdk/prover.ts";
import { RequestSigner } from "../clients/sdk/request-signer.ts";
import { Keyring } from "../mixins/keyring.ts";
import { call } from "../services/actions.ts";
import { readProof } from "../services/api/dpop.ts";
import { readSignature } from "../services/api/request-signature.ts";
import { cost } from "../services/auth/password.ts";
import { argon2id } from "../services/hasher/argon2id.ts";
import type { Client } from "../tests/api/client.ts";
import {
	basketOf,
	newCode,
	newPerson,
	newShop,
	newTill,
	PASSWORD,
	type Person,
	type Till,
} from "../tests/api/people.ts";
import { startTestPlatform, type TestPlatform } from "../tests/api/platform.ts";
import { own, runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { type OneProcess, startOneProcess } from "./one-process.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const CHECKS = values.quick ? 1_000 : 4_000;
const PAYMENTS = values.quick ? 400 : 2_000;
const ROUNDS = values.quick ? 2 : 5;
const ROUND_MS = values.quick ? 2_000 : 5_000;
const PAYERS = 4;
const LOGINS_AT_ONCE = 32;
const ORIGIN = "http://127.0.0.1:34990";

/** All threads of a process, in µs. Linux says it in ticks of 10 ms. */
function cpuUs(pid: number): number {
	const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13) ?? [];
	return (Number(user) + Number(system)) * 10_000;
}

/** CPU of this process for each of many. */
async function cpuOf<T>(inputs: readonly T[], work: (input: T) => unknown): Promise<number> {
	const before = process.cpuUsage();
	for (const input of inputs) if (!(await work(input))) throw new Error("what is right was refused");
	const { user, system } = process.cpuUsage(before);
	return (user + system) / inputs.length;
}

/** What the gateway does for one request of a phone. */
async function proofUs({ person, keyring }: { person: Person; keyring: Keyring }): Promise<number> {
	const prover = new Prover(await newDeviceKey(), ORIGIN);
	const { accessToken } = person;
	const asked = { method: "POST", path: "/v1/me/codes", accessToken };
	const proofs = await Promise.all(Array.from({ length: CHECKS }, () => prover.headersFor(asked)));
	return cpuOf(proofs, async ({ dpop }) => {
		const token = await keyring.readAccessToken(accessToken, ORIGIN);
		return token && readProof(dpop, { method: "POST", uri: `${ORIGIN}/v1/me/codes`, accessToken, nowMs: Date.now() });
	});
}

/** What it does for one of a till, of the size of a usual sale. */
async function signatureUs({ till, keyring }: { till: Till; keyring: Keyring }): Promise<number> {
	const key = await newDeviceKey();
	const signer = new RequestSigner(key, { origin: ORIGIN });
	const publicKey = createPublicKey({ key: key.publicJwk, format: "jwk" });
	const path = `/v1/stores/${till.shop.id}/sales`;
	const body = Buffer.from(JSON.stringify({ code: `HN:${"0".repeat(149)}`, items: basketOf(till.shop) }));
	const asked = {
		method: "POST",
		path,
		accessToken: till.accessToken,
		idempotencyKey: "0123456789abcdef",
		body: new Uint8Array(body),
	};
	const requests = await Promise.all(Array.from({ length: CHECKS }, () => signer.headersFor(asked)));
	return cpuOf(requests, async (headers) => {
		const token = await keyring.readTillToken(till.accessToken, ORIGIN);
		const rawHeaders = Object.entries(headers).flat();
		const signature = readSignature({ method: "POST", uri: ORIGIN + path, rawHeaders, body, nowMs: Date.now() });
		return token && signature?.isBy(publicKey);
	});
}

/** A password, by `hasher` and by `node:crypto`, one after the other. */
async function hashUs(): Promise<{ ours: number; nodes: number }> {
	const { passes, parallelism } = cost;
	const salts = Array.from({ length: CHECKS / 50 }, () => randomBytes(16));
	const ours = await cpuOf(salts, (salt) => argon2id({ ...cost, password: PASSWORD, salt: salt.toString("base64") }));
	const asked = { message: PASSWORD, tagLength: 32, memory: cost.memoryKib, passes, parallelism };
	const nodes = await cpuOf(salts, (nonce) => argon2Sync("argon2id", { ...asked, nonce }));
	return { ours, nodes };
}

/** What `auth` and its database do so that the two requests of a payment are answered once, and their session and till are still there. */
async function admissionUs({ broker }: TestPlatform, { userId, sessionId }: Person): Promise<number> {
	const newQuestion = () => ({
		session: { userId, sessionId },
		proof: randomBytes(32).toString("base64url"),
		...{ counter: userId, countMax: 1_000_000_000, windowS: 60 },
	});
	// As many together as are paying at once.
	const batches = Array.from({ length: CHECKS / PAYERS }, () => Array.from({ length: PAYERS }, newQuestion));
	const perBatch = await cpuOf(batches, async (questions) => {
		const { verdicts } = await call(broker, "auth.admit", { questionId: randomUUID(), questions });
		return verdicts.every(({ verdict }) => verdict === "admitted");
	});
	return (perBatch / PAYERS) * 2;
}

const pay = async (till: Till, customer: Person): Promise<void> => {
	const { id: storeId } = till.shop;
	await till.api.ok("store.sell", { storeId, code: await newCode(customer), items: basketOf(till.shop) });
};

async function paymentUs({ pid }: OneProcess, till: Till, payers: readonly Person[]): Promise<number> {
	const before = cpuUs(pid);
	await Promise.all(
		payers.map(async (customer) => {
			for (let count = 0; count < PAYMENTS / payers.length; count++) await pay(till, customer);
		}),
	);
	return (cpuUs(pid) - before) / PAYMENTS;
}

/** @returns how long each payment took, in ms */
async function latencies(till: Till, payers: readonly Person[]): Promise<number[]> {
	const endMs = performance.now() + ROUND_MS;
	const took: number[] = [];
	await Promise.all(
		payers.map(async (customer) => {
			while (performance.now() < endMs) {
				const startMs = performance.now();
				await pay(till, customer);
				took.push(performance.now() - startMs);
			}
		}),
	);
	return took;
}

async function whileLoggingIn<T>(
	person: Person,
	anyone: Client,
	work: () => Promise<T>,
): Promise<{ result: T; logins: number }> {
	let isOver = false;
	let logins = 0;
	const device = anyone.from(person.prover);
	const flood = Array.from({ length: LOGINS_AT_ONCE }, async () => {
		while (!isOver) {
			const { status } = await device.call("auth.login", { handle: person.handle, password: PASSWORD });
			if (status === 201) logins++;
		}
	});
	const result = await work();
	isOver = true;
	await Promise.all(flood);
	return { result, logins };
}

const p99 = (values: readonly number[]): number =>
	[...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN;

await runBench(async () => {
	const platform = await startOneProcess(ORIGIN);
	const { anyone } = platform;
	const owner = await newPerson(anyone);
	const till = await newTill(anyone, await newShop(owner, { prices: [1] }));
	const payers = await Promise.all(
		Array.from({ length: PAYERS }, () => newPerson(anyone, { name: "Payer", credit: 2_000_000 })),
	);
	const { keys } = await anyone.ok("auth.jwks", {});
	const handleKey = Buffer.alloc(32).toString("base64url");
	const keyring = new Keyring(async () => ({
		keys: keys.map((jwk) => ({ kid: jwk.kid, jwk, handleKey, state: "active" as const })),
	}));
	await keyring.reload();
	// One in this process, whose threads can be measured around single calls.
	const inside = await own(startTestPlatform(), ({ stop }) => stop());
	const insider = await newPerson(inside.anyone);

	await paymentUs(platform, till, payers);
	const rounds: { proof: number; signature: number; admission: number; payment: number; hash: number }[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const payment = await paymentUs(platform, till, payers);
		const [proof, signature] = [await proofUs({ person: owner, keyring }), await signatureUs({ till, keyring })];
		const admission = await admissionUs(inside, insider);
		const { ours, nodes } = await hashUs();
		rounds.push({ proof, signature, admission, payment, hash: nodes / ours });
		console.log(
			`payment ${payment.toFixed(0)} µs of CPU; token and proof ${proof.toFixed(0)}, token and signature ${signature.toFixed(0)}, both admitted ${admission.toFixed(0)}; a password ${ours.toFixed(0)}, by node:crypto ${nodes.toFixed(0)}`,
		);
	}
	const calm: number[] = [];
	const flooded: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		calm.push(...(await latencies(till, payers)));
		const { result, logins } = await whileLoggingIn(owner, anyone, () => latencies(till, payers));
		flooded.push(...result);
		console.log(
			`p99 ${p99(calm).toFixed(1)} ms of ${calm.length} payments; ${p99(flooded).toFixed(1)} ms of ${flooded.length} beside ${logins} log-ins`,
		);
	}
	const share = (part: "proof" | "signature" | "admission") =>
		median(rounds.map((round) => round[part] / round.payment));
	printFigures({
		"access.payment_cpu": [median(rounds.map(({ payment }) => payment)), "us"],
		"access.dpop_share": [share("proof"), "x"],
		"access.signature_share": [share("signature"), "x"],
		"access.admission_share": [share("admission"), "x"],
		"access.hash_vs_node": [median(rounds.map(({ hash }) => hash)), "x"],
		"access.login_flood_p99": [p99(flooded) / p99(calm), "x"],
	});
	anyone.close();
});
