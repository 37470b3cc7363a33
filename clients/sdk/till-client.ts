import type { Answered, Result } from "../../services/actions.ts";
import type { DeviceKey } from "./device-key.ts";
import { deviceKeyOf, forget, keep, kept } from "./key-cabinet.ts";
import { type Asking, untilKnown } from "./persistence.ts";
import type { Outcome } from "./problem.ts";
import { type Name, routeOf, type Said, type Wire, wireOf } from "./request.ts";
import { RequestSigner } from "./request-signer.ts";
import { ServerClock } from "./server-clock.ts";

/** Which till this is, as its owner said when it was paired. */
export type Till = Result<"auth.pairTill">;

const TILL = "till.id";

/**
 * The platform as a till sees it. Every request is signed with the till's key (RFC 9421), so amount and code are covered; the token only
 * says how long that is good, and is asked for again when it ends.
 */
export class TillClient {
	readonly #key: DeviceKey;
	readonly #clock = new ServerClock();
	#signer: RequestSigner;
	#till: Till | null;
	#accessToken: string | undefined;
	#hasHeardServer = false;

	private constructor(key: DeviceKey, till: Till | null) {
		this.#key = key;
		this.#till = till;
		this.#signer = this.#signerOf(till);
	}

	static async open(): Promise<TillClient> {
		const key = await deviceKeyOf("till");
		return new TillClient(key, (await kept<Till>(TILL)) ?? null);
	}

	/** What time it is for the platform, as far as this till has heard. */
	get nowMs(): number {
		return this.#clock.nowMs;
	}

	/** They sign under other names, and go by one clock. */
	#signerOf(till: Till | null): RequestSigner {
		const { origin } = location;
		return new RequestSigner(this.#key, { origin, clock: this.#clock, ...(till && { keyId: till.tillId }) });
	}

	/** Nothing until it is paired. */
	get till(): Till | null {
		return this.#till;
	}

	/** Joins a store by the code that its owner shows. */
	async pair(pairingCode: string): Promise<Outcome<Till>> {
		this.#signer = this.#signerOf(null);
		const outcome = await this.call("auth.pairTill", { pairingCode, publicJwk: this.#key.publicJwk });
		if (outcome.ok) {
			this.#till = outcome.value;
			await keep(TILL, this.#till);
			this.#signer = this.#signerOf(this.#till);
		}
		return outcome;
	}

	/** Forgets the store, as when its owner has ended this till. */
	async unpair(): Promise<void> {
		this.#till = null;
		this.#accessToken = undefined;
		await forget(TILL);
	}

	/** Calls the action of that name. What is refused comes back as a problem; `unauthenticated` means that the owner ended this till. */
	call<N extends Name>(name: N, said: Said<N>, asking: Asking = {}): Promise<Outcome<Answered<N>>> {
		const wire = wireOf(name, said);
		const needsToken = routeOf(name).binds === undefined;
		return untilKnown<Answered<N>>(wire, (signal) => this.#send(wire, { signal, needsToken }), asking);
	}

	/** What became of a request, by the address that its problem named. */
	ask<T>(statusUrl: string, asking: Asking = {}): Promise<Outcome<T>> {
		const wire = { method: "GET", path: statusUrl };
		return untilKnown<T>(wire, (signal) => this.#send(wire, { signal, needsToken: true }), asking);
	}

	async #send(wire: Wire, { signal, needsToken }: { signal: AbortSignal; needsToken: boolean }): Promise<Response> {
		if (!needsToken) return this.#attempt(wire, signal, undefined);
		if (this.#accessToken === undefined) {
			const refusal = await this.#signIn(signal);
			if (refusal) return refusal;
		}
		const answer = await this.#attempt(wire, signal, this.#accessToken);
		if (answer.status !== 401) return answer;
		// The token may have ended; if the till has, this says so.
		const refusal = await this.#signIn(signal);
		return refusal ?? this.#attempt(wire, signal, this.#accessToken);
	}

	/** @returns the answer, where it is no token */
	async #signIn(signal: AbortSignal): Promise<Response | undefined> {
		const answer = await this.#attempt(wireOf("auth.signInTill", {}), signal, undefined);
		if (!answer.ok) return answer;
		const { accessToken, tokenType: _, expiresInS: __, ...till } = (await answer.json()) as Result<"auth.signInTill">;
		this.#accessToken = accessToken;
		// Its owner may have changed what it may do.
		if (JSON.stringify(till) !== JSON.stringify(this.#till)) await keep(TILL, till);
		this.#till = till;
		return undefined;
	}

	async #attempt(wire: Wire, signal: AbortSignal, accessToken: string | undefined): Promise<Response> {
		const isFirst = !this.#hasHeardServer;
		const answer = await this.#fetch(wire, signal, accessToken);
		// Before the first answer the server's clock is not known: a till whose own is wrong is refused once.
		return isFirst && answer.status === 401 ? this.#fetch(wire, signal, accessToken) : answer;
	}

	async #fetch(wire: Wire, signal: AbortSignal, accessToken: string | undefined): Promise<Response> {
		const { method, path, body, contentType, idempotencyKey } = wire;
		const signed = await this.#signer.headersFor({ method, path, accessToken, idempotencyKey, body });
		const answer = await fetch(path, {
			method,
			cache: "no-store",
			redirect: "error",
			credentials: "omit",
			signal,
			headers: { ...signed, ...(contentType && { "content-type": contentType }) },
			...(body && { body }),
		});
		this.#signer.learn(answer);
		this.#hasHeardServer = true;
		return answer;
	}
}
