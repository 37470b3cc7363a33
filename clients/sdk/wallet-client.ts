import type { Answered, Result } from "../../services/actions.ts";
import { deviceKeyOf, forget, keep, kept } from "./key-cabinet.ts";
import { type Asking, untilKnown } from "./persistence.ts";
import { type Outcome, refused } from "./problem.ts";
import { Prover, wantsNonce } from "./prover.ts";
import { type Name, routeOf, type Said, type Wire, wireOf } from "./request.ts";

type Tokens = Result<"auth.login">;
/** Who is logged in. */
export type Session = { readonly userId: string; readonly sessionId: string };
type Access = Session & { readonly accessToken: string; readonly untilMs: number };
/** How a request is sent. */
type How = {
	readonly signal: AbortSignal;
	readonly needsToken: boolean;
	readonly headers?: Readonly<Record<string, string>>;
};
/** What tabs tell each other. */
type Told = { readonly access: (Omit<Access, "untilMs"> & { readonly leftMs: number }) | null };

/** A token that ends so soon is renewed before it is used. */
const RENEW_BEFORE_MS = 20_000;
const LOGGED_IN = "wallet.isLoggedIn";

/**
 * The platform as a wallet sees it. Every request proves that this browser has its key (DPoP, RFC 9449); the access token lives in memory,
 * what renews it in a cookie that no script can read. All tabs are one: they share the token, and one of them renews it for all.
 */
export class WalletClient {
	readonly #prover: Prover;
	readonly #tabs = new BroadcastChannel("hannip.wallet");
	#access: Access | null = null;
	#hasHeardServer = false;
	#onSession: (session: Session | null) => void = () => {};

