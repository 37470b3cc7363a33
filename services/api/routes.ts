import { JWKS_CACHE_S } from "../../mixins/keyring.ts";
import type { Actions } from "../actions.ts";

/** Who may call: anyone; a person with an access token; an operator, who reaches the internal port. */
export type Rights = "anyone" | "person" | "operator";

export type Route = {
	readonly method: "GET" | "POST" | "PATCH" | "DELETE";
	/** `:name` becomes the action's parameter of that name. */
	readonly path: `/${string}`;
	readonly action: keyof Actions & string;
	readonly rights: Rights;
	readonly summary: string;
	/** 200 unless said otherwise. */
	readonly status?: 201 | 204;
	/** Moves credit: needs an Idempotency-Key, and tells where to ask when the outcome is unknown (`:idempotencyKey` is filled in). */
	readonly idempotent?: { readonly statusPath: `/${string}` };
	/** Where what was made can be read; `:name` is a field of the answer or of the request. */
	readonly location?: `/${string}`;
	/** The refresh token travels in a cookie: out of it, into it, or away. */
	readonly refreshCookie?: "issue" | "rotate" | "clear";
	/** What it gives is bound to the key that the request proves to have (RFC 9449, 5). */
	readonly binds?: true;
	/** CSV instead of JSON, into this parameter or out of the answer. */
	readonly csv?: { readonly into: string } | { readonly fileName: string };
	/** How long anybody may keep the answer; otherwise nobody may. */
	readonly cacheS?: number;
};

