import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ZipkinSpan } from "../../mixins/zipkin-sender.ts";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { Client, newKey } from "../api/client.ts";
import { basketOf, newCode, newPerson, newShop, PASSWORD, type Person, type Shop } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { describeWith } from "../deploy/with-parts.ts";
import { PrometheusServer } from "../monitoring/prometheus-server.ts";
import { dashboards, rules } from "../monitoring/sources.ts";
import { ZipkinServer } from "../monitoring/zipkin-server.ts";

const demo = join(import.meta.dirname, "../../scripts/demo/demo.ts");
const SALE = "POST /v1/stores/:storeId/sales";

/** Half of all traces are kept from the start: those whose id begins with less than 8. */
const TRACE_RATE = "0.5";
const isSampled = (traceId: string): boolean => traceId < "8";

/** The parts of an alert that have a value when all is well: what is compared, without what it is compared with; what must not be absent. */
const partsOf = (expr: string): string[] =>
	expr
		.split(/\s(?:and|or|unless) (?=absent|count|max|min|sum|hannip:)/)
		.map((part) => part.replace(/ [<>] -?[\d.]+\s*$/, "").replace(/^absent\((.*)\)$/, "$1"));

/** Nobody has a certificate here, nor Kubernetes. */
const NOT_HERE = /certificate|kube_/;
const queries = [
	...dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))),
	...rules.flatMap(({ alert, expr }) => (alert === undefined ? [expr] : partsOf(expr))),
]
	.filter((query) => !NOT_HERE.test(query))
	.map((query) =>
		query.replaceAll("$__rate_interval", "1m").replaceAll("$service", "credit").replaceAll("$namespace", ".*"),
	);

