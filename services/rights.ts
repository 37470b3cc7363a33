import type { Actions } from "./actions.ts";

/**
 * Who may do what: every decision about it, in one table. The gateway reads from it with which credentials an action can be reached, and
 * the store what a person or a till may do in it.
 *
 * - `anyone`: without a credential.
 * - `person`: whoever is logged in, about what is theirs.
 * - `owner`, `staff`: a person, in a store that is theirs or that they work in.
 * - `till`: a paired till, in its store; `refundingTill`: one that its owner trusts with refunds.
 * - `operator`: on the internal port.
 */
export const roles = ["anyone", "person", "owner", "staff", "till", "refundingTill", "operator"] as const;
export type Role = (typeof roles)[number];

const atTheCounter = ["owner", "staff", "till", "refundingTill"] as const;

export const rights = {
	"user.signUp": ["anyone"],
	"auth.login": ["anyone"],
	"auth.refresh": ["anyone"],
	"auth.jwks": ["anyone"],
	/** Signed by the till's key. */
	"auth.pairTill": ["anyone"],
	"auth.signInTill": ["anyone"],
	/** A browser's `img` shows no credentials. Ids cannot be guessed. */
	"store.getPhoto": ["anyone"],

	"user.find": ["person"],
	"user.me": ["person"],
	"user.edit": ["person"],
	"user.charge": ["person"],
	"user.getCharge": ["person"],
	"user.send": ["person"],
	"user.getTransfer": ["person"],
	"user.issueCode": ["person"],
	"user.listTransactions": ["person"],
	"user.listEvents": ["person"],
	"user.exportTransactions": ["person"],
	"user.freeze": ["person"],
	"user.unfreeze": ["person"],
	"store.listApprovals": ["person"],
	"store.decide": ["person"],
	"auth.listSessions": ["person"],
	"auth.logout": ["person"],
	"auth.changePassword": ["person"],
	"auth.revokeSession": ["person"],

	"store.create": ["person"],
	"store.list": ["person"],
	"store.get": atTheCounter,
	"store.listProducts": atTheCounter,
	"store.getProduct": atTheCounter,
	"store.sell": atTheCounter,
	"store.listSales": atTheCounter,
	"store.getSale": atTheCounter,
	"store.getRefund": atTheCounter,
	"store.exportSales": atTheCounter,
	/** Soon after the sale, to end its doubt; later it would be a refund, and needs that right. */
	"store.cancelSale": atTheCounter,
	"store.refundSale": ["owner", "refundingTill"],
	"store.edit": ["owner"],
	"store.createPairing": ["owner"],
	"store.listTills": ["owner"],
	"store.revokeTill": ["owner"],
	"store.addStaff": ["owner"],
	"store.listStaff": ["owner"],
	"store.removeStaff": ["owner"],
	"store.createProduct": ["owner"],
	"store.editProduct": ["owner"],
	"store.importProducts": ["owner"],
	"store.setPhoto": ["owner"],
	"store.report": ["owner"],
	"store.payOut": ["owner"],
	"store.getPayout": ["owner"],
	"store.createWebhook": ["owner"],
	"store.listWebhooks": ["owner"],
	"store.editWebhook": ["owner"],
	"store.removeWebhook": ["owner"],
	"store.rotateWebhookSecret": ["owner"],
	"store.pingWebhook": ["owner"],
	"store.listDeliveries": ["owner"],
	"store.replayDelivery": ["owner"],
	"store.replayDeliveries": ["owner"],

	"credit.status": ["operator"],
	"credit.audit": ["operator"],
	"credit.account": ["operator"],
	"credit.outcome": ["operator"],
	"credit.statement": ["operator"],
	"credit.listHolds": ["operator"],
	"auth.listKeys": ["operator"],
	"operator.listProcesses": ["operator"],
	"operator.drain": ["operator"],
	"operator.account": ["operator"],
	"operator.payment": ["operator"],
	"operator.freeze": ["operator"],
	"operator.unfreeze": ["operator"],
	"operator.adjust": ["operator"],
	"operator.listAdjustments": ["operator"],
	"operator.decideAdjustment": ["operator"],
	"operator.rotateKeys": ["operator"],
	"operator.listOperations": ["operator"],
} as const satisfies Partial<Record<keyof Actions, readonly Role[]>>;

/** An action that can be reached from outside. */
export type Reachable = keyof typeof rights;

export const mayDo = (role: Role, action: Reachable): boolean => (rights[action] as readonly Role[]).includes(role);

/**
 * How much of a basket somebody may let go who may sell: a till what its owner allows it.
 *
 * @returns percent; 0 = no discounts
 */
export const discountMaxPercentOf = (role: Role, till: { readonly discountMaxPercent: number } | undefined): number =>
	role === "owner" ? DISCOUNT_MAX_PERCENT : (till?.discountMaxPercent ?? 0);
const DISCOUNT_MAX_PERCENT = 99;

/** What a caller has to show to be let through to an action. */
export type Credential = "none" | "person" | "till" | "operator";

const credentialOf: Record<Role, Credential> = {
	anyone: "none",
	person: "person",
	owner: "person",
	staff: "person",
	till: "till",
	refundingTill: "till",
	operator: "operator",
};

/** The credentials with one of which an action can be reached; whether it is the right person or till is for the action to find out. */
export const credentialsFor = (action: Reachable): ReadonlySet<Credential> =>
	new Set(rights[action].map((role) => credentialOf[role]));
