import { Type } from "typebox";
import { AccountId, Count, closed } from "./schema.ts";

/** `ledger.appended`: how far the ledger's log goes now, and to which wallets and stores something happened in what is new. */
export const LedgerAppended = closed({ sequence: Count, accountIds: Type.Array(AccountId) });