	private constructor(prover: Prover) {
		this.#prover = prover;
		this.#tabs.onmessage = ({ data: { access } }: MessageEvent<Told>) => {
			this.#set(access && { ...access, untilMs: performance.now() + access.leftMs });
		};
	}

	static async open(): Promise<WalletClient> {
		return new WalletClient(new Prover(await deviceKeyOf("wallet"), location.origin));
	}

	/** What time it is for the platform, as far as this browser has heard. */
	get nowMs(): number {
		return this.#prover.clock.nowMs;
	}

	/** Told who is logged in, now and whenever that changes, in whichever tab. */
	watchSession(told: (session: Session | null) => void): void {
		this.#onSession = told;
	}

	/** Goes on with the session that this browser had. */
	async resume(): Promise<Outcome<Session | null>> {
		if (!(await kept<boolean>(LOGGED_IN))) return { ok: true, value: null, isReplay: false };
		const problem = await this.#renew();
		if (!problem.ok && problem.problem.status !== 401) return problem;
		return { ok: true, value: this.#access, isReplay: false };
	}

	/** Calls the action of that name. What is refused comes back as a problem; nothing is thrown. */
	async call<N extends Name>(name: N, said: Said<N>, asking: Asking = {}): Promise<Outcome<Answered<N>>> {
		const wire = wireOf(name, said);
		const needsToken = routeOf(name).binds === undefined && name !== "user.signUp";
		const send = (signal: AbortSignal) => this.#send(wire, { signal, needsToken });
		const outcome = await untilKnown<Answered<N>>(wire, send, asking);
		await this.#after(name, outcome);
		return outcome;
	}

	/** What became of a request, by the address that its problem named. */
	async ask<T>(statusUrl: string, asking: Asking = {}): Promise<Outcome<T>> {
		const wire = { method: "GET", path: statusUrl };
		return untilKnown<T>(wire, (signal) => this.#send(wire, { signal, needsToken: true }), asking);
	}

	/** An answer that goes on while things happen. @throws when the connection cannot be made, or `signal` says to stop */
	stream(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
		return this.#send({ method: "GET", path }, { signal, needsToken: true, headers });
	}

	async #after<N extends Name>(name: N, outcome: Outcome<Answered<N>>): Promise<void> {
		if (!outcome.ok) {
			if (outcome.problem.code === "session_ended") await this.#end();
		} else if (name === "auth.login" || name === "auth.changePassword") await this.#begin(outcome.value as Tokens);
		else if (name === "auth.logout") await this.#end();
	}

	async #send(wire: Wire, how: How): Promise<Response> {
		if (how.needsToken && !this.#isFresh()) await this.#renew(how.signal);
		const answer = await this.#attempt(wire, how);
		if (answer.status !== 401) return answer;
		if (wantsNonce(answer)) return this.#attempt(wire, how);
		if (!how.needsToken) return answer;
		// It ended while the device slept, or the keys that signed it are gone.
		if (this.#access) this.#access = { ...this.#access, untilMs: 0 };
		const renewed = await this.#renew(how.signal);
		return renewed.ok ? this.#attempt(wire, how) : answer;
	}

	async #attempt(wire: Wire, how: How): Promise<Response> {
		const accessToken = how.needsToken ? this.#access?.accessToken : undefined;
		const isFirst = !this.#hasHeardServer;
		const answer = await this.#fetch(wire, { ...how, accessToken });
		// Before the first answer the server's clock is not known: a phone whose own is wrong is refused once.
		return isFirst && answer.status === 401 ? this.#fetch(wire, { ...how, accessToken }) : answer;
	}

	async #fetch(
		{ method, path, body, contentType, idempotencyKey }: Wire,
		{ signal, headers, accessToken }: How & { readonly accessToken: string | undefined },
	): Promise<Response> {
		const proof = await this.#prover.headersFor({ method, path, accessToken });
		const answer = await fetch(path, {
			method,
			cache: "no-store",
			redirect: "error",
			signal,
			headers: {
				...proof,
				...headers,
				...(contentType && { "content-type": contentType }),
				...(idempotencyKey && { "idempotency-key": idempotencyKey }),
			},
			...(body && { body }),
		});
		this.#prover.learn(answer);
		this.#hasHeardServer = true;
		return answer;
	}

	#isFresh(): boolean {
		return this.#access !== null && this.#access.untilMs - performance.now() > RENEW_BEFORE_MS;
	}

	/** One tab at a time; the others then have what it got. */
	#renew(signal?: AbortSignal): Promise<Outcome<Session | null>> {
		return navigator.locks.request("hannip.wallet.refresh", async (): Promise<Outcome<Session | null>> => {
			if (this.#isFresh()) return { ok: true, value: this.#access, isReplay: false };
			const wire: Wire = { method: "POST", path: "/v1/sessions/refresh" };
			// May be repeated: when the answer was lost, the same cookie is good again for a moment.
			const outcome = await untilKnown<Tokens>(
				{ ...wire, idempotencyKey: "" },
				(each) => this.#send(wire, { signal: each, needsToken: false }),
				signal && { signal },
			);
			if (outcome.ok) await this.#begin(outcome.value);
			else if (outcome.problem.status === 401) await this.#end();
			return outcome.ok ? { ok: true, value: this.#access, isReplay: false } : refused(outcome.problem);
		});
	}

	async #begin({ userId, sessionId, accessToken, expiresInS }: Tokens): Promise<void> {
		const access = { userId, sessionId, accessToken };
		const leftMs = expiresInS * 1_000;
		this.#set({ ...access, untilMs: performance.now() + leftMs });
		this.#tabs.postMessage({ access: { ...access, leftMs } } satisfies Told);
		await keep(LOGGED_IN, true);
	}

	async #end(): Promise<void> {
		this.#set(null);
		this.#tabs.postMessage({ access: null } satisfies Told);
		await forget(LOGGED_IN);
	}

	#set(access: Access | null): void {
		const before = this.#access?.sessionId;
		this.#access = access;
		if (before !== access?.sessionId) this.#onSession(access);
	}
}
