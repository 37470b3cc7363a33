import { JWKS_CACHE_S } from "../../mixins/keyring.ts";
import type { Reachable } from "../rights.ts";

export type Route = {
	readonly method: "GET" | "POST" | "PATCH" | "DELETE";
	/** `:name` becomes the action's parameter of that name. */
	readonly path: `/${string}`;
	/** Who may: see `rights`. */
	readonly action: Reachable;
	readonly summary: string;
	/** 200 unless said otherwise. */
	readonly status?: 201 | 204;
	/** Moves credit: needs an Idempotency-Key, and tells where to ask when the outcome is unknown (`:idempotencyKey` is filled in). */
	readonly idempotent?: {
		readonly statusPath: `/${string}`;
		/** What cannot be learnt there, and what to do then. */
		readonly doubt?: string;
	};
	/** Where what was made can be read; `:name` is a field of the answer or of the request. */
	readonly location?: `/${string}`;
	/** The refresh token travels in a cookie: out of it, into it, or away. */
	readonly refreshCookie?: "issue" | "rotate" | "clear";
	/**
	 * What it gives is bound to the key that the request proves to have: of a person's device (RFC 9449, 5), or of a till, by its
	 * signature (RFC 9421): a registered one, or a new one that is in the body.
	 */
	readonly binds?: "device" | "till" | "newTill";
	/** CSV instead of JSON: into this parameter, or a file, whose pages are one answer. */
	readonly csv?: { readonly into: string } | { readonly fileName: string };
	/** A JPEG instead of JSON. */
	readonly image?: true;
	/** Its body may be as long as a file: it is read of those only who have a token of ours. */
	readonly largeBody?: true;
	/** Whoever accepts text/event-stream is told what comes from now on as well. Its action gives pages by `after` and `cursor`. */
	readonly live?: true;
	/** On the way of a payment: what ends one is let in before what begins one, and that before who only looks (see `LettingIn`). */
	readonly urgency?: "ends" | "begins" | "looks";
	/** How long anybody may keep the answer; otherwise nobody may. */
	readonly cacheS?: number;
};

export const isFile = ({ csv }: Route): boolean => csv !== undefined && "fileName" in csv;

const YEAR_S = 31_536_000;

