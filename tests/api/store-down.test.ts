import assert from "node:assert/strict";
import { after, afterEach, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { type Member, ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import type { AccountId, CommandId } from "../../services/credit/model.ts";
import type { RunningLedger } from "../../services/credit/running-ledger.ts";
import { isProblemCode, type ProblemCode, problems } from "../../services/errors.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { newKey } from "./client.ts";
import type { Answer, ProblemBody } from "./contract.ts";
import { newPerson, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { type Launched, launch } from "./process.ts";

/** As many commands as may wait in the ledger's queue. */
const QUEUE_MAX = 16_384;

describeOnMongo("while the ledger's store is down, a money request over HTTP", () => {
	/** The ledger has a store of its own here: where both are down, nobody is let in, and nothing of this is asked. */
	let set: ReplicaSet;
	let others: ReplicaSet;
	let nats: NatsServer;
	let beside: Launched;
	let member: Member;
	let platform: TestPlatform;
	let ada: Person;
	let bob: Person;
	before(async () => {
		[set, others, nats] = await Promise.all([ReplicaSet.start(), ReplicaSet.start(), NatsServer.start()]);
		member = set.members[0] ?? assert.fail("there is no member");
		const TRANSPORTER = nats.uri;
		beside = launch({ SERVICES: "hasher,auth,user,store", MONGODB_URI: others.uri("api"), TRANSPORTER });
		const services = { SERVICES: "credit,api", MONGODB_URI: set.uri("api"), TRANSPORTER };
		platform = await startTestPlatform({ ...services, LOG_LEVEL: "fatal" });
		[ada, bob] = [await newPerson(platform.anyone), await newPerson(platform.anyone, { name: "Bob" })];
	});
	/** How each test ends its outage; here for those that fail before they do. */
	let end: () => Promise<void> | void = () => {};
	afterEach(() => end());
	after(async () => {
		await platform?.stop();
		beside?.child.kill("SIGKILL");
		await beside?.exited;
		await nats?.stop();
		await set?.stop();
		await others?.stop();
	});

	/** Charges one credit with a new key each, until one is answered with this code. @returns all keys, and that answer */
	async function askUntil(code: ProblemCode): Promise<{ keys: string[]; answer: Answer }> {
		const keys: string[] = [];
		const seen: string[] = [];
		while (seen.length < 20) {
			const idempotencyKey = newKey();
			keys.push(idempotencyKey);
			const answer: Answer = await ada.api.call("user.charge", { amount: 1, idempotencyKey });
			seen.push(assertTemporary(answer));
			if (seen.at(-1) === code) return { keys, answer };
		}
		return assert.fail(`nobody was told ${code}, only ${seen}`);
	}

	/** What is said there as soon as the platform can say it. */
	async function statusOf(path: string): Promise<number> {
		let status = 0;
		await until(async () => {
			({ status } = await ada.api.raw({ method: "GET", path }));
			return status < 500;
		}, `${path} can be read`);
		return status;
	}

	/** Each has happened at most once until now, and exactly once when it is sent again, however often. */
	async function assertOnceEach(keys: readonly string[], balanceBefore: number): Promise<void> {
		for (const idempotencyKey of keys) {
			let answer: Answer | undefined;
			await until(async () => {
				answer = await ada.api.call("user.charge", { amount: 1, idempotencyKey });
				if (answer.status >= 500) assertTemporary(answer);
				return answer.status < 500;
			}, "the ledger writes again");
			assert.equal(answer?.status, 201, answer?.text);
			const again = await ada.api.call("user.charge", { amount: 1, idempotencyKey });
			assert.deepEqual([again.status, again.headers["idempotent-replayed"]], [201, "true"]);
			assert.deepEqual(again.body, answer?.body);
		}
		assert.equal((await ada.api.ok("user.me", {})).balance, balanceBefore + keys.length);
		const { items } = await ada.api.ok("user.listTransactions", { limit: 100 });
		for (const key of keys) assert.equal(items.filter(({ transferId }) => transferId.endsWith(key)).length, 1, key);
		assert.equal((await platform.operator.ok("credit.audit", {})).clean, true);
	}

	it("is ledger_unavailable when the store is gone: nothing was booked, and the same request works later", async () => {
		const { balance } = await ada.api.ok("user.me", {});
		await set.kill(member);
		end = async () => {
			end = () => {};
			await set.restart(member);
			await set.waitForPrimary();
		};
		const { keys, answer } = await askUntil("ledger_unavailable");
		assert.equal((answer.body as ProblemBody).statusUrl, undefined);
		await end();
		assert.equal(await statusOf(`/v1/me/charges/${keys.at(-1)}`), 404);
		await assertOnceEach(keys, balance);
	});

	it("is outcome_unknown when the store does not answer, says where to ask, and is booked once", async () => {
		const { balance } = await ada.api.ok("user.me", {});
		set.pause(member);
		end = () => set.resume(member);
		const { keys, answer } = await askUntil("outcome_unknown");
		const { statusUrl = "" } = answer.body as ProblemBody;
		assert.equal(statusUrl, `/v1/me/charges/${keys.at(-1)}`);
		await end();
		const status = await statusOf(statusUrl);
		assert.ok(status === 200 || status === 404, `${status}`);
		await assertOnceEach(keys, balance);
	});

	it("is ledger_busy when too many wait already, says when to come back, and works then", async () => {
		const { balance } = await ada.api.ok("user.me", {});
		set.pause(member);
		end = () => set.resume(member);
		// Straight to the ledger: by HTTP, or by calls, this process would be busy with them until the store is given up.
		const { ledger } = platform.broker.getLocalService("credit") as unknown as { ledger: RunningLedger };
		const crowd: Promise<boolean>[] = [];
		const charge = (): Promise<boolean> =>
			ledger
				.submit({
					type: "transfer",
					id: `crowd.${crowd.length}` as CommandId,
					fingerprint: "x",
					kind: "charge",
					debitAccountId: "system:funding" as AccountId,
					creditAccountId: bob.wallet as AccountId,
					amount: 1,
					details: {},
				})
				.then(
					() => true,
					() => false,
				);
		// Of the first ones some leave the queue for the group that is then being written.
		for (const _ of ["full", "full again"]) {
			for (let waiting = 0; waiting < QUEUE_MAX; waiting++) crowd.push(charge());
			await sleep(50);
		}
		const { keys, answer } = await askUntil("ledger_busy");
		assert.equal(answer.headers["retry-after"], "1");
		await end();
		await assertOnceEach(keys, balance);
		const booked = (await Promise.all(crowd)).filter(Boolean).length;
		assert.ok((await bob.api.ok("user.me", {})).balance >= booked);
	});
});

/** A problem that says that nothing is wrong with the request, and when to send it again. @returns its code */
function assertTemporary({ status, headers, body, text }: Answer): string {
	const { code } = body as ProblemBody;
	assert.equal(status, 503, text);
	assert.equal(headers["content-type"], "application/problem+json");
	assert.match(String(headers["retry-after"]), /^[1-9]\d*$/);
	assert.ok(isProblemCode(code) && problems[code].retryable, text);
	return code;
}
