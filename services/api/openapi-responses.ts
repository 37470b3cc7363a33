import { type ProblemCode, problems } from "../errors.ts";
import { type Reachable, rights } from "../rights.ts";
import { BODY_BYTES_MAX, LARGE_BODY_BYTES_MAX } from "./body.ts";
import { type JsonSchema, published } from "./openapi-schema.ts";
import { securityOf } from "./openapi-security.ts";
import { isFile, type Route } from "./routes.ts";

export const problemSchema = {
	type: "object",
	description: "RFC 9457",
	required: ["type", "title", "status", "code", "traceId"],
	properties: {
		type: { type: "string", description: "Where the code is explained" },
		title: { type: "string" },
		status: { type: "integer" },
		code: { type: "string", enum: Object.keys(problems) },
		detail: { type: "string" },
		traceId: { type: "string", description: "Tell it the operator" },
		errors: {
			type: "array",
			description: "What is wrong with what was sent, where that can be said of a part of it",
			items: {
				type: "object",
				required: ["at", "message"],
				properties: {
					at: {
						type: "string",
						description: "A field (`items.0.quantity`), parameter or header; a line of an import; `(all)`: all of it",
					},
					message: { type: "string" },
				},
			},
		},
		statusUrl: { type: "string", description: "Where to ask what became of the request" },
	},
};

const header = (description: string, { required = false, type = "string" } = {}) => ({
	description,
	...(required && { required }),
	schema: { type },
});

/** By the names under which answers refer to them. */
export const headers = {
	"DPoP-Nonce": header(
		"A nonce for the next proofs (RFC 9449 8). It comes with every answer to a good proof, whatever was answered",
	),
	RateLimit: header(
		'`"default";r=R;t=T`: how many requests are left, and for how many seconds (draft-ietf-httpapi-ratelimit-headers)',
	),
	"RateLimit-Policy": header('`"default";q=Q;w=W`: how many requests there may be in how many seconds'),
	"X-Request-ID": header("The trace id, as the operator finds it"),
	Location: header("Where what was made can be read", { required: true }),
	"Idempotent-Replayed": header("`true`: an earlier request with this key was carried out, and this is its answer"),
	"Set-Cookie": header("The refresh cookie, see `refreshCookie`; or that it is gone", { required: true }),
	"Content-Disposition": header("How to name the file", { required: true }),
	"Cache-Control": header("How long anybody may keep it", { required: true }),
	"WWW-Authenticate": header("What is wanted (RFC 9110 11.6.1)", { required: true }),
	"Accept-Signature": header("What is to be signed (RFC 9421 5.1)", { required: true }),
	"Retry-After": header("Seconds", { required: true, type: "integer" }),
	Allow: header("Of a 405: the methods that there are"),
} as const;

const withHeaders = (names: readonly (keyof typeof headers)[]) =>
	names.length > 0
		? { headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])) }
		: {};

/** Of whoever is let in is said how much they have asked; of operators nobody counts it. */
const counted = ({ action }: Route): boolean => !(rights[action] as readonly string[]).includes("operator");
const proved = (route: Route): boolean =>
	securityOf(route).some((wanted) => "person" in wanted || "deviceKey" in wanted);
const hasBody = ({ method }: Route): boolean => method === "POST" || method === "PATCH";

/** What money requests can be refused for, whatever they are. */
const moved: readonly ProblemCode[] = [
	"account_not_found",
	"account_frozen",
	"account_closed",
	"cancelled",
	"deadline_exceeded",
];
/** And whatever else is written down in the ledger. */
const appended: readonly ProblemCode[] = ["ledger_busy", "ledger_unavailable", "outcome_unknown"];

/** What actions refuse for reasons of their own. Tests hold every answer that they get against it. */
const own: Partial<Record<Reachable, readonly ProblemCode[]>> = {
	"user.signUp": ["handle_taken", "password_too_common", "too_many_attempts", ...appended],
	"user.freeze": appended,
	"store.create": ["too_many_stores", ...appended],
	"auth.login": ["invalid_credentials", "too_many_attempts"],
	"auth.refresh": ["session_ended", "cross_site_request"],
	"auth.changePassword": ["invalid_credentials", "password_too_common", "too_many_attempts"],
	"auth.pairTill": ["pairing_code_invalid"],
	"user.unfreeze": ["invalid_credentials", "too_many_attempts", "account_frozen", ...appended],
	"user.charge": ["charge_limit_exceeded"],
	"user.send": ["insufficient_credit", "same_account"],
	"store.decide": ["approval_mismatch", "not_pending", "hold_expired", "transfer_not_found"],
	"store.addStaff": ["too_many_staff"],
	"store.createProduct": ["sku_taken", "too_many_products"],
	"store.editProduct": ["sku_taken", "version_conflict"],
	"store.importProducts": ["import_rejected", "too_many_products", "sku_taken", "version_conflict"],
	"store.setPhoto": ["photo_invalid", "version_conflict"],
	"store.sell": [
		"code_invalid",
		"code_expired",
		"code_too_early",
		"code_used",
		"code_cap_exceeded",
		"own_store",
		"product_unavailable",
		"price_changed",
		"discount_too_large",
		"amount_out_of_range",
		"insufficient_credit",
	],
	"store.cancelSale": ["not_cancellable", "not_refundable", "insufficient_credit", "transfer_not_found"],
	"store.refundSale": ["not_refundable", "refund_exceeds_sale", "insufficient_credit", "transfer_not_found"],
	"store.payOut": ["insufficient_credit"],
	"store.createWebhook": ["too_many_webhooks"],
	"store.replayDelivery": ["webhook_off"],
	"store.replayDeliveries": ["webhook_off"],
	"store.rotateWebhookSecret": ["secret_rotated_recently"],
	"operator.rotateKeys": ["keys_rotated_recently"],
	"credit.account": ["account_not_found"],
	"credit.statement": ["account_not_found"],
	"operator.account": ["account_not_found"],
	"operator.payment": ["transfer_not_found"],
	"operator.freeze": ["account_not_found", "account_closed", ...appended],
	"operator.unfreeze": ["account_not_found", "account_closed", "frozen_by_others", ...appended],
	"operator.adjust": ["forbidden", "second_operator_needed", "insufficient_credit"],
	"operator.decideAdjustment": ["second_operator_needed", "insufficient_credit", "not_pending", ...moved, ...appended],
	"operator.drain": ["last_process"],
};

