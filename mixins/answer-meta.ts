import type { CallingOptions, Context, Middleware } from "moleculer";
import type { Meta } from "../services/actions.ts";

type Answer = Promise<unknown> & { ctx?: Context<unknown, Meta> };
type Call = (name: string, params?: unknown, options?: CallingOptions) => Answer;

/**
 * Of what comes back beside an answer (Moleculer's `meta`), who asked takes over that it is a stored one, and nothing else. Moleculer takes over
 * everything: whoever is asked anything could say who asked, and in whose name all the rest of the request is done; or what the gateway sends.
 *
 * It stands within all that may ask a second time: each of them is asked by who asked first.
 */
export const answerMeta: Middleware = {
	name: "AnswerMeta",
	call: (next: Call) =>
		function answered(name: string, params?: unknown, options: CallingOptions = {}) {
			const { meta } = options;
			const answer = next(name, params, meta ? { ...options, meta: { ...meta } } : options);
			const { ctx } = answer;
			// Where Moleculer looks for it. There is none where nobody could be asked.
			if (ctx) answer.ctx = Object.create(ctx, { meta: { get: () => takenOver(ctx.meta) } });
			return answer;
		},
} as unknown as Middleware;

const takenOver = ({ replayed }: Meta): Pick<Meta, "replayed"> => (typeof replayed === "boolean" ? { replayed } : {});
