import type { Actions } from "./actions.ts";

/**
 * What may be asked of two processes with the effect of one: it only reads, or whatever it does has an id. So it is asked of another one
 * when the process that was asked first is gone (see `mixins/hedging.ts`). All else is left to the client, who knows whether to repeat it.
 */
export const repeatable: ReadonlySet<string> = new Set<keyof Actions>([
	// Each of these commands has an id, by which the ledger knows it again.
	"credit.open",
	"credit.transfer",
	"credit.post",
	"credit.void",
	"credit.refund",
	"credit.cancel",
	"credit.setState",
	"credit.account",
	"credit.outcome",
	"credit.recall",
	"credit.statement",
	"credit.activity",
	"credit.totals",
	"credit.audit",
	"credit.status",
	// Asked again it has the same id, and finds its own proofs.
	"auth.admit",
	"auth.jwks",
	"auth.keyring",
	"auth.listSessions",
	"auth.listTills",
	"auth.tillKey",
	// A code that nobody is shown is used by nobody.
	"auth.signCode",
	"auth.signInTill",
	// These take an idempotency key.
	"user.charge",
	"user.send",
	"store.sell",
	"store.cancelSale",
	"store.refundSale",
	"store.payOut",
	"store.decide",
	"user.find",
	"user.me",
	"user.identify",
	"user.getCharge",
	"user.getTransfer",
	"user.issueCode",
	"user.listTransactions",
	"user.listEvents",
	"user.exportTransactions",
	"store.list",
	"store.get",
	"store.listProducts",
	"store.getProduct",
	"store.listSales",
	"store.getSale",
	"store.getPayout",
	"store.listApprovals",
	"store.listStaff",
	"store.listTills",
	"store.report",
]);
