import { after, before, it } from "node:test";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { Client, newKey } from "../api/client.ts";
import { newPerson, newShop, type Person, sell } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

/** In all processes of these services. */
const anHourAhead = (...services: readonly string[]): string =>
	`--import=data:text/javascript,${encodeURIComponent(`
		if (${JSON.stringify(services)}.includes(process.env.SERVICES)) {
			const RightDate = Date;
			globalThis.Date = class extends RightDate {
				constructor(...said) {
					super(...(said.length === 0 ? [RightDate.now() + 3_600_000] : said));
				}
				static now() {
					return RightDate.now() + 3_600_000;
				}
			};
		}
	`)}`;

describeOnMongo("processes whose clocks are an hour ahead of the gateway's", () => {
	let cluster: Cluster;
	let anyone: Client;
	before(async () => {
		const NODE_OPTIONS = anHourAhead("credit", "user", "store");
		cluster = await Cluster.start({ members: 1, env: { ...unlimited, NODE_OPTIONS } });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
	});
	after(async () => {
		anyone?.close();
		await cluster?.stop();
	});

	it("do not take all that they are asked for too late: who charges and pays is served", async () => {
		let customer: Person | undefined;
		// How wrong they are is known when they have heard of each other.
		await until(async () => {
			customer = await newPerson(anyone, { credit: 10_000 }).catch(() => undefined);
			return customer !== undefined;
		}, "somebody is served");
		const shop = await newShop(await newPerson(anyone, { name: "Grace" }));
		await sell(shop, customer as Person, newKey());
	});
});
