import { Errors } from "moleculer";

/**
 * Every refusal and failure that Hannip answers with, once. The HTTP status, the wording, the log level and the page at
 * `/problems/{code}` all come from here (RFC 9457: `type` is that page's address, `title` is `title`).
 *
 * - `retryable`: may the *same* request, with the same idempotency key, succeed later without being changed?
 * - `log`: the level at which the gateway logs one occurrence.
 */
export type Problem = {
	readonly status: number;
	readonly retryable: boolean;
	readonly log: "debug" | "info" | "warn" | "error";
	readonly title: string;
	/** What the caller can do about it. */
	readonly remedy: string;
};

const problem = (
	status: number,
	title: string,
	remedy: string,
	{ retryable = false, log = "debug" }: Partial<Problem> = {},
): Problem => ({ status, title, remedy, retryable, log });

export const problems = {
	// What was sent cannot be understood.
	malformed_request: problem(
		400,
		"The request cannot be read",
		"Send well-formed JSON or CSV, and in the address no % but of UTF-8.",
	),
	idempotency_key_missing: problem(
		400,
		"The Idempotency-Key header is missing",
		"Make a new UUID for every new intention and send it as Idempotency-Key; repeat the same one when you retry.",
	),
	validation_failed: problem(
		422,
		"Some fields are not acceptable",
		"See `errors`: each names a field, parameter or header, and what is wrong with it.",
	),
	idempotency_key_reused: problem(
		422,
		"This Idempotency-Key was used for something else",
		"Send a new Idempotency-Key for a new intention.",
	),
	payload_too_large: problem(413, "The body is too large", "Stay below the documented size."),
	headers_too_large: problem(
		431,
		"The address and the headers are too large",
		"Send less than 16 kB of both together.",
	),
	request_timeout: problem(408, "The request did not come in time", "Send it again, all of it at once.", {
		retryable: true,
	}),
	unsupported_media_type: problem(
		415,
		"The body has a type that is not accepted here",
		"Send the documented Content-Type.",
	),
	not_found: problem(404, "There is nothing here, or it is not yours", "Check the address and the id."),
	method_not_allowed: problem(405, "This address does not take this method", "See Allow."),

	// Who is asking.
	unauthenticated: problem(
		401,
		"A valid access token is needed, and a proof that it is yours",
		"Log in, or refresh the session, and send the access token with a new DPoP proof for each request (RFC 9449).",
	),
	dpop_nonce_required: problem(
		401,
		"The proof needs a nonce of ours",
		"Repeat the request with a new proof that has the nonce of the DPoP-Nonce header (RFC 9449, 8).",
	),
	rate_limited: problem(429, "There were too many requests", "Wait as long as Retry-After says.", {
		retryable: true,
		log: "info",
	}),
	pairing_code_invalid: problem(
		409,
		"This pairing code is not good, or not any more",
		"Ask the store's owner for a new one: each is good for one till and ten minutes.",
	),
	invalid_credentials: problem(401, "The handle or the password is wrong", "Check both."),
	too_many_attempts: problem(
		429,
		"There were too many wrong passwords",
		"Wait as long as Retry-After says, or use a device that was logged in to this account before.",
		{ retryable: true, log: "info" },
	),
	password_too_common: problem(
		422,
		"This password is among the first that anybody would guess",
		"Choose one that is in no list and is not your handle: a few words that do not belong together are good.",
	),
	session_ended: problem(401, "The session has ended", "Log in again."),
	forbidden: problem(
		403,
		"You may not do this here",
		"Ask the store's owner to do it, or for the right to; as an operator, show a token of your own.",
	),
	cross_site_request: problem(
		403,
		"This request may not come from another site",
		"Call it from the platform's own pages.",
	),

	// What operators do.
	keys_rotated_recently: problem(
		409,
		"The signing keys were rotated a moment ago",
		"Wait as long as Retry-After says: everybody must have heard of the next key before it signs.",
		{ retryable: true },
	),

	second_operator_needed: problem(
		403,
		"Another operator has to confirm this",
		"Ask somebody with a token and a name of their own: whoever asks for an adjustment does not confirm it.",
	),
	frozen_by_others: problem(
		409,
		"You have not frozen this account, others have",
		"Ask them to open it; or open it for everybody, by lift: all.",
	),
	last_process: problem(
		409,
		"No other process does what this one does",
		"Start another one first, or end this one where it was started.",
	),

	// People, shops and their things.
	too_many_stores: problem(409, "You have as many stores as one person can", "Use one that you have."),
	too_many_products: problem(409, "The store has as many products as it can", "Archived ones count, too."),
	too_many_staff: problem(409, "As many people sell in the store as can", "Remove somebody who does no longer."),
	too_many_webhooks: problem(409, "The store has as many webhooks as it can", "Remove one that is not needed."),
	webhook_off: problem(409, "The webhook is switched off", "Switch it on first: what is sent again now would fail."),
	secret_rotated_recently: problem(
		409,
		"The secret was changed within the last day",
		"Wait as long as Retry-After says: until then the one before is good as well.",
		{ retryable: true },
	),
	handle_taken: problem(409, "This handle is taken", "Choose another handle."),
	version_conflict: problem(
		409,
		"It was changed by someone else in the meantime",
		"Read it again and repeat the change on what you read.",
	),
	precondition_failed: problem(
		412,
		"It is not what If-Match asks for",
		"Leave If-Match out: there are no entity tags here. Where changes must not cross, `version` in the body says it.",
	),
	sku_taken: problem(409, "Another product of this store has this SKU", "Choose another SKU."),
	photo_invalid: problem(
		422,
		"This is not a photo that can be shown",
		"Send a JPEG of at most 100 kB and 1,024 × 1,024 points, as base64.",
	),
	product_unavailable: problem(409, "A product in the basket is not for sale", "Remove it from the basket."),
	discount_too_large: problem(
		409,
		"The discount is more than may be given here",
		"Give a smaller one, or ask the store's owner to.",
	),
	price_changed: problem(409, "The basket does not cost what the till showed", "Show the new total and ask again."),
	import_rejected: problem(
		422,
		"The product list was not imported",
		"See `errors`: each names a line and what is wrong with it. Nothing was changed.",
	),

	// Payment codes.
	code_invalid: problem(422, "This is not a payment code of ours", "Scan the customer's code again."),
	code_expired: problem(409, "The payment code has expired", "Ask the customer for a new code."),
	code_too_early: problem(
		409,
		"The payment code is not good yet",
		"Ask the customer for the code of this moment: this one was made ahead.",
	),
	code_used: problem(409, "The payment code was used already", "Ask the customer for a new code."),
	approval_mismatch: problem(
		409,
		"This is not what the shop asks for",
		"Read the approval again and confirm the store and the total that it has.",
	),
	code_cap_exceeded: problem(
		409,
		"The payment code does not cover this amount",
		"Ask the customer for a code with a higher cap.",
	),

	// Money.
	amount_out_of_range: problem(
		422,
		"The amount is out of range",
		"Amounts are whole numbers from 1 to 1,000,000,000,000.",
	),
	insufficient_credit: problem(409, "There is not enough credit", "Charge first, or choose a smaller amount."),
	charge_limit_exceeded: problem(409, "The charge is above the limit", "Charge less at once."),
	same_account: problem(409, "Credit cannot move from an account to itself", "Choose another recipient."),
	own_store: problem(409, "An owner cannot pay in their own store", "Let another wallet pay."),
	account_not_found: problem(404, "There is no such account", "Check the id."),
	account_exists: problem(409, "The account exists already", "Use it."),
	account_frozen: problem(409, "The account is frozen", "Ask the operator."),
	account_closed: problem(409, "The account is closed", "Use another account."),
	account_not_empty: problem(
		409,
		"The account still has credit or open holds",
		"Pay it out and settle its holds first, or freeze it.",
	),
	transfer_not_found: problem(404, "There is no such transfer", "Check the id."),
	not_pending: problem(409, "The hold is not open any more", "Look at its state."),
	hold_expired: problem(409, "The hold has expired", "Ask the customer to pay again."),
	not_refundable: problem(409, "This transfer cannot be refunded", "Only a sale that was posted can be refunded."),
	not_cancellable: problem(
		409,
		"This cannot be cancelled",
		"Only payments can, and with an Idempotency-Key of the cancel's own.",
	),
	refund_exceeds_sale: problem(
		409,
		"The refund is larger than what is left of the sale",
		"Refund at most what has not been refunded yet.",
	),
	amount_exceeds_hold: problem(409, "The amount is larger than the hold", "Post at most what is held."),
	cancelled: problem(409, "This was cancelled before it arrived", "Start again with a new Idempotency-Key."),
	deadline_exceeded: problem(
		409,
		"It arrived too late and was not carried out",
		"Start again with a new Idempotency-Key.",
	),

	// Load and failure.
	ledger_busy: problem(
		503,
		"The ledger has more to do than it can take",
		"Wait as long as Retry-After says, then repeat with the same Idempotency-Key.",
		{ retryable: true, log: "warn" },
	),
	ledger_unavailable: problem(
		503,
		"The ledger cannot write at the moment",
		"This attempt booked nothing. Repeat with the same Idempotency-Key.",
		{ retryable: true, log: "error" },
	),
	outcome_unknown: problem(
		503,
		"It is not known yet whether this was booked",
		"Ask `statusUrl`, or repeat with the same Idempotency-Key. Do not start anew.",
		{ retryable: true, log: "error" },
	),
	read_model_behind: problem(503, "The answer would be out of date", "Repeat in a moment.", {
		retryable: true,
		log: "warn",
	}),
	service_unavailable: problem(
		503,
		"A part of the platform is not reachable",
		"Repeat in a moment, money requests with the same Idempotency-Key.",
		{ retryable: true, log: "error" },
	),
	overloaded: problem(
		503,
		"There is more to do than can be done at once",
		"Wait as long as Retry-After says, then repeat the request.",
		// There are thousands of them a second when there are too many requests, and each line would take from those that are let in.
		{ retryable: true, log: "debug" },
	),
	internal_error: problem(500, "Something went wrong on our side", "Tell the operator the `traceId`.", {
		retryable: true,
		log: "error",
	}),
} as const satisfies Record<string, Problem>;