/** The whole surface of the platform. What is not listed here cannot be reached from outside. */
export const publicRoutes: readonly Route[] = [
	{
		method: "POST",
		path: "/v1/users",
		action: "user.signUp",
		rights: "anyone",
		status: 201,
		location: "/v1/users/:handle",
		summary: "Sign up",
	},
	{
		method: "GET",
		path: "/v1/users/:handle",
		action: "user.find",
		rights: "person",
		summary: "Who is behind a handle",
	},

	{
		method: "POST",
		path: "/v1/sessions",
		action: "auth.login",
		rights: "anyone",
		status: 201,
		location: "/v1/sessions",
		refreshCookie: "issue",
		binds: true,
		summary: "Log in",
	},
	{
		method: "POST",
		path: "/v1/sessions/refresh",
		action: "auth.refresh",
		rights: "anyone",
		refreshCookie: "rotate",
		binds: true,
		summary: "Get a new access token by the refresh cookie",
	},
	{ method: "GET", path: "/v1/sessions", action: "auth.listSessions", rights: "person", summary: "Your sessions" },
	{
		method: "DELETE",
		path: "/v1/sessions/current",
		action: "auth.logout",
		rights: "person",
		status: 204,
		refreshCookie: "clear",
		summary: "Log out",
	},
	{
		method: "DELETE",
		path: "/v1/sessions/:sessionId",
		action: "auth.revokeSession",
		rights: "person",
		status: 204,
		summary: "End another session of yours",
	},
	{
		method: "GET",
		path: "/.well-known/jwks.json",
		action: "auth.jwks",
		rights: "anyone",
		cacheS: JWKS_CACHE_S,
		summary: "The public keys of tokens and payment codes",
	},

	{ method: "GET", path: "/v1/me", action: "user.me", rights: "person", summary: "Your profile, balance and limits" },
	{ method: "PATCH", path: "/v1/me", action: "user.edit", rights: "person", summary: "Change your profile" },
	{
		method: "POST",
		path: "/v1/me/charges",
		action: "user.charge",
		rights: "person",
		status: 201,
		location: "/v1/me/charges/:id",
		idempotent: { statusPath: "/v1/me/charges/:idempotencyKey" },
		summary: "Charge credit",
	},
	{
		method: "GET",
		path: "/v1/me/charges/:id",
		action: "user.getCharge",
		rights: "person",
		summary: "What became of a charge",
	},
	{
		method: "POST",
		path: "/v1/me/transfers",
		action: "user.send",
		rights: "person",
		status: 201,
		location: "/v1/me/transfers/:id",
		idempotent: { statusPath: "/v1/me/transfers/:idempotencyKey" },
		summary: "Send credit to someone",
	},
	{
		method: "GET",
		path: "/v1/me/transfers/:id",
		action: "user.getTransfer",
		rights: "person",
		summary: "What became of credit sent",
	},
	{
		method: "POST",
		path: "/v1/me/codes",
		action: "user.issueCode",
		rights: "person",
		summary: "Get a payment code to show in a shop",
	},
	{
		method: "GET",
		path: "/v1/me/transactions",
		action: "user.listTransactions",
		rights: "person",
		summary: "Your statement, newest first",
	},
	{
		method: "GET",
		path: "/v1/me/transactions.csv",
		action: "user.exportTransactions",
		rights: "person",
		csv: { fileName: "hannip-transactions.csv" },
		summary: "Your statement as CSV",
	},

	{
		method: "POST",
		path: "/v1/stores",
		action: "store.create",
		rights: "person",
		status: 201,
		location: "/v1/stores/:id",
		summary: "Open a store",
	},
	{ method: "GET", path: "/v1/stores", action: "store.list", rights: "person", summary: "Your stores" },
	{
		method: "GET",
		path: "/v1/stores/:storeId",
		action: "store.get",
		rights: "person",
		summary: "A store and its balance",
	},
	{ method: "PATCH", path: "/v1/stores/:storeId", action: "store.edit", rights: "person", summary: "Change a store" },
	{
		method: "POST",
		path: "/v1/stores/:storeId/products",
		action: "store.createProduct",
		rights: "person",
		status: 201,
		location: "/v1/stores/:storeId/products/:id",
		summary: "Add a product",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/products",
		action: "store.listProducts",
		rights: "person",
		summary: "The product list",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/products/import",
		action: "store.importProducts",
		rights: "person",
		csv: { into: "csv" },
		summary: "Import a product list from CSV",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/products/:productId",
		action: "store.getProduct",
		rights: "person",
		summary: "A product",
	},
	{
		method: "PATCH",
		path: "/v1/stores/:storeId/products/:productId",
		action: "store.editProduct",
		rights: "person",
		summary: "Change or archive a product",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/sales",
		action: "store.sell",
		rights: "person",
		status: 201,
		location: "/v1/stores/:storeId/sales/:id",
		idempotent: { statusPath: "/v1/stores/:storeId/sales/:idempotencyKey" },
		summary: "Take a payment",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/sales",
		action: "store.listSales",
		rights: "person",
		summary: "Sales, newest first",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/sales/:saleId",
		action: "store.getSale",
		rights: "person",
		summary: "A sale, or what became of it",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/sales/:saleId/cancel",
		action: "store.cancelSale",
		rights: "person",
		idempotent: { statusPath: "/v1/stores/:storeId/sales/:saleId" },
		summary: "Make sure that a sale has no effect",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/sales/:saleId/refunds",
		action: "store.refundSale",
		rights: "person",
		status: 201,
		location: "/v1/stores/:storeId/sales/:saleId",
		idempotent: { statusPath: "/v1/stores/:storeId/sales/:saleId" },
		summary: "Give back all or a part",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/reports/:date",
		action: "store.report",
		rights: "person",
		summary: "A day's totals",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/payouts",
		action: "store.payOut",
		rights: "person",
		status: 201,
		location: "/v1/stores/:storeId",
		idempotent: { statusPath: "/v1/stores/:storeId/payouts/:idempotencyKey" },
		summary: "Settle: pay the store's credit out",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/payouts/:id",
		action: "store.getPayout",
		rights: "person",
		summary: "What became of a payout",
	},
];

/** What operators reach on the internal port. */
export const internalRoutes: readonly Route[] = [
	{
		method: "GET",
		path: "/ledger",
		action: "credit.status",
		rights: "operator",
		summary: "How far the ledger and its read model are",
	},
	{
		method: "POST",
		path: "/ledger/audit",
		action: "credit.audit",
		rights: "operator",
		summary: "Read the whole log and check it",
	},
	{
		method: "GET",
		path: "/ledger/accounts/:accountId",
		action: "credit.account",
		rights: "operator",
		summary: "An account",
	},
	{
		method: "GET",
		path: "/ledger/outcomes/:id",
		action: "credit.outcome",
		rights: "operator",
		summary: "What became of a command",
	},
	{
		method: "GET",
		path: "/ledger/accounts/:accountId/statement",
		action: "credit.statement",
		rights: "operator",
		summary: "An account's statement",
	},
	{
		method: "POST",
		path: "/keys/rotations",
		action: "auth.rotateKeys",
		rights: "operator",
		status: 201,
		summary: "Let the next signing key sign, and make a new one",
	},
];
