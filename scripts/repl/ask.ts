import type { Params, Result } from "../../services/actions.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { type FieldError, isProblemCode, type ProblemCode, problems } from "../../services/errors.ts";
import type { Reachable } from "../../services/rights.ts";

/** How a command asks the platform. @throws Refused, with the catalogue's words */
export type Ask = <Name extends Reachable>(name: Name, params: Params<Name>) => Promise<Result<Name>>;

/** What came instead of an answer. */
export class Refused extends Error {
	readonly code: ProblemCode | null;
	constructor(message: string, code: ProblemCode | null = null) {
		super(message);
		this.code = code;
	}
}

/** Nobody is at that address, as far as one can see from here. */
export class Unreachable extends Refused {}

/** An audit takes as long as the log is long. */
const TIMEOUT_MS = 600_000;

/**
 * By the internal port, whose gateway finds out from the token who it is. Not by the bus that the processes use: whoever is let in there may say
 * that they are anybody.
 */
export const askByHttp =
	(url: string, token: string, timeoutMs = TIMEOUT_MS): Ask =>
	async (name, params) => {
		const route = internalRoutes.find(({ action }) => action === name);
		if (!route) throw new Refused(`${name} is not for operators`);
		const left = new Map(Object.entries(params as object));
		const path = route.path.replace(/:(\w+)/g, (_, key: string) => {
			const value = String(left.get(key));
			left.delete(key);
			return encodeURIComponent(value);
		});
		const key = left.get("idempotencyKey") as string | undefined;
		left.delete("idempotencyKey");
		const isRead = route.method === "GET";
		const query =
			isRead && left.size > 0
				? `?${new URLSearchParams([...left].map(([name, value]): [string, string] => [name, String(value)]))}`
				: "";
		const response = await fetch(new URL(path + query, url), {
			method: route.method,
			headers: {
				authorization: `Bearer ${token}`,
				"content-type": "application/json",
				...(key !== undefined && { "idempotency-key": key }),
			},
			...(!isRead && { body: JSON.stringify(Object.fromEntries(left)) }),
			signal: AbortSignal.timeout(timeoutMs),
		}).catch((error: Error) => {
			const said = `${url} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`;
			// Somebody took the question, and may take others.
			throw error.name === "TimeoutError" ? new Refused(said) : new Unreachable(said);
		});
		const body = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; errors?: FieldError[] };
		if (response.ok) return body as never;
		if (!isProblemCode(body.code))
			throw new Refused(`${url} answered ${response.status}: it is not the internal port of Hannip`);
		// The catalogue speaks to those who write clients.
		if (response.status === 401)
			throw new Refused(
				`${url} does not take this operator's token: OPERATOR_TOKEN, or what DATA_DIR has in operator.token.`,
				body.code,
			);
		throw refusalOf({ ...body, code: body.code, retryAfter: response.headers.get("retry-after") });
	};

type Said = { code: ProblemCode; detail?: string; errors?: readonly FieldError[]; retryAfter: string | null };

function refusalOf({ code, detail, errors = [], retryAfter }: Said): Refused {
	const { title, remedy } = problems[code];
	const what = detail && detail !== title && code !== "validation_failed" ? `${title}: ${detail}` : title;
	const fields = errors.map(({ at, message }) => `  ${at}: ${message}`);
	const wait = retryAfter === null ? [] : [`Retry-After: ${retryAfter} s`];
	return new Refused([`${what}. ${remedy}`, ...wait, ...fields].join("\n"), code);
}
