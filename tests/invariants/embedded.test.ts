import { ledgerInvariants } from "./ledger-invariants.ts";
import { SqliteStorage } from "./storage.ts";

ledgerInvariants("the ledger on SQLite", async () => ({ storage: new SqliteStorage(), where: "here" }));
