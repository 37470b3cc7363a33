import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { startPlatform } from "../../main.ts";
import { adapterFor, type Documents } from "../../mixins/database.ts";
import type { Settings } from "../../moleculer.config.ts";
import { auditLedger } from "../../services/credit/audit-run.ts";
import type { Command } from "../../services/credit/model.ts";
import { type LineDocument, OPERATOR_LOG, OperatorLog } from "../../services/credit/operator-log.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { openStorage } from "../../services/credit/storage.ts";

const account = "store:s_AAAAAAAAAAAAAAAA";

/** Operators freeze, adjust and decide there; then somebody who can write to the store changes what either log says, each chain whole again. */
export async function operatorsAreAudited(settings: Settings): Promise<void> {
	await operate(settings);
	const adapter = adapterFor(settings, { collection: OPERATOR_LOG });
	await adapter.connect();
	const documents = adapter as unknown as Documents<LineDocument>;
	const log = new OperatorLog(documents, Date.now);
	const ledger = await RunningLedger.open(await openStorage(settings));
	try {
		const found = async () => {
			const { clean, discrepancy, operations } = await auditLedger(ledger, { operations: log });
			assert.equal(discrepancy, null);
			assert.equal(clean, operations.clean);
			return operations.discrepancy;
		};
		const lines = await log.after(0);
		const withLines = async (others: readonly LineDocument[]) => {
			await documents.removeMany({});
			await documents.insertMany(others);
			return found();
		};
		assert.equal(await found(), null);

		const begun = (operation: string) =>
			lines.findIndex(({ body }) => body.includes(`"${operation}"`) && body.includes('"begun"'));
		const adjusted = begun("account.adjust");
		const rewritten = (index: number, from: string, to: string) =>
			chained(lines.map(({ body }, each) => (each === index ? body.replace(from, to) : body)));
		// Every line after it has another hash, and what the ledger has of the first of them says so.
		assert.match(
			String(await withLines(rewritten(adjusted, "kept the change", "kept nothing"))),
			/^group \d+, entry 0: transfer operator:kim\.adjust-one: line \d+ of the operator log has another hash than it says$/,
		);
		const last = begun("adjustment.decline");
		assert.match(
			String(await withLines(rewritten(last, '"lee"', '"kim"'))),
			/^group \d+, entry 0: void operator:lee\.decline:operator:kim\.adjust-two: no line of the operator log says so$/,
		);
		assert.match(
			String(await withLines(lines.slice(0, begun("account.unfreeze")))),
			/^group \d+, entry 0: set-state operator:kim\.\d+:[0-9a-f]{64}: the operator log has no beginning \d+$/,
		);
		assert.match(String(await withLines(lines.slice(0, 0))), /^group \d+, entry 0: set-state operator:kim\./);
		assert.equal(await withLines(lines), null);

		const note = { by: "kim", operation: "account.adjust", target: account, reason: "x" };
		const line = await log.append({ ...note, phase: "begun", of: null, detail: "; to give 5 by operator:kim.x" });
		assert.equal(await found(), null, "what has only begun");
		await log.append({ ...note, phase: "done", of: line.sequence, detail: "posted" });
		const missing = `line ${line.sequence} was done, says the log, and the ledger has no account.adjust of ${account}`;
		assert.equal(await found(), missing);
		const transfer = {
			...{ type: "transfer", fingerprint: "", kind: "adjustment", amount: 5 },
			...{ debitAccountId: "system:adjustment", creditAccountId: account },
		};
		const details = { by: "kim", operation: line.sequence, operationHash: line.hash, reason: "x" };
		await ledger.submit({ ...transfer, id: "operator:kim.x", details } as unknown as Command);
		assert.equal(await found(), null);

		// Past the gateway and the operators' service.
		await ledger.submit({ ...transfer, id: "operator:lee.y", details } as unknown as Command);
		assert.match(String(await found()), /operator:lee\.y: line \d+ of the operator log says something else$/);
	} finally {
		await ledger.close();
		await adapter.disconnect();
	}
}

/** What `kim` and `lee` do there. */
async function operate(settings: Settings): Promise<void> {
	const { broker, stop } = await startPlatform(settings);
	try {
		const ask = (name: string) => (action: string, params: object) =>
			broker.call(`operator.${action}`, { reason: "a machine kept the change", ...params }, meta(name));
		const [kim, lee] = [ask("kim"), ask("lee")];
		await broker.call("credit.open", { accountId: account, owner: "s_AAAAAAAAAAAAAAAA" });
		await kim("freeze", { accountId: account });
		const give = { accountId: account, direction: "give" };
		await kim("adjust", { ...give, amount: 7, idempotencyKey: "adjust-one" });
		await kim("adjust", { ...give, amount: 2_000, idempotencyKey: "adjust-two" });
		await kim("adjust", { ...give, amount: 2_001, idempotencyKey: "adjust-three" });
		await lee("decideAdjustment", { id: "operator:kim.adjust-two", decision: "decline" });
		await lee("decideAdjustment", { id: "operator:kim.adjust-three", decision: "confirm" });
		await kim("unfreeze", { accountId: account });
	} finally {
		await stop();
	}
}

const meta = (name: string) => ({ meta: { caller: { kind: "operator", name, mayAdjust: true } } });

/** These lines as they would be if they had been written so. */
function chained(bodies: readonly string[]): LineDocument[] {
	let previousHash = "0".repeat(64);
	return bodies.map((text, index) => {
		const body = JSON.stringify({ ...(JSON.parse(text) as object), previousHash });
		previousHash = hash("sha256", body, "hex");
		return { _id: String(index + 1).padStart(12, "0"), hash: previousHash, body };
	});
}
