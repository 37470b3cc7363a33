// People and tills, as k6's virtual users play them: each request with a fresh proof, and nobody waits for an answer longer than 3 s.
import { sleep } from "k6";
import http, { type RefinedResponse } from "k6/http";
import { Counter, Trend } from "k6/metrics";
import {
	type DeviceKey,
	newKey,
	newStoredKey,
	proofOf,
	publicJwkOf,
	readKey,
	type StoredKey,
	signatureOf,
	thumbprintOf,
} from "./device.ts";

/** Where the platform is, and how it names itself, which is what proofs are about. */
export const url = __ENV.URL ?? "http://127.0.0.1:3000";
export const origin = __ENV.ORIGIN ?? url;

const TIME_LIMIT = "3s";
/** k6's own code for a request that was not answered in time. */
const REQUEST_TIMEOUT = 1050;
const timeouts = new Counter("timeouts");
/** What was let in, and how long its answer took. */
const letIn = new Counter("let_in");
const answered = new Trend("answered", true);
/** Of those, what was not answered as it should be. */
const failed = new Counter("failed");
/** What was told to come again later (429 and 503 with Retry-After): nothing of it was begun. */
const refused = new Counter("refused");
/** From the first attempt at a step to its end, with all that was waited. */
const took = new Trend("took", true);
const PASSWORD = "correct horse battery";

type Answer = RefinedResponse<"text">;
type Asked = {
	readonly step: string;
	readonly method: string;
	readonly path: string;
	readonly body?: object;
	readonly idempotencyKey?: string;
};

export class Failed extends Error {}

/** For how long somebody who is told to come again does so, as our apps do; nobody waits at first. */
let patienceS = 0;
export function bePatient(seconds: number): void {
	patienceS = seconds;
}

const retryAfterS = ({ status, headers }: Answer): number | undefined =>
	[429, 503].includes(status) && headers["Retry-After"] ? Number(headers["Retry-After"]) : undefined;

/** Asks until it is let in, or its patience is over. @throws Failed: it is counted, the iteration is over */
async function settle<Body>(step: string, attempt: () => Promise<Answer>): Promise<Body> {
	const beganMs = Date.now();
	const pastMs = () => Date.now() - beganMs;
	for (;;) {
		const answer = await attempt();
		const waitS = retryAfterS(answer);
		if (waitS === undefined) {
			letIn.add(1, { step });
			answered.add(answer.timings.duration, { step });
			took.add(pastMs(), { step });
			return bodyOf(step, answer);
		}
		refused.add(1, { step });
		if (pastMs() + waitS * 1_000 > patienceS * 1_000) throw new Failed(`${step}: refused with ${answer.status}`);
		sleep(waitS);
	}
}

function bodyOf<Body>(step: string, { status, body, error, error_code }: Answer): Body {
	if (error_code === REQUEST_TIMEOUT) timeouts.add(1);
	if (status >= 200 && status < 300) return (body ? JSON.parse(String(body)) : {}) as Body;
	failed.add(1, { step });
	throw new Failed(`${step}: ${status} ${error || String(body).slice(0, 200)}`);
}

const send = ({ step, method, path }: Asked, body: string | null, headers: Record<string, string>): Answer =>
	http.request(method, url + path, body, {
		// Without its own name every id would be a series of its own.
		tags: { step, name: step },
		timeout: TIME_LIMIT,
		headers: { ...headers, ...(body !== null && { "content-type": "application/json" }) },
		responseType: "text",
	}) as Answer;

/** A person's phone, logged in or not. */
export class Phone {
	readonly #key: DeviceKey;
	/** Of all phones of this virtual user: the platform gives everybody the same at a time. */
	static #nonce: string | undefined;
	#accessToken: string | undefined;

	/** @param accessToken of a session of this key's */
	constructor(key: DeviceKey, accessToken?: string) {
		[this.#key, this.#accessToken] = [key, accessToken];
	}

	get accessToken(): string | undefined {
		return this.#accessToken;
	}

	static async new(): Promise<Phone> {
		return new Phone(await newKey());
	}

	async logIn(handle: string, step = "log in"): Promise<void> {
		this.#accessToken = undefined;
		const asked = { step, method: "POST", path: "/v1/sessions", body: { handle, password: PASSWORD } };
		this.#accessToken = (await this.ask<{ accessToken: string }>(asked)).accessToken;
	}

	ask<Body>(asked: Asked): Promise<Body> {
		return settle(asked.step, async () => {
			const answer = await this.#attempt(asked);
			// The nonce was too old, or there was none: the same request is right with the one that came with the answer (RFC 9449 8).
			const isStale = answer.status === 401 && (answer.headers["Www-Authenticate"] ?? "").includes("use_dpop_nonce");
			return isStale ? this.#attempt(asked) : answer;
		});
	}

	async #attempt(asked: Asked): Promise<Answer> {
		const { method, path, body, idempotencyKey } = asked;
		const accessToken = this.#accessToken;
		const nonce = Phone.#nonce;
		const proven = { method, origin, path, ...(nonce && { nonce }), ...(accessToken && { accessToken }) };
		const answer = send(asked, body === undefined ? null : JSON.stringify(body), {
			dpop: await proofOf(this.#key, proven),
			...(accessToken && { authorization: `DPoP ${accessToken}` }),
			...(idempotencyKey && { "idempotency-key": idempotencyKey }),
		});
		Phone.#nonce = answer.headers["Dpop-Nonce"] ?? Phone.#nonce;
		return answer;
	}

	async charge(amount: number, step = "charge"): Promise<void> {
		await this.ask({ step, method: "POST", path: "/v1/me/charges", body: { amount }, ...keyed() });
	}

	async code(): Promise<string> {
		const asked = { step: "show a code", method: "POST", path: "/v1/me/codes", body: {} };
		return (await this.ask<{ code: string }>(asked)).code;
	}

	async sendTo(handle: string, amount: number): Promise<void> {
		const asked = { step: "send credit", method: "POST", path: "/v1/me/transfers", body: { to: handle, amount } };
		await this.ask({ ...asked, ...keyed() });
	}

	/** Reads what a person looks at. */
	async look(what: "balance" | "history", step = `look at the ${what}`): Promise<void> {
		await this.ask({ step, method: "GET", path: what === "balance" ? "/v1/me" : "/v1/me/transactions" });
	}
}

export type StoredTill = {
	readonly id: string;
	readonly key: StoredKey;
	readonly storeId: string;
	readonly productId: string;
	/** Of the time when it was paired; it is good for twelve hours. */
	readonly accessToken: string;
};

/** A paired till that is signed in. */
export class Till {
	readonly #till: StoredTill;
	readonly #key: DeviceKey;
	#accessToken: string | undefined;