function refusalsOf(route: Route): ProblemCode[] {
	const { action, idempotent, csv } = route;
	const isInStore = (rights[action] as readonly string[]).some((role) => role === "owner");
	const asked: (ProblemCode | false | undefined)[] = [
		"malformed_request",
		idempotent && "idempotency_key_missing",
		securityOf(route).length > 0 && "unauthenticated",
		proved(route) && "dpop_nonce_required",
		isInStore && "forbidden",
		"not_found",
		hasBody(route) && "payload_too_large",
		(hasBody(route) || (csv && "into" in csv)) && "unsupported_media_type",
		"validation_failed",
		route.method === "PATCH" && "precondition_failed",
		idempotent && "idempotency_key_reused",
		counted(route) && "rate_limited",
		"service_unavailable",
		"overloaded",
		"read_model_behind",
	];
	const codes = asked.filter((code) => code !== false && code !== undefined);
	return [...new Set([...codes, ...(idempotent ? [...moved, ...appended] : []), ...(own[action] ?? [])])];
}

const problemContent = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

/** @param isOutcome whether one asks there what became of a request whose answer never came */
function problemResponse(route: Route, status: number, codes: readonly ProblemCode[], isOutcome: boolean) {
	const lines = codes.map((code) => `\`${code}\`: ${problems[code].title}`);
	const names: (keyof typeof headers)[] = ["X-Request-ID"];
	if (status === 401) names.push("WWW-Authenticate");
	if (status === 401 && (route.binds === "till" || route.binds === "newTill")) names.push("Accept-Signature");
	if (proved(route)) names.push("DPoP-Nonce");
	if (codes.every((code) => problems[code].retryable)) names.push("Retry-After");
	if (status === 413) lines.push(`At most ${sizeOf(route)}.`);
	if (status === 404 && isOutcome)
		lines.push(
			"It may not be there *yet*: the request can still be on its way. So this is not final; repeat that request with the same key.",
		);
	return { description: lines.join("\n\n"), ...withHeaders(names), content: problemContent, "x-codes": codes };
}

export const sizeOf = ({ largeBody }: Route): string =>
	`${(largeBody ? LARGE_BODY_BYTES_MAX : BODY_BYTES_MAX).toLocaleString("en")} bytes, before and after Content-Encoding`;

const eventStream = {
	"text/event-stream": {
		schema: {
			type: "string",
			description:
				"Server-sent events. `transaction`: one of `items`, with its `cursor` as the event's id. `account`: the account, at the " +
				"beginning and whenever it changes. The stream ends with the access token: come back with a new one, and with the last id in Last-Event-ID.",
		},
	},
};

const FILE =
	"The file, of any length. It comes while it is made: one that could not be made to its end is cut off without HTTP's last chunk, which every client takes for an " +
	"error. By HTTP/1.0 a longer one is refused, as that could not be told there.";

function doneOf(route: Route, returns: JsonSchema) {
	const { refreshToken: _, ...properties } = returns.properties ?? {};
	const whole = returns.properties ? { ...returns, properties } : returns;
	const schema = published((isFile(route) && properties.csv) || whole);
	const type = route.image ? "image/jpeg" : isFile(route) ? "text/csv" : "application/json";
	const said = {
		"DPoP-Nonce": proved(route),
		RateLimit: counted(route),
		"RateLimit-Policy": counted(route),
		Location: route.location,
		"Idempotent-Replayed": route.idempotent,
		"Set-Cookie": route.refreshCookie,
		"Content-Disposition": isFile(route),
		"Cache-Control": route.cacheS,
	};
	const names = Object.entries(said).flatMap(([name, isSaid]) => (isSaid ? [name as keyof typeof said] : []));
	const content = { [type]: { schema }, ...(route.live && eventStream) };
	return {
		description: isFile(route) ? FILE : "Done",
		...withHeaders(names),
		...(route.status !== 204 && { content }),
	};
}

export function responsesOf(route: Route, returns: JsonSchema, isOutcome: boolean) {
	const byStatus = Map.groupBy(refusalsOf(route), (code) => problems[code].status);
	const refused = [...byStatus].map(([status, codes]) => [status, problemResponse(route, status, codes, isOutcome)]);
	const other = { description: "Any other problem: see `code`", ...withHeaders(["X-Request-ID", "Allow"]) };
	return {
		[route.status ?? 200]: doneOf(route, returns),
		...Object.fromEntries(refused),
		default: { ...other, content: problemContent },
	};
}