/** The whole surface of the platform. What is not listed here cannot be reached from outside. */
export const publicRoutes: readonly Route[] = [
	{
		method: "POST",
		path: "/v1/users",
		action: "user.signUp",
		status: 201,
		location: "/v1/users/:handle",
		summary: "Sign up",
	},
	{
		method: "GET",
		path: "/v1/users/:handle",
		action: "user.find",
		urgency: "looks",
		summary: "Who is behind a handle",
	},

	{
		method: "POST",
		path: "/v1/sessions",
		action: "auth.login",
		status: 201,
		location: "/v1/sessions",
		refreshCookie: "issue",
		binds: "device",
		summary: "Log in",
	},
	{
		method: "POST",
		path: "/v1/sessions/refresh",
		action: "auth.refresh",
		urgency: "begins",
		refreshCookie: "rotate",
		binds: "device",
		summary: "Get a new access token by the refresh cookie",
	},
	{ method: "GET", path: "/v1/sessions", action: "auth.listSessions", summary: "Your sessions" },
	{
		method: "DELETE",
		path: "/v1/sessions/current",
		action: "auth.logout",
		status: 204,
		refreshCookie: "clear",
		summary: "Log out",
	},
	{
		method: "DELETE",
		path: "/v1/sessions/:sessionId",
		action: "auth.revokeSession",
		status: 204,
		summary: "End another session of yours",
	},
	{
		method: "GET",
		path: "/.well-known/jwks.json",
		action: "auth.jwks",
		cacheS: JWKS_CACHE_S,
		summary: "The public keys of tokens and payment codes",
	},

	{ method: "GET", path: "/v1/me", action: "user.me", urgency: "looks", summary: "Your profile, balance and limits" },
	{ method: "PATCH", path: "/v1/me", action: "user.edit", summary: "Change your profile" },
	{
		method: "POST",
		path: "/v1/me/password",
		action: "auth.changePassword",
		status: 201,
		location: "/v1/sessions",
		refreshCookie: "issue",
		summary: "Change your password; ends all your sessions and begins a new one",
	},
	{
		method: "POST",
		path: "/v1/me/charges",
		action: "user.charge",
		urgency: "begins",
		status: 201,
		location: "/v1/me/charges/:id",
		idempotent: { statusPath: "/v1/me/charges/:idempotencyKey" },
		summary: "Charge credit",
	},
	{
		method: "GET",
		path: "/v1/me/charges/:id",
		action: "user.getCharge",
		urgency: "ends",
		summary: "What became of a charge",
	},
	{
		method: "POST",
		path: "/v1/me/transfers",
		action: "user.send",
		urgency: "begins",
		status: 201,
		location: "/v1/me/transfers/:id",
		idempotent: { statusPath: "/v1/me/transfers/:idempotencyKey" },
		summary: "Send credit to someone",
	},
	{
		method: "GET",
		path: "/v1/me/transfers/:id",
		action: "user.getTransfer",
		urgency: "ends",
		summary: "What became of credit sent",
	},
	{
		method: "POST",
		path: "/v1/me/codes",
		action: "user.issueCode",
		urgency: "begins",
		summary: "Get a payment code to show in a shop",
	},
	{
		method: "GET",
		path: "/v1/me/approvals",
		action: "store.listApprovals",
		urgency: "looks",
		summary: "Sales that wait for you to confirm them",
	},
	{
		method: "POST",
		path: "/v1/me/approvals/:id",
		action: "store.decide",
		urgency: "ends",
		idempotent: {
			statusPath: "/v1/me/approvals",
			doubt:
				"That has only what still waits, and nothing of what became of the others: to learn that, repeat the decision.",
		},
		summary: "Confirm or decline a sale",
	},
	{
		method: "POST",
		path: "/v1/me/freeze",
		action: "user.freeze",
		summary: "Stop all payments from your wallet at once",
	},
	{
		method: "POST",
		path: "/v1/me/unfreeze",
		action: "user.unfreeze",
		summary: "Allow payments from your wallet again",
	},
	{
		method: "GET",
		path: "/v1/me/transactions",
		action: "user.listTransactions",
		urgency: "looks",
		summary: "Your statement, newest first",
	},
	{
		method: "GET",
		path: "/v1/me/events",
		action: "user.listEvents",
		live: true,
		summary: "What happens in your wallet, as it happens",
	},
	{
		method: "GET",
		path: "/v1/me/transactions.csv",
		action: "user.exportTransactions",
		csv: { fileName: "hannip-transactions.csv" },
		summary: "Your statement as CSV, newest first",
	},

	{
		method: "POST",
		path: "/v1/stores",
		action: "store.create",
		status: 201,
		location: "/v1/stores/:id",
		summary: "Open a store",
	},
	{ method: "GET", path: "/v1/stores", action: "store.list", summary: "Your stores" },
	{
		method: "GET",
		path: "/v1/stores/:storeId",
		action: "store.get",
		summary: "A store and its balance",
	},
	{ method: "PATCH", path: "/v1/stores/:storeId", action: "store.edit", summary: "Change a store" },
	{
		method: "POST",
		path: "/v1/stores/:storeId/tills/pairings",
		action: "store.createPairing",
		status: 201,
		location: "/v1/stores/:storeId/tills",
		summary: "Get a code by which a till joins the store",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/tills",
		action: "store.listTills",
		summary: "The store's tills",
	},
	{
		method: "DELETE",
		path: "/v1/stores/:storeId/tills/:tillId",
		action: "store.revokeTill",
		status: 204,
		summary: "End a till at once",
	},
	{
		method: "POST",
		path: "/v1/tills",
		action: "auth.pairTill",
		status: 201,
		location: "/v1/stores/:storeId/tills",
		binds: "newTill",
		summary: "Join a store as its till, by a pairing code",
	},
	{
		method: "POST",
		path: "/v1/tills/sessions",
		action: "auth.signInTill",
		urgency: "begins",
		status: 201,
		location: "/v1/stores/:storeId/tills",
		binds: "till",
		summary: "Get a till's token",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/staff",
		action: "store.addStaff",
		status: 201,
		location: "/v1/stores/:storeId/staff",
		summary: "Let somebody sell in the store",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/staff",
		action: "store.listStaff",
		summary: "Who may sell in the store",
	},
	{
		method: "DELETE",
		path: "/v1/stores/:storeId/staff/:handle",
		action: "store.removeStaff",
		status: 204,
		summary: "Let somebody sell there no longer",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/products",
		action: "store.createProduct",
		status: 201,
		location: "/v1/stores/:storeId/products/:id",
		summary: "Add a product",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/products",
		action: "store.listProducts",
		summary: "The product list",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/products/import",
		action: "store.importProducts",
		csv: { into: "csv" },
		largeBody: true,
		summary: "Import a product list from CSV",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/products/:productId",
		action: "store.getProduct",
		summary: "A product",
	},
	{
		method: "PATCH",
		path: "/v1/stores/:storeId/products/:productId",
		action: "store.editProduct",
		summary: "Change or archive a product",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/products/:productId/photo",
		action: "store.setPhoto",
		largeBody: true,
		summary: "Show a product by a photo, or not any more",
	},
	{
		method: "GET",
		path: "/v1/photos/:photoId",
		action: "store.getPhoto",
		image: true,
		cacheS: YEAR_S,
		summary: "A product's photo",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/sales",
		action: "store.sell",
		urgency: "ends",
		status: 201,
		location: "/v1/stores/:storeId/sales/:id",
		idempotent: { statusPath: "/v1/stores/:storeId/sales/:idempotencyKey" },
		summary: "Take a payment",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/sales",
		action: "store.listSales",
		urgency: "looks",
		summary: "Sales, newest first",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/sales.csv",
		action: "store.exportSales",
		csv: { fileName: "hannip-sales.csv" },
		summary: "Sales of a day, or of a part of time, as CSV, oldest first",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/sales/:saleId",
		action: "store.getSale",
		urgency: "ends",
		summary: "A sale, or what became of it",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/sales/:saleId/cancel",
		action: "store.cancelSale",
		urgency: "ends",
		idempotent: {
			statusPath: "/v1/stores/:storeId/sales/:saleId",
			doubt: "A cancel that was booked shows in `state` or `refunded`. A 404 there is not final: repeat the cancel.",
		},
		summary: "Make sure that a sale has no effect",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/sales/:saleId/refunds",
		action: "store.refundSale",
		urgency: "ends",
		status: 201,
		location: "/v1/stores/:storeId/sales/:saleId",
		idempotent: {
			statusPath: "/v1/stores/:storeId/refunds/:idempotencyKey",
		},
		summary: "Give back all or a part",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/refunds/:id",
		action: "store.getRefund",
		urgency: "ends",
		summary: "What became of a refund",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/reports/:date",
		action: "store.report",
		summary: "A day's totals",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/payouts",
		action: "store.payOut",
		status: 201,
		location: "/v1/stores/:storeId",
		idempotent: { statusPath: "/v1/stores/:storeId/payouts/:idempotencyKey" },
		summary: "Settle: pay the store's credit out",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/payouts/:id",
		action: "store.getPayout",
		summary: "What became of a payout",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/webhooks",
		action: "store.createWebhook",
		status: 201,
		location: "/v1/stores/:storeId/webhooks",
		summary: "Be told what happens in the store",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/webhooks",
		action: "store.listWebhooks",
		summary: "The store's webhooks",
	},
	{
		method: "PATCH",
		path: "/v1/stores/:storeId/webhooks/:webhookId",
		action: "store.editWebhook",
		summary: "Change a webhook, or switch it off and on",
	},
	{
		method: "DELETE",
		path: "/v1/stores/:storeId/webhooks/:webhookId",
		action: "store.removeWebhook",
		status: 204,
		summary: "Remove a webhook",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/webhooks/:webhookId/secret",
		action: "store.rotateWebhookSecret",
		summary: "Get a new secret for a webhook",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/webhooks/:webhookId/ping",
		action: "store.pingWebhook",
		summary: "Try a webhook",
	},
	{
		method: "GET",
		path: "/v1/stores/:storeId/webhooks/:webhookId/deliveries",
		action: "store.listDeliveries",
		summary: "What a webhook was told, newest first",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/webhooks/:webhookId/deliveries/:deliveryId/replay",
		action: "store.replayDelivery",
		summary: "Send an event again",
	},
	{
		method: "POST",
		path: "/v1/stores/:storeId/webhooks/:webhookId/replays",
		action: "store.replayDeliveries",
		summary: "Send again what happened since",
	},
];
