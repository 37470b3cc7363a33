import type { Actions } from "../../services/actions.ts";

/**
 * The surface of the platform as a client needs it: what `services/api/routes.ts` says, without what only the gateway needs. A test holds
 * the two against each other; what each takes and gives is typed by the actions.
 */
export type ClientRoute = {
	readonly method: "GET" | "POST" | "PATCH" | "DELETE";
	/** `:name` is filled in from the parameter of that name. */
	readonly path: string;
	/** Moves credit: sent with an Idempotency-Key, and asked for here when nobody knows what became of it. */
	readonly statusPath?: string;
	/** Asked for with the device's key alone, without an access token. */
	readonly binds?: "device" | "till" | "newTill";
	/** The parameter that is sent as CSV. */
	readonly csv?: string;
};
type Table = Readonly<Partial<Record<keyof Actions & string, ClientRoute>>>;

export const publicRoutes = {
	"user.signUp": { method: "POST", path: "/v1/users" },
	"user.find": { method: "GET", path: "/v1/users/:handle" },
	"auth.login": { method: "POST", path: "/v1/sessions", binds: "device" },
	"auth.refresh": { method: "POST", path: "/v1/sessions/refresh", binds: "device" },
	"auth.listSessions": { method: "GET", path: "/v1/sessions" },
	"auth.logout": { method: "DELETE", path: "/v1/sessions/current" },
	"auth.revokeSession": { method: "DELETE", path: "/v1/sessions/:sessionId" },
	"auth.jwks": { method: "GET", path: "/.well-known/jwks.json" },
	"user.me": { method: "GET", path: "/v1/me" },
	"user.edit": { method: "PATCH", path: "/v1/me" },
	"auth.changePassword": { method: "POST", path: "/v1/me/password" },
	"user.charge": { method: "POST", path: "/v1/me/charges", statusPath: "/v1/me/charges/:idempotencyKey" },
	"user.getCharge": { method: "GET", path: "/v1/me/charges/:id" },
	"user.send": { method: "POST", path: "/v1/me/transfers", statusPath: "/v1/me/transfers/:idempotencyKey" },
	"user.getTransfer": { method: "GET", path: "/v1/me/transfers/:id" },
	"user.issueCode": { method: "POST", path: "/v1/me/codes" },
	"store.listApprovals": { method: "GET", path: "/v1/me/approvals" },
	"store.decide": { method: "POST", path: "/v1/me/approvals/:id", statusPath: "/v1/me/approvals" },
	"user.freeze": { method: "POST", path: "/v1/me/freeze" },
	"user.unfreeze": { method: "POST", path: "/v1/me/unfreeze" },
	"user.listTransactions": { method: "GET", path: "/v1/me/transactions" },
	"user.listEvents": { method: "GET", path: "/v1/me/events" },
	"user.exportTransactions": { method: "GET", path: "/v1/me/transactions.csv" },
	"store.create": { method: "POST", path: "/v1/stores" },
	"store.list": { method: "GET", path: "/v1/stores" },
	"store.get": { method: "GET", path: "/v1/stores/:storeId" },
	"store.edit": { method: "PATCH", path: "/v1/stores/:storeId" },
	"store.createPairing": { method: "POST", path: "/v1/stores/:storeId/tills/pairings" },
	"store.listTills": { method: "GET", path: "/v1/stores/:storeId/tills" },
	"store.revokeTill": { method: "DELETE", path: "/v1/stores/:storeId/tills/:tillId" },
	"auth.pairTill": { method: "POST", path: "/v1/tills", binds: "newTill" },
	"auth.signInTill": { method: "POST", path: "/v1/tills/sessions", binds: "till" },
	"store.addStaff": { method: "POST", path: "/v1/stores/:storeId/staff" },
	"store.listStaff": { method: "GET", path: "/v1/stores/:storeId/staff" },
	"store.removeStaff": { method: "DELETE", path: "/v1/stores/:storeId/staff/:handle" },
	"store.createProduct": { method: "POST", path: "/v1/stores/:storeId/products" },
	"store.listProducts": { method: "GET", path: "/v1/stores/:storeId/products" },
	"store.importProducts": { method: "POST", path: "/v1/stores/:storeId/products/import", csv: "csv" },
	"store.getProduct": { method: "GET", path: "/v1/stores/:storeId/products/:productId" },
	"store.editProduct": { method: "PATCH", path: "/v1/stores/:storeId/products/:productId" },
	"store.setPhoto": { method: "POST", path: "/v1/stores/:storeId/products/:productId/photo" },
	"store.getPhoto": { method: "GET", path: "/v1/photos/:photoId" },
	"store.sell": {
		method: "POST",
		path: "/v1/stores/:storeId/sales",
		statusPath: "/v1/stores/:storeId/sales/:idempotencyKey",
	},
	"store.listSales": { method: "GET", path: "/v1/stores/:storeId/sales" },
	"store.exportSales": { method: "GET", path: "/v1/stores/:storeId/sales.csv" },
	"store.getSale": { method: "GET", path: "/v1/stores/:storeId/sales/:saleId" },
	"store.cancelSale": {
		method: "POST",
		path: "/v1/stores/:storeId/sales/:saleId/cancel",
		statusPath: "/v1/stores/:storeId/sales/:saleId",
	},
	"store.refundSale": {
		method: "POST",
		path: "/v1/stores/:storeId/sales/:saleId/refunds",
		statusPath: "/v1/stores/:storeId/refunds/:idempotencyKey",
	},
	"store.getRefund": { method: "GET", path: "/v1/stores/:storeId/refunds/:id" },
	"store.report": { method: "GET", path: "/v1/stores/:storeId/reports/:date" },
	"store.payOut": {
		method: "POST",
		path: "/v1/stores/:storeId/payouts",
		statusPath: "/v1/stores/:storeId/payouts/:idempotencyKey",
	},
	"store.getPayout": { method: "GET", path: "/v1/stores/:storeId/payouts/:id" },
	"store.createWebhook": { method: "POST", path: "/v1/stores/:storeId/webhooks" },
	"store.listWebhooks": { method: "GET", path: "/v1/stores/:storeId/webhooks" },
	"store.editWebhook": { method: "PATCH", path: "/v1/stores/:storeId/webhooks/:webhookId" },
	"store.removeWebhook": { method: "DELETE", path: "/v1/stores/:storeId/webhooks/:webhookId" },
	"store.rotateWebhookSecret": { method: "POST", path: "/v1/stores/:storeId/webhooks/:webhookId/secret" },
	"store.pingWebhook": { method: "POST", path: "/v1/stores/:storeId/webhooks/:webhookId/ping" },
	"store.listDeliveries": { method: "GET", path: "/v1/stores/:storeId/webhooks/:webhookId/deliveries" },
	"store.replayDelivery": {
		method: "POST",
		path: "/v1/stores/:storeId/webhooks/:webhookId/deliveries/:deliveryId/replay",
	},
	"store.replayDeliveries": { method: "POST", path: "/v1/stores/:storeId/webhooks/:webhookId/replays" },
} as const satisfies Table;