export type ProblemCode = keyof typeof problems;

/** One refused field of a request, or one refused line of an import. */
export type FieldError = { readonly at: string; readonly message: string };

/** What a caller may learn beyond the code. Never secrets, never another person's data. */
export type ProblemData = {
	readonly errors?: readonly FieldError[];
	readonly statusUrl?: string;
	readonly retryAfterS?: number;
	/** The token was ours and has ended. */
	readonly hasExpired?: true;
	/** Another process may reach the database that this one does not. */
	readonly lacksDatabase?: true;
};

export const isProblemCode = (value: unknown): value is ProblemCode =>
	typeof value === "string" && Object.hasOwn(problems, value);

/**
 * Makes the error for a code. It is one of Moleculer's own classes, because only these are rebuilt on another node;
 * so tell errors apart by `type` (see `problemOf`), never by `instanceof`.
 */
export function fail(code: ProblemCode, detail?: string, data: ProblemData = {}): Error {
	const { status, retryable, title } = problems[code];
	const message = detail ?? title;
	if (retryable) return new Errors.MoleculerRetryableError(message, status, code, data);
	return status < 500
		? new Errors.MoleculerClientError(message, status, code, data)
		: new Errors.MoleculerServerError(message, status, code, data);
}

/**
 * What says that nothing was booked: our own words, and Moleculer's for a call that was never sent. All other ways in which a call can end
 * without an answer leave open what was done: it timed out, or whoever worked on it has died, or was told to stop.
 */
