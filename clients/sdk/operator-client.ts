import type { Answered } from "../../services/actions.ts";
import { type Asking, untilKnown } from "./persistence.ts";
import type { Outcome } from "./problem.ts";
import { type Name, type Said, wireOf } from "./request.ts";

/** The internal port as an operator sees it. The token is kept by whoever made this, and nowhere longer than they want. */
export class OperatorClient {
	readonly #token: string;

	constructor(token: string) {
		this.#token = token;
	}

	call<N extends Name>(name: N, said: Said<N>, asking: Asking = {}): Promise<Outcome<Answered<N>>> {
		const wire = wireOf(name, said);
		const { method, path, body, contentType, idempotencyKey } = wire;
		return untilKnown<Answered<N>>(
			wire,
			(signal) =>
				fetch(path, {
					method,
					cache: "no-store",
					credentials: "omit",
					signal,
					headers: {
						authorization: `Bearer ${this.#token}`,
						...(contentType && { "content-type": contentType }),
						...(idempotencyKey && { "idempotency-key": idempotencyKey }),
					},
					...(body && { body }),
				}),
			asking,
		);
	}
}
