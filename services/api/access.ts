import { hash, type KeyObject } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Service } from "moleculer";
import { type Keyring, keyringOf } from "../../mixins/keyring.ts";
import type { Settings } from "../../moleculer.config.ts";
import type { Meta, Person } from "../actions.ts";
import { fail } from "../errors.ts";
import { credentialsFor } from "../rights.ts";
import { Admission, type Question, type Verdict } from "./admission.ts";
import { credentialIn, onlyHeader } from "./authorization.ts";
import { type Proof, readProof } from "./dpop.ts";
import { isFreshNonce, makeNonce } from "./nonce.ts";
import type { OperatorCheck } from "./operators.ts";
import { refreshTokenOf } from "./refresh-cookie.ts";
import type { Route } from "./routes.ts";
import { saidMethodOf } from "./server.ts";
import { TillAccess } from "./till-access.ts";

type Caller = NonNullable<Meta["caller"]>;

/** What is known of a request once it is let in. */
export type Admitted = {
	/** Nobody, where anyone may ask. */
	readonly caller?: Caller;
	/** The key that it proved to have, where what it gets will be bound to one. */
	readonly jkt?: string;
	/** When a person's token ends. */
	readonly expiresAtMs?: number;
	/** The till that signed it, where it signs in. */
	readonly tillId?: string;
};

type Asked = {
	readonly req: IncomingMessage & { readonly originalUrl?: string; readonly body?: unknown };
	readonly res: ServerResponse;
	readonly route: Route;
	/** See `clientAddress`. */
	readonly address: string;
};

/** Who asks, before it is clear whether they may. */
type Claim = Admitted & { readonly question: Question };

const MINUTE_S = 60;

/**
 * Who may do what the request asks for. A stolen token alone is worth nothing: with every request comes a proof, made for this request,
 * that the sender has the key to which the token is bound (RFC 9449).
 */
export class Access {
	readonly #keyring: Keyring;
	readonly #admission: Admission;
	readonly #tills: TillAccess;
	readonly #settings: Settings;
	readonly #checkOperator: OperatorCheck;

	/** @param checkOperator who is one: where operators do not come in, nobody */
	constructor(service: Service, settings: Settings, checkOperator: OperatorCheck) {
		this.#keyring = keyringOf(service);
		this.#admission = new Admission(service);
		this.#tills = new TillAccess(service, settings.publicOrigin);
		this.#settings = settings;
		this.#checkOperator = checkOperator;
	}

