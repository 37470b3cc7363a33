import { Type } from "typebox";
import { AccountId, Count, closed } from "./schema.ts";

/** `ledger.appended`: how far the ledger's log goes now, and to which wallets and stores something happened in what is new. */
export const LedgerAppended = closed({ sequence: Count, accountIds: Type.Array(AccountId) });

/** `traces.kept`: a request failed or was slow, and every process sends what it knows of it to Zipkin. */
export const TraceKept = closed({ traceId: Type.String({ pattern: "^[0-9a-f]{32}$" }) });
