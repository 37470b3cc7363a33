import type { ProblemCode } from "../../services/errors.ts";

/**
 * Why something was not done (RFC 9457), as a value: what is expected to happen is not thrown. Besides the catalogue's codes there are three
 * that only a client can know: `unreachable`, nothing was sent or it had no effect; `not_understood`, what answered is not Hannip; `not_kept`,
 * nothing was sent because this device has no room to write down that it was.
 */
export type Problem = {
	readonly code: ProblemCode | "unreachable" | "not_understood" | "not_kept";
	/** 0 when there was no answer. */
	readonly status: number;
	readonly title: string;
	readonly detail?: string;
	/** For the operator. */
	readonly traceId?: string;
	/** Which field is wrong, and why. */
	readonly errors?: readonly { readonly at: string; readonly message: string }[];
	/** Where to ask what became of it. */
	readonly statusUrl?: string;
	readonly retryAfterS?: number;
};

export type Outcome<T> =
	| { readonly ok: true; readonly value: T; readonly isReplay: boolean }
	| { readonly ok: false; readonly problem: Problem };

export const refused = (problem: Problem): { readonly ok: false; readonly problem: Problem } => ({
	ok: false,
	problem,
});

/** Whether it says for sure that what was asked for is not done, and never by itself will be. */
export const isRefusal = ({ status, code }: Problem): boolean =>
	status >= 400 && status < 500 && code !== "rate_limited";

export const unreachable: Problem = { code: "unreachable", status: 0, title: "The platform cannot be reached" };

export const notKept: Problem = { code: "not_kept", status: 0, title: "This device has no room to keep it" };

export const unknownOutcome = (statusUrl: string): Problem => ({
	code: "outcome_unknown",
	status: 0,
	title: "It is not known yet whether this was booked",
	statusUrl,
});

/** What an answer says, whoever wrote it. */
export async function outcomeOf<T>(answer: Response): Promise<Outcome<T>> {
	const isReplay = answer.headers.get("idempotent-replayed") === "true";
	const type = answer.headers.get("content-type") ?? "";
	if (answer.status === 204) return { ok: true, value: {} as T, isReplay };
	try {
		if (answer.ok && type.startsWith("text/csv")) return { ok: true, value: (await answer.text()) as T, isReplay };
		const body: unknown = await answer.json();
		if (answer.ok) return { ok: true, value: body as T, isReplay };
		const retryAfterS = Number(answer.headers.get("retry-after") ?? Number.NaN);
		if (typeof (body as { code?: unknown }).code === "string")
			return refused({ ...(body as Problem), ...(Number.isFinite(retryAfterS) && { retryAfterS }) });
	} catch (error) {
		// A body that breaks off is no answer.
		if (!(error instanceof SyntaxError)) throw error;
	}
	return refused({ code: "not_understood", status: answer.status, title: "The answer cannot be understood" });
}
