import { type FieldError, type ProblemCode, type ProblemData, problemOf, problems } from "../errors.ts";

/** RFC 9457, with our code, the trace and, where they help, the fields at fault or where to ask. */
export type ProblemDocument = {
	readonly type: string;
	readonly title: string;
	readonly status: number;
	readonly code: ProblemCode;
	readonly detail?: string;
	readonly traceId: string;
	readonly errors?: readonly FieldError[];
	readonly statusUrl?: string;
};

export const problemType = (code: ProblemCode): string => `/problems/${code}`;

/**
 * What a client is told about an error. Only errors of our own catalogue may say more than their title: what comes from
 * elsewhere could say anything, a password or a stack trace among it.
 *
 * @param code instead of the error's own
 */
export function toProblem(
	error: unknown,
	{ traceId, code = problemOf(error) }: { traceId: string; code?: ProblemCode },
) {
	const { status, title } = problems[code];
	const { type, message, data } = error as { type?: unknown; message?: string; data?: unknown };
	const isOurs = type === code;
	const fields = isOurs ? ((data ?? {}) as ProblemData) : {};
	const errors = fields.errors ?? (type === "VALIDATION_ERROR" ? validationErrors(data) : undefined);
	const retryAfterS = fields.retryAfterS ?? (problems[code].retryable && status !== 500 ? 1 : undefined);
	const detail = isOurs ? message : foreignDetails[String(type)];
	const document: ProblemDocument = {
		type: problemType(code),
		title,
		status,
		code,
		...(detail && detail !== title && { detail }),
		traceId,
		...(errors && { errors }),
		...(fields.statusUrl !== undefined && { statusUrl: fields.statusUrl }),
	};
	return { document, retryAfterS };
}

/** Of errors that are not ours what can be said all the same. */
const foreignDetails: Readonly<Record<string, string>> = {
	UNABLE_DECODE_PARAM: "The address has a % that UTF-8 does not have there",
};

/** Of the validator (`mixins/typebox-validator.ts`), which Moleculer gives the node and the action's name; those stay inside. A header is named as it is sent. */
const validationErrors = (data: unknown): FieldError[] =>
	Array.isArray(data)
		? data.map(({ at, message }: FieldError) => ({ at: at === "idempotencyKey" ? "Idempotency-Key" : at, message }))
		: [];