export const internalRoutes = {
	"credit.status": { method: "GET", path: "/ledger" },
	"credit.audit": { method: "POST", path: "/ledger/audit" },
	"credit.account": { method: "GET", path: "/ledger/accounts/:accountId" },
	"credit.outcome": { method: "GET", path: "/ledger/outcomes/:id" },
	"credit.statement": { method: "GET", path: "/ledger/accounts/:accountId/statement" },
	"credit.listHolds": { method: "GET", path: "/ledger/holds" },
	"operator.account": { method: "GET", path: "/accounts/:id" },
	"operator.freeze": { method: "POST", path: "/accounts/:accountId/freeze" },
	"operator.unfreeze": { method: "POST", path: "/accounts/:accountId/unfreeze" },
	"operator.payment": { method: "GET", path: "/payments/:id" },
	"operator.adjust": { method: "POST", path: "/adjustments", statusPath: "/payments/:idempotencyKey" },
	"operator.listAdjustments": { method: "GET", path: "/adjustments" },
	"operator.decideAdjustment": { method: "POST", path: "/adjustments/:id/decision" },
	"auth.listKeys": { method: "GET", path: "/keys" },
	"operator.rotateKeys": { method: "POST", path: "/keys/rotations" },
	"operator.listProcesses": { method: "GET", path: "/processes" },
	"operator.drain": { method: "POST", path: "/processes/:nodeId/drain" },
	"operator.listOperations": { method: "GET", path: "/operations" },
} as const satisfies Table;
