import type { Route } from "./routes.ts";

/** What operators reach on the internal port. */
export const internalRoutes: readonly Route[] = [
	{
		method: "GET",
		path: "/ledger",
		action: "credit.status",
		summary: "How far the ledger and its read model are",
	},
	{
		method: "POST",
		path: "/ledger/audit",
		action: "credit.audit",
		summary: "Read the whole log, and the operator log with it, and check both",
	},
	{
		method: "GET",
		path: "/ledger/accounts/:accountId",
		action: "credit.account",
		summary: "An account",
	},
	{
		method: "GET",
		path: "/ledger/outcomes/:id",
		action: "credit.outcome",
		summary: "What became of a command",
	},
	{
		method: "GET",
		path: "/ledger/accounts/:accountId/statement",
		action: "credit.statement",
		summary: "An account's statement",
	},
	{
		method: "GET",
		path: "/ledger/holds",
		action: "credit.listHolds",
		summary: "What is held and not decided yet, oldest first",
	},
	{
		method: "GET",
		path: "/accounts/:id",
		action: "operator.account",
		summary: "Somebody's account, by an id or a handle",
	},
	{
		method: "POST",
		path: "/accounts/:accountId/freeze",
		action: "operator.freeze",
		summary: "Freeze an account; its owner cannot open it",
	},
	{
		method: "POST",
		path: "/accounts/:accountId/unfreeze",
		action: "operator.unfreeze",
		summary: "Lift a freeze: one's own, or everybody's",
	},
	{
		method: "GET",
		path: "/payments/:id",
		action: "operator.payment",
		summary: "A payment, and what the ledger's log says of it",
	},
	{
		method: "POST",
		path: "/adjustments",
		action: "operator.adjust",
		status: 201,
		location: "/payments/:id",
		idempotent: { statusPath: "/payments/:idempotencyKey" },
		summary: "Give an account credit, or take some",
	},
	{
		method: "GET",
		path: "/adjustments",
		action: "operator.listAdjustments",
		summary: "Adjustments that wait for a second operator",
	},
	{
		method: "POST",
		path: "/adjustments/:id/decision",
		action: "operator.decideAdjustment",
		summary: "Confirm or decline an adjustment",
	},
	{
		method: "GET",
		path: "/keys",
		action: "auth.listKeys",
		summary: "The signing keys and their age",
	},
	{
		method: "POST",
		path: "/keys/rotations",
		action: "operator.rotateKeys",
		status: 201,
		location: "/keys",
		summary: "Let the next signing key sign, and make a new one",
	},
	{
		method: "GET",
		path: "/processes",
		action: "operator.listProcesses",
		summary: "Every process, its load, its calls and its circuits",
	},
	{
		method: "POST",
		path: "/processes/:nodeId/drain",
		action: "operator.drain",
		summary: "End a process in good order",
	},
	{
		method: "GET",
		path: "/operations",
		action: "operator.listOperations",
		summary: "What operators did, newest first",
	},
];
