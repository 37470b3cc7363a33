import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { assertRefused, Client, newProver } from "../api/client.ts";
import { newPerson, PASSWORD, type Person } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describeOnMongo("without a process that hashes passwords", () => {
	let cluster: Cluster;
	let anyone: Client;
	let ada: Person;
	before(async () => {
		cluster = await Cluster.start({ members: 1, env: unlimited });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		ada = await newPerson(anyone, { credit: 100 });
		const [hasher] = cluster.of("hasher");
		await cluster.remove(hasher ?? assert.fail());
	});
	after(async () => {
		anyone?.close();
		await cluster?.stop();
	});

	const logIn = (from: Client, password = PASSWORD) => from.call("auth.login", { handle: ada.handle, password });

	it("nobody logs in or signs up, and is told to come again", async () => {
		const stranger = anyone.from(await newProver(anyone.origin));
		assertRefused(await logIn(stranger), "service_unavailable", "a log-in");
		const said = { handle: "somebody.new", displayName: "New", password: PASSWORD };
		assertRefused(await anyone.call("user.signUp", said), "service_unavailable", "a sign-up");
	});

	it("whoever is logged in pays, also after a new process of auth came in place of the old one", async () => {
		await ada.api.ok("user.charge", { amount: 5 });
		const [old] = cluster.of("auth");
		await cluster.add("auth");
		await cluster.remove(old ?? assert.fail());
		await ada.api.ok("user.charge", { amount: 5 });
		const { balance } = await ada.api.ok("user.me", {});
		assert.equal(balance, 110);
	});

	it("what could not be checked counts for nothing: when there is one again, who was refused before gets in", async () => {
		const stranger = anyone.from(await newProver(anyone.origin));
		for (let index = 0; index < 25; index++)
			assertRefused(await logIn(stranger), "service_unavailable", "a log-in without a hasher");
		await cluster.add("hasher");
		await until(async () => (await logIn(stranger, "wrong")).status === 401, "passwords are checked again");
		assert.equal((await logIn(stranger)).status, 201);
	});
});
