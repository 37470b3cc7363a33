import { setTimeout as sleep } from "node:timers/promises";
import { type Prover, wantsNonce } from "../../clients/sdk/prover.ts";
import type { Actions, Params, Result } from "../../services/actions.ts";

type ActionName = keyof Actions & string;

/** RFC 9457, as Hannip answers refusals and failures. */
export type Problem = { readonly code: string; readonly detail?: string; readonly traceId?: string };

export type Answer<T> = { readonly status: number; readonly replayed: boolean } & (
	| { readonly ok: true; readonly body: T }
	| { readonly ok: false; readonly problem: Problem }
);

export type Request = {
	readonly method: "GET" | "POST";
	readonly path: string;
	readonly query?: Readonly<Record<string, string | number>>;
	readonly body?: object | string;
	/** The Idempotency-Key: with it the request may be repeated until its outcome is known. */
	readonly key?: string;
	/** Without a key, but harmless when it arrives twice. */
	readonly repeatable?: boolean;
	readonly timeoutMs?: number;
};

type PostOptions = Pick<Request, "key" | "repeatable" | "timeoutMs">;

/** A caller's view of one port. The type argument names the action behind the path, and with it the body and the answer. */
export type Client = {
	get<Name extends ActionName>(path: string, query?: Request["query"]): Promise<Answer<Result<Name>>>;
	post<Name extends ActionName>(
		path: string,
		body: Partial<Params<Name>>,
		options?: PostOptions,
	): Promise<Answer<Result<Name>>>;
	postCsv<Name extends ActionName>(path: string, csv: string): Promise<Answer<Result<Name>>>;
	getText(path: string): Promise<Answer<string>>;
	/** What goes over the wire, for those who want to send it themselves. */
	prepare(request: Request): Promise<Prepared>;
};

export type Prepared = {
	readonly url: string;
	readonly init: { method: string; headers: Record<string, string>; body?: string };
};

/** Nobody answered, however often it was asked. */
export class NoAnswer extends Error {
	readonly baseUrl: string;
	constructor(baseUrl: string, { method, path }: Request, reason: string) {
		super(`${method} ${path}: no answer (${reason})`);
		this.baseUrl = baseUrl;
	}
}

/** Together with the pauses between them long enough for a platform that is restarted. */
const ATTEMPTS_MAX = 6;
const PAUSE_MAX_MS = 10_000;

/** A device, and the token that it has, if it is logged in; or the operator's token. */
export type Credential = {
	readonly prover: Prover;
	readonly accessToken: () => Promise<string>;
	readonly operatorToken: string;
};

export function createClient(baseUrl: string, credential: Partial<Credential> = {}): Client {
	const { prover, accessToken, operatorToken } = credential;
	const prepare = async ({ method, path, query, body, key }: Request): Promise<Prepared> => {
		const url = new URL(baseUrl + path);
		for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, String(value));
		const headers: Record<string, string> = { accept: "application/json, application/problem+json, text/csv" };
		if (operatorToken) headers.authorization = `Bearer ${operatorToken}`;
		if (prover) Object.assign(headers, await prover.headersFor({ method, path, accessToken: await accessToken?.() }));
		if (key) headers["idempotency-key"] = key;
		if (body === undefined) return { url: url.href, init: { method, headers } };
		headers["content-type"] = typeof body === "string" ? "text/csv; charset=utf-8" : "application/json";
		return { url: url.href, init: { method, headers, body: typeof body === "string" ? body : JSON.stringify(body) } };
	};
	const send = async <T>(request: Request): Promise<Answer<T>> =>
		(await untilAnswered(baseUrl, request, { prepare: () => prepare(request), prover })) as Answer<T>;
	return {
		get: (path, query) => send({ method: "GET", path, ...(query && { query }) }),
		post: (path, body, options) => send({ method: "POST", path, body, ...options }),
		postCsv: (path, csv) => send({ method: "POST", path, body: csv, repeatable: true }),
		getText: (path) => send({ method: "GET", path }),
		prepare,
	};
}

/** Repeats what may be repeated, with the same key, a bounded number of times. @throws NoAnswer */
async function untilAnswered(baseUrl: string, request: Request, sending: Sending): Promise<Answer<unknown>> {
	const repeatable = request.method === "GET" || request.key !== undefined || request.repeatable === true;
	for (let attempt = 1; ; attempt += 1) {
		const { answer, retryAfterMs, error } = await attemptOnce(request, sending);
		// 429 says that nothing was done, so even what must not arrive twice can be sent again.
		const again = answer?.status === 429 || (repeatable && (answer === undefined || answer.status === 503));
		if (attempt === ATTEMPTS_MAX || !again) {
			if (answer) return answer;
			throw new NoAnswer(baseUrl, request, reasonOf(error));
		}
		await sleep(Math.min(retryAfterMs ?? 100 * 2 ** attempt, PAUSE_MAX_MS));
	}
}

type Sending = { readonly prepare: () => Promise<Prepared>; readonly prover: Prover | undefined };
type Attempt = { readonly answer?: Answer<unknown>; readonly retryAfterMs?: number; readonly error?: unknown };

async function attemptOnce({ timeoutMs = 10_000 }: Request, { prepare, prover }: Sending): Promise<Attempt> {
	const send = async () => {
		const { url, init } = await prepare();
		const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs), redirect: "error" });
		prover?.learn(response);
		return response;
	};
	try {
		const first = await send();
		const response = prover && wantsNonce(first) ? await send() : first;
		const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
		const answer = read(response, await response.text());
		return { answer, ...(Number.isFinite(retryAfterS) && { retryAfterMs: retryAfterS * 1_000 }) };
	} catch (error) {
		return { error };
	}
}

function read(response: Response, text: string): Answer<unknown> {
	const { status, ok, headers } = response;
	const replayed = headers.get("idempotent-replayed") === "true";
	const body = headers.get("content-type")?.includes("json") ? (JSON.parse(text) as unknown) : text;
	return ok
		? { status, replayed, ok, body }
		: { status, replayed, ok: false, problem: isProblem(body) ? body : { code: "(no problem+json)" } };
}

const isProblem = (body: unknown): body is Problem => typeof (body as { code?: unknown } | null)?.code === "string";

/** fetch says "fetch failed" and keeps the reason in `cause`. */
export function reasonOf(error: unknown): string {
	const { message, cause } = error as Error & { cause?: Error & { code?: string } };
	return cause ? (cause.code ?? cause.message) : message;
}

/** The one line that tells an answer from another: `201`, or `409 code_used`. */
export const outcomeOf = (answer: Answer<unknown>): string =>
	answer.ok ? String(answer.status) : `${answer.status} ${answer.problem.code}`;

/** @throws when the request was refused, with everything that the refusal says */
export function bodyOf<T>(answer: Answer<T>): T {
	if (answer.ok) return answer.body;
	const { detail, traceId } = answer.problem;
	throw new Error(`${outcomeOf(answer)}${detail ? `: ${detail}` : ""}${traceId ? ` (trace ${traceId})` : ""}`);
}