describeWith(
	["mongod", "nats-server", "prometheus", "zipkin"],
	"a cluster, seen by a real Prometheus and a real Zipkin",
	() => {
		let cluster: Cluster;
		let prometheus: PrometheusServer;
		let zipkin: ZipkinServer;
		let anyone: Client;
		let customer: Person;
		let shop: Shop;

		before(async () => {
			zipkin = await ZipkinServer.start();
			cluster = await Cluster.start({
				counts: { credit: 2 },
				env: { ...unlimited, ZIPKIN_URL: zipkin.url, TRACE_RATE },
			});
			prometheus = await PrometheusServer.start(cluster.processes.map(({ ports }) => ports.probes));
			// It takes some seconds to find them; what is counted before that is no increase to it.
			const isSeen = async () => (await prometheus.query("sum(up)"))[0]?.value === cluster.processes.length;
			await until(isSeen, "Prometheus sees every process");
			anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
			customer = await newPerson(anyone, { credit: 1_000_000 });
			shop = await newShop(await newPerson(anyone, { name: "Grace" }), { prices: [100] });
		});
		after(async () => {
			anyone?.close();
			await prometheus?.stop();
			await cluster?.stop();
			await zipkin?.stop();
		});

		const sell = async () => {
			const code = await newCode(customer);
			const asked = { storeId: shop.id, idempotencyKey: newKey(), code, items: basketOf(shop) };
			const { status, headers } = await shop.owner.api.call("store.sell", asked);
			return { status, traceId: String(headers["x-request-id"]), code };
		};
		const traceWith = async (traceId: string, names: readonly string[]): Promise<ZipkinSpan[]> => {
			let spans: ZipkinSpan[] = [];
			await until(
				async () => {
					spans = await zipkin.trace(traceId);
					return names.every((name) => spans.some((span) => span.name.toLowerCase() === name.toLowerCase()));
				},
				`Zipkin has ${names.join(", ")} of ${traceId}`,
			);
			return spans;
		};

		it("a payment is one trace, by the id that its answer has: gateway, store, ledger and the append of its group", async () => {
			let sale = await sell();
			while (!isSampled(sale.traceId)) sale = await sell();
			assert.equal(sale.status, 201);
			const spans = await traceWith(sale.traceId, [SALE, "store.sell", "credit.transfer", "ledger.append"]);
			const byName = new Map(spans.map((span) => [span.name.toLowerCase(), span]));
			const parentOf = (name: string) => spans.find(({ id }) => id === byName.get(name)?.parentId)?.name.toLowerCase();
			assert.equal(byName.get(SALE.toLowerCase())?.parentId, undefined);
			assert.equal(parentOf("store.sell"), SALE.toLowerCase());
			assert.equal(parentOf("credit.transfer"), "store.sell");
			assert.equal(parentOf("ledger.append"), "credit.transfer");
			assert.match(String(byName.get("ledger.append")?.tags["ledger.group"]), /^\d+$/);
			const services = new Set(spans.map(({ localEndpoint }) => localEndpoint.serviceName));
			for (const service of ["api", "store", "credit"]) assert.ok(services.has(service), service);
			const told = JSON.stringify(spans);
			for (const secret of [sale.code, PASSWORD, customer.accessToken, customer.userId, shop.id, "/v1/stores/s_"])
				assert.ok(!told.includes(secret), secret);
		});

		it("an append names the other traces that it served", async () => {
			const links: string[] = [];
			await until(async () => {
				const together = await Promise.all(Array.from({ length: 12 }, sell));
				for (const { traceId } of together.filter(({ traceId }) => isSampled(traceId))) {
					const spans = await traceWith(traceId, ["ledger.append"]);
					links.push(...spans.flatMap(({ tags }) => tags?.["ledger.served_traces"]?.split(" ") ?? []));
				}
				return links.length > 0;
			}, "two payments were in one group");
			for (const link of links) assert.match(link, /^[0-9a-f]{32}$/);
		});

		it("after the demo's day each question of a dashboard has an answer, and so has what each alert looks at", async () => {
			const urls = [
				"--url",
				cluster.publicUrl,
				"--internal-url",
				cluster.internalUrl,
				"--customers",
				"3",
				"--sales",
				"6",
			];
			const env = { ...process.env, OPERATOR_TOKEN: cluster.operatorToken };
			const played = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", demo, ...urls], { env });
			assert.match(await text(played.stdout), /Every step and the audit hold/);
			let open = queries;
			for (let attempt = 0; open.length > 0 && attempt < 30; attempt++) {
				await sleep(1_000);
				const found = await Promise.all(open.map((query) => prometheus.query(query)));
				open = open.filter((_, index) => !found[index]?.some(({ value }) => !Number.isNaN(value)));
			}
			assert.deepEqual(open, []);
			assert.ok(queries.length > 80);
			const up = await prometheus.query('up{job="hannip"}');
			assert.deepEqual(
				up.map(({ value }) => value),
				cluster.processes.map(() => 1),
			);
		});

		it("nothing is wrong, says Prometheus: no alert fires but those of a machine that is busy", async () => {
			const firing = await prometheus.query('ALERTS{alertstate="firing"}');
			const names = firing
				.map(({ metric }) => String(metric.alertname))
				.filter((name) => !/Slow|DiskFillsUp/.test(name));
			assert.deepEqual(names, []);
			const [lag] = await prometheus.query('hannip_mongodb_members{state="up"} == 3');
			assert.ok(lag, "it sees the whole replica set");
		});

		it("from what took long, an exemplar leads to a trace", async () => {
			const ids = await prometheus.exemplars("hannip_http_request_duration_seconds_bucket");
			assert.ok(ids.length > 0);
			const traces = await Promise.all(ids.slice(0, 5).map((id) => zipkin.trace(id)));
			assert.ok(traces.some((spans) => spans.length > 0));
		});

		it("of a request that fails every process keeps its part, though it would not have been kept", async () => {
			for (const process of cluster.of("credit")) await process.stop("SIGKILL");
			let failed = await sell();
			while (isSampled(failed.traceId) || failed.status < 500) failed = await sell();
			const spans = await traceWith(failed.traceId, [SALE, "store.sell"]);
			const sold = spans.find(({ name }) => name === "store.sell");
			assert.ok(sold?.tags.error, JSON.stringify(spans));
		});
	},
);
