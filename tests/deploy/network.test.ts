import assert from "node:assert/strict";
import { manifestsOf, type Overlay, workloads } from "../../scripts/deploy/manifests.ts";
import { lineOf, networkMatrix } from "../../scripts/deploy/network-matrix.ts";
import { itWith } from "./with-parts.ts";

const keepers = ["auth", "credit", "store", "user"];
const services = ["api", "hasher", ...keepers];
const edgesOf = (overlay: Overlay): string[] => networkMatrix(manifestsOf(overlay)).map(lineOf).sort();

/** All that is needed, and so all that there may be. */
const needed = [
	...services.flatMap((name) => [`${name} → nats:4222`, `${name} → zipkin:9411`]),
	...[...keepers, "mongodb", "mongodb-init", "mongodb-backup"].map((name) => `${name} → mongodb:27017`),
	"nats → nats:6222",
	"store → <internet>:443",
	"<edge> → api:3000",
];
const names = [...services, "mongodb", "mongodb-init", "mongodb-backup", "nats", "zipkin"];
const naming = names.map((name) => `${name} → <kube-system>:53`);
const monitoring = services.map((name) => `<monitoring> → ${name}:3002`);

itWith(["kustomize"], "in production who needs somebody reaches them, and nobody reaches anybody else", () => {
	assert.deepEqual(edgesOf("production"), [...needed, ...naming, ...monitoring].sort());
	assert.deepEqual(edgesOf("staging"), [...edgesOf("production"), "<hannip-build> → api:3001"].sort());
});

itWith(["kustomize"], "locally it is the same without monitoring, for load tests with whoever makes the load", () => {
	assert.deepEqual(edgesOf("local"), [...needed, ...naming].sort());
	assert.deepEqual(edgesOf("loadtest-hpa"), [...needed, ...naming, "<load> → api:3000"].sort());
});

itWith(["kustomize"], "neither the gateway nor who hashes has a way to the database", () => {
	assert.deepEqual(
		edgesOf("production").filter((edge) => /^(api|hasher|<edge>|<internet>) → mongodb/.test(edge)),
		[],
	);
});

itWith(["kustomize"], "nor would the database let them in, if they found one", () => {
	const open = manifestsOf("production").filter(
		({ kind, metadata }) => kind !== "NetworkPolicy" || metadata.name === "mongodb",
	);
	const reached = networkMatrix(open).filter(({ from }) => /^(api|hasher)$/.test(from));
	assert.ok(
		reached.some(({ to }) => to === "nats"),
		"they may speak to others",
	);
	assert.deepEqual(reached.filter(({ to }) => to === "mongodb").map(lineOf), []);
});

itWith(["kustomize"], "without the policies everybody would reach everybody: it is they that are tested", () => {
	const open = manifestsOf("production").filter(({ kind }) => kind !== "NetworkPolicy");
	const listening = workloads(open).flatMap(({ template }) =>
		template.spec.containers.flatMap(({ ports = [] }) => ports),
	);
	const inside = networkMatrix(open).filter(({ from, to }) => !from.startsWith("<") && !to.startsWith("<"));
	assert.equal(inside.length, workloads(open).length * listening.length);
	const closed = manifestsOf("production").filter(
		({ kind, metadata }) => kind !== "NetworkPolicy" || metadata.name === "deny-all",
	);
	assert.deepEqual(networkMatrix(closed), []);
});