export const surelyNotBooked: ReadonlySet<unknown> = new Set([
	"ledger_busy",
	"ledger_unavailable",
	"overloaded",
	"service_unavailable",
	"SERVICE_NOT_FOUND",
	"SERVICE_NOT_AVAILABLE",
	"INVALID_ENDPOINT",
	"QUEUE_FULL",
]);

/** What is wrong with one field of a request, `(all)` for what is wrong with it as a whole. */
export const failAt = (at: string, message: string, detail?: string): Error =>
	fail("validation_failed", detail, { errors: [{ at, message }] });

/** The catalogue's code of anything that was thrown, wherever it was thrown; `internal_error` for what nobody foresaw. */
export function problemOf(error: unknown): ProblemCode {
	const type = (error as { type?: unknown } | null)?.type;
	if (isProblemCode(type)) return type;
	return (typeof type === "string" && foreignTypes[type]) || "internal_error";
}

/** Errors of Moleculer, in our words. */
const foreignTypes: Record<string, ProblemCode> = {
	VALIDATION_ERROR: "validation_failed",
	SERVICE_NOT_FOUND: "service_unavailable",
	SERVICE_NOT_AVAILABLE: "service_unavailable",
	// A balancing strategy chose a process that has just gone.
	INVALID_ENDPOINT: "service_unavailable",
	REQUEST_TIMEOUT: "service_unavailable",
	REQUEST_SKIPPED: "service_unavailable",
	REQUEST_REJECTED: "service_unavailable",
	QUEUE_FULL: "overloaded",
	GRACEFUL_STOP_TIMEOUT: "service_unavailable",
	NOT_FOUND: "not_found",
	UNABLE_DECODE_PARAM: "malformed_request",
};
