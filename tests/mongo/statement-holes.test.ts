import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { ServiceBroker } from "moleculer";
import { startPlatform } from "../../main.ts";
import { newId } from "../../mixins/new-id.ts";
import { readSettings } from "../../moleculer.config.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import type { Params, Result } from "../../services/actions.ts";
import { secretsFor } from "../api/platform.ts";
import { describeOnMongo } from "./on-mongo.ts";

// A batch of the read model gets into MongoDB document by document, and what older holds become comes after what is new.

const WALLET = `wallet:${newId("u")}`;
const STORE = `store:${newId("s")}`;
const LISTINGS = 60;

describeOnMongo("a statement, while holds from before are captured beside new sales", () => {
	let set: ReplicaSet;
	let broker: ServiceBroker;
	let stop: () => Promise<void>;
	before(async () => {
		set = await ReplicaSet.start();
		const env = { MONGODB_URI: set.uri("holes"), SERVICES: "credit", PROBE_PORT: "0", LOG_LEVEL: "fatal" };
		({ broker, stop } = await startPlatform(readSettings({ ...env, ...secretsFor(env) })));
	});
	after(async () => {
		await stop?.();
		await set?.stop();
	});

	const ask = <T>(name: string, params: object) => broker.call(name, params) as Promise<T>;
	let count = 0;
	const command = () => ({ id: `s_holesholesholesh.${++count}`, fingerprint: "holesholesholesholeshole".slice(0, 22) });
	const order = (more: Partial<Params<"credit.transfer">>): Params<"credit.transfer"> => ({
		...command(),
		...{ kind: "sale", debitAccountId: WALLET, creditAccountId: STORE, amount: 1, details: {} },
		...more,
	});

	it("has each line that was booked before the next one, on every page", async () => {
		for (const accountId of [WALLET, STORE]) await ask("credit.open", { accountId, owner: "x" });
		await ask(
			"credit.transfer",
			order({ kind: "charge", debitAccountId: "system:funding", creditAccountId: WALLET, amount: 1e9 }),
		);
		let isOver = false;
		const held: string[] = [];
		const selling = (async () => {
			while (!isOver) {
				const hold = order({ amount: 2, hold: { ttlMs: 60_000 } });
				await ask("credit.transfer", hold);
				held.push(hold.id);
				if (held.length > 10) await ask("credit.post", { ...command(), transferId: held.shift() });
				await ask("credit.transfer", order({}));
			}
		})();
		try {
			for (let listing = 0; listing < LISTINGS; listing++) await assertWhole();
		} finally {
			isOver = true;
			await selling;
		}
	});

	async function assertWhole(): Promise<void> {
		const lines: Result<"credit.statement">["items"] = [];
		for (let cursor: string | null | undefined, page = 0; cursor !== null && page < 4; page++) {
			const said = { accountId: WALLET, limit: 10, ...(cursor && { cursor }) };
			const found = await ask<Result<"credit.statement">>("credit.statement", said);
			lines.push(...found.items);
			cursor = found.nextCursor;
		}
		for (const [index, { balanceAfter, amount, transferId }] of lines.slice(0, -1).entries())
			assert.equal(balanceAfter - amount, lines[index + 1]?.balanceAfter, `what is missing comes before ${transferId}`);
	}
});