	private constructor(till: StoredTill, key: DeviceKey) {
		[this.#till, this.#key, this.#accessToken] = [till, key, till.accessToken];
	}

	static async of(till: StoredTill): Promise<Till> {
		return new Till(till, await readKey(till.key));
	}

	async signIn(): Promise<string> {
		this.#accessToken = undefined;
		const asked = { step: "till log in", method: "POST", path: "/v1/tills/sessions" };
		this.#accessToken = (await this.#ask<{ accessToken: string }>(asked)).accessToken;
		return this.#accessToken;
	}

	async sell(code: string, quantity = 1): Promise<void> {
		const { storeId, productId } = this.#till;
		const body = { code, items: [{ productId, quantity }] };
		await this.#ask({ step: "pay", method: "POST", path: `/v1/stores/${storeId}/sales`, body, ...keyed() });
	}

	/** The latest sales, as the till's screen shows them. */
	async look(): Promise<void> {
		await this.#ask({ step: "look at the sales", method: "GET", path: `/v1/stores/${this.#till.storeId}/sales` });
	}

	#ask<Body>(asked: Asked): Promise<Body> {
		return settle(asked.step, () => this.#attempt(asked));
	}

	async #attempt(asked: Asked): Promise<Answer> {
		const { method, path, idempotencyKey } = asked;
		const body = asked.body === undefined ? undefined : JSON.stringify(asked.body);
		const headers = await signatureOf(this.#key, {
			...{ method, origin, path, keyId: this.#till.id },
			...(body !== undefined && { body }),
			headers: {
				...(this.#accessToken && { authorization: `Till ${this.#accessToken}` }),
				...(idempotencyKey && { "idempotency-key": idempotencyKey }),
			},
		});
		return send(asked, body ?? null, headers);
	}
}

const keyed = () => ({ idempotencyKey: crypto.randomUUID() });

/** A name that nobody had in an earlier run. */
const newHandle = (): string => `load.${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;

/** Signs somebody up. @returns the handle */
export function newPerson(): string {
	const [step, handle] = ["sign up", newHandle()];
	const asked = { step, method: "POST", path: "/v1/users" };
	bodyOf(step, send(asked, JSON.stringify({ handle, password: PASSWORD, displayName: "Load" }), {}));
	return handle;
}

/** Opens a store, pairs a till with it and signs that in. */
export async function newTill(owner: Phone, price = 1): Promise<StoredTill> {
	const step = "open a store";
	const post = <Body>(path: string, body: object) => owner.ask<Body>({ step, method: "POST", path, body });
	const { id: storeId } = await post<{ id: string }>("/v1/stores", { name: "Load" });
	const product = { sku: "load", name: "Americano", category: "Coffee", price };
	const { id: productId } = await post<{ id: string }>(`/v1/stores/${storeId}/products`, product);
	const pairing = { name: "Counter", mayRefund: false };
	const { pairingCode } = await post<{ pairingCode: string }>(`/v1/stores/${storeId}/tills/pairings`, pairing);
	const stored = await newStoredKey();
	const id = await pair(await readKey(stored), pairingCode);
	const paired = { id, key: stored, storeId, productId, accessToken: "" };
	return { ...paired, accessToken: await (await Till.of(paired)).signIn() };
}

async function pair(key: DeviceKey, pairingCode: string): Promise<string> {
	const asked = { step: "pair a till", method: "POST", path: "/v1/tills" };
	const body = JSON.stringify({ pairingCode, publicJwk: publicJwkOf(key) });
	const signed = { method: asked.method, origin, path: asked.path, keyId: thumbprintOf(key), body, headers: {} };
	return bodyOf<{ tillId: string }>(asked.step, send(asked, body, await signatureOf(key, signed))).tillId;
}