	/**
	 * Counts the request and uses up its proof.
	 *
	 * @throws unauthenticated, with no word about why; dpop_nonce_required; rate_limited; overloaded, service_unavailable
	 */
	async admit(asked: Asked): Promise<Admitted> {
		if (credentialsFor(asked.route.action).has("operator")) {
			return { caller: this.#checkOperator(asked.req) };
		}
		const { question, ...admitted } = await this.#claim(asked, Date.now());
		const verdict = await this.#admission.ask(question);
		sayRate(asked.res, question.windowS, verdict);
		if (verdict.verdict === "limited") throw fail("rate_limited", undefined, retryAt(verdict.untilMs));
		if (verdict.verdict !== "admitted") throw fail("unauthenticated");
		const { caller } = admitted;
		// Not what its token says: its owner may have changed that since.
		if (caller?.kind !== "till") return admitted;
		const { mayRefund = false, discountMaxPercent = 0 } = verdict;
		return { caller: { ...caller, mayRefund, discountMaxPercent } };
	}

	/** Whether somebody who was let in would still be, by the same token. @throws overloaded, service_unavailable */
	async isStillAdmitted({ userId, sessionId }: Person): Promise<boolean> {
		const counter = { counter: `live:${sessionId}`, countMax: Number.MAX_SAFE_INTEGER, windowS: MINUTE_S };
		return (await this.#admission.ask({ session: { userId, sessionId }, ...counter })).verdict === "admitted";
	}

	/** Before much is read of a request: whose token it has. Everything else is checked later. @throws unauthenticated */
	async bearerOf(request: IncomingMessage): Promise<string> {
		const token = credentialIn(request, "dpop");
		const claims = await this.#keyring.readAccessToken(token, this.#settings.publicOrigin);
		if (!claims) throw fail("unauthenticated");
		return claims.userId;
	}

	async #claim(asked: Asked, nowMs: number): Promise<Claim> {
		const credentials = credentialsFor(asked.route.action);
		if (credentials.has("none")) return this.#nobody(asked, nowMs);
		const isTill = credentials.has("till") && /^till /i.test(asked.req.headers.authorization ?? "");
		return isTill ? this.#till(asked, nowMs) : this.#person(asked, nowMs);
	}

	async #nobody(asked: Asked, nowMs: number): Promise<Claim> {
		const { binds } = asked.route;
		const counter = { counter: `${kindOf(asked.route)}:${asked.address}`, ...this.#rate("address") };
		if (binds === undefined) return { question: counter };
		if (binds === "newTill")
			return { question: { ...counter, ...orRefuse(await this.#tills.newSigner(asked.req, nowMs)) } };
		if (binds === "device") {
			const proof = this.#prove(asked, { nowMs });
			const { jkt } = proof;
			return { jkt, question: { ...counter, ...this.#refreshing(asked, jkt), proof: idOf(proof) } };
		}
		// It has shown that it is the till: it has a share of its own, as with its token.
		const { tillId, proof } = orRefuse(await this.#tills.signer(asked.req, nowMs));
		return { tillId, question: { tillId, proof, counter: tillId, ...this.#rate("till") } };
	}

	/** Which session the cookie names: that it is there, and the key its own, is not known before somebody looks. */
	#refreshing({ req, route }: Asked, jkt: string): Pick<Question, "refresh"> {
		const token = route.refreshCookie === "rotate" ? refreshTokenOf(req) : undefined;
		const [sessionId] = token?.split(".", 1) ?? [];
		return sessionId === undefined ? {} : { refresh: { sessionId, jkt, countMax: this.#rate("person").countMax } };
	}

	async #till({ req }: Asked, nowMs: number): Promise<Claim> {
		const token = await this.#keyring.readTillToken(credentialIn(req, "till"), this.#settings.publicOrigin);
		const signer = token && (await this.#tills.signer(req, nowMs));
		if (signer?.tillId !== token?.tillId || signer?.jkt !== token?.jkt) throw fail("unauthenticated");
		const { tillId, storeId, proof } = { ...orRefuse(token), ...orRefuse(signer) };
		return {
			caller: { kind: "till", tillId, storeId, mayRefund: false, discountMaxPercent: 0 },
			question: { tillId, proof, counter: tillId, ...this.#rate("till") },
		};
	}

	async #person(asked: Asked, nowMs: number): Promise<Claim> {
		const accessToken = credentialIn(asked.req, "dpop");
		const token = await this.#keyring.readAccessToken(accessToken, this.#settings.publicOrigin);
		if (!token) throw fail("unauthenticated");
		const proof = this.#prove(asked, { accessToken, nowMs });
		const { userId, sessionId, jkt, expiresAtMs } = token;
		if (proof.jkt !== jkt) throw fail("unauthenticated");
		const session = { userId, sessionId };
		return {
			caller: { kind: "person", ...session },
			expiresAtMs,
			question: { session, proof: idOf(proof), counter: userId, ...this.#rate("person") },
		};
	}

	/** @throws unauthenticated, dpop_nonce_required */
	#prove({ req, res, route }: Asked, { accessToken, nowMs }: { accessToken?: string; nowMs: number }): Proof {
		const [path = ""] = (req.originalUrl ?? req.url ?? "").split("?", 1);
		const uri = this.#settings.publicOrigin + path;
		const proof = readProof(onlyHeader(req, "dpop"), { method: saidMethodOf(req), uri, accessToken, nowMs });
		if (!proof) throw fail("unauthenticated");
		const { secrets } = this.#keyring;
		// With each answer, so that there is one at hand when it is needed.
		res.setHeader("DPoP-Nonce", makeNonce(secrets[0] as KeyObject, nowMs));
		const { nonce } = proof;
		const isWanted = nonce !== undefined || route.idempotent !== undefined;
		if (isWanted && !isFreshNonce(nonce ?? "", secrets, nowMs)) throw fail("dpop_nonce_required");
		return proof;
	}

	#rate(whose: keyof Settings["requestsPerMinute"]): { countMax: number; windowS: number } {
		return { countMax: this.#settings.requestsPerMinute[whose], windowS: MINUTE_S };
	}
}

/**
 * What those who share an address share with each other. Log-ins are kept apart from what anybody may read, which is cheap and asked for often;
 * and both from refreshes that are no session's, with which nobody gets anything.
 */
const kindOf = ({ method, refreshCookie }: Route): string => {
	if (refreshCookie === "rotate") return "refreshes";
	return method === "GET" ? "reads" : "address";
};

/** @throws unauthenticated when there is none */
function orRefuse<T>(found: T | undefined): T {
	if (found === undefined) throw fail("unauthenticated");
	return found;
}

/** A key's `jti`s are its own: what one makes up cannot take another one's away. */
const idOf = ({ jkt, jti }: Proof): string => hash("sha256", `${jkt} ${jti}`, "base64url");

const retryAt = (untilMs: number) => ({ retryAfterS: Math.max(1, Math.ceil((untilMs - Date.now()) / 1_000)) });

/** draft-ietf-httpapi-ratelimit-headers: how many are left, and for how long. */
function sayRate(res: ServerResponse, windowS: number, { count, countMax, untilMs }: Verdict): void {
	const leftS = Math.max(0, Math.ceil((untilMs - Date.now()) / 1_000));
	res.setHeader("RateLimit-Policy", `"default";q=${countMax};w=${windowS}`);
	res.setHeader("RateLimit", `"default";r=${Math.max(0, countMax - count)};t=${leftS}`);
}
