// A test that wants the machine for itself: `npm test` runs it by its name, after all others.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { serviceNames } from "../../moleculer.config.ts";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { type Fault, nameOf, readFaults } from "../../scripts/cluster/faults.ts";
import { Link } from "../../scripts/cluster/link.ts";
import { freePorts, until } from "../../scripts/cluster/processes.ts";
import { Client } from "../api/client.ts";
import { newPerson, newShop, newTill } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { unexplained } from "./history.ts";
import { type Round, Torture } from "./torture.ts";

const seed = Number(process.env.FAULTS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const fault = (line: string): Fault => readFaults(`0 ${line}`)[0]?.fault ?? assert.fail(line);

/** Nobody may notice these. */
const graceful = [...[...serviceNames, "nats", "primary"].map((who) => `stop ${who}`), "roll all"].map(fault);
const others = [
	...serviceNames.flatMap((service) => [`kill ${service}`, `kill ${service}`, `freeze ${service} 2`]),
	...["freeze credit 10", "cut credit 3", "cut api 3", "cut store 3"],
	...["kill nats 1", "kill nats 0", "freeze nats 3"],
	...["kill primary 1", "freeze primary 3", "cut primary 4", "kill secondary 1", "freeze secondary 3"],
].map(fault);

describeOnMongo("many processes, of which some fail while people pay", () => {
	let cluster: Cluster;
	let torture: Torture;
	let anyone: Client;
	const rounds: Round[] = [];
	before(async () => {
		const counts = Object.fromEntries(serviceNames.map((service) => [service, 2]));
		cluster = await Cluster.start({ counts, isCuttable: true, env: unlimited });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		torture = await Torture.begin(cluster, seed);
	});
	after(async () => {
		torture?.close();
		anyone?.close();
		await cluster?.stop();
	});

	const survives = async (t: { diagnostic(text: string): void }, run: () => Promise<Round>): Promise<Round> => {
		const round = await run();
		rounds.push(round);
		const whats = [...new Set(round.failures.map(({ what }) => what))].join(", ");
		t.diagnostic(
			`${round.settled} settled, ${round.failures.length} failures for ${round.failuresForS.toFixed(1)} s ${whats}`,
		);
		assert.deepEqual(round.wrong, [], `seed ${seed}`);
		assert.equal(round.unresolved, 0);
		assert.ok(round.settled > 0);
		return round;
	};

	describe("nobody notices that somebody is told to stop:", () => {
		for (const each of graceful) {
			it(nameOf(each), async (t) => {
				const { failures } = await survives(t, () => torture.round(each));
				assert.deepEqual(failures, []);
			});
		}
	});

	describe("every outcome is known in the end, and right:", () => {
		for (const each of others) it(nameOf(each), async (t) => void (await survives(t, () => torture.round(each))));
	});

	describe("one process alone does not reach the database, and only a log-in may fail that is on its way, as nobody may repeat it:", () => {
		for (const service of ["credit", "auth", "user", "store"] as const) {
			it(service, async (t) => {
				const { set } = cluster;
				const [process] = cluster.of(service);
				const primary = await set?.waitForPrimary();
				const [port = 0] = await freePorts(1);
				assert.ok(set && process && primary);
				const link = await Link.open(port, primary.port);
				t.after(async () => {
					link.heal();
					await process.stop();
					await process.start({ MONGODB_URI: set.uri("hannip") });
					await link.close();
				});
				await process.stop();
				await process.start({ MONGODB_URI: `mongodb://127.0.0.1:${port}/hannip?directConnection=true` });
				const { failures } = await survives(t, () =>
					torture.during(`no database for ${service}`, async () => {
						link.cut();
						await until(() => process.reason.includes("mongodb"), "it is not ready");
						// By then it has told the others.
						await sleep(1_000);
						// Most of this may be done only once.
						for (let n = 0; n < 4; n++) await newTill(anyone, await newShop(await newPerson(anyone)));
						link.heal();
						await cluster.whole();
					}),
				);
				assert.deepEqual(
					failures.filter(({ isLogIn }) => !isLogIn),
					[],
				);
			});
		}
	});

	it("there were thirty of them at least", () => assert.ok(rounds.length >= 30, `${rounds.length}`));

	it("a lost update, or a double effect, in any account of any round would have been seen", () => {
		let planted = 0;
		for (const { history, observed } of rounds) {
			for (const account of observed) {
				const [line] = account.lines;
				if (!line) continue;
				planted++;
				const lost = unexplained({ ...account, lines: account.lines.slice(1) }, history);
				assert.ok(lost.length > 0, `${line.transferId} is lost and nobody noticed`);
				const doubled = unexplained({ ...account, lines: [line, ...account.lines] }, history);
				assert.ok(
					doubled.some((each) => each.startsWith("doubled")),
					`${line.transferId} is doubled and nobody noticed`,
				);
			}
		}
		assert.ok(planted > rounds.length);
	});
});
