import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after } from "node:test";
import { Application } from "@kubernetes-models/argo-cd/argoproj.io/v1alpha1/Application";
import { AppProject } from "@kubernetes-models/argo-cd/argoproj.io/v1alpha1/AppProject";
import { ExternalSecret } from "@kubernetes-models/external-secrets/external-secrets.io/v1/ExternalSecret";
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { stringify } from "yaml";
import { type Manifest, manifestsIn, manifestsOf, named, ofKind, textOf } from "../../scripts/deploy/manifests.ts";
import { partPath } from "../../scripts/parts.ts";
import { rules } from "./rules.ts";
import { itWith } from "./with-parts.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "hannip-custom-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the projects that these kinds are of say that they are. */
const models = { Application, AppProject, ExternalSecret, HTTPRoute, PodMonitor, PrometheusRule, ScaledObject };

/** What is wrong with it, to the last field: a model takes no notice of fields that it does not know, so it is seen which of them it reads. */
function wrongIn(manifest: Manifest): string[] {
	const Model = models[manifest.kind as keyof typeof models] as (new (
		data: object,
	) => { validate(): void }) & {
		readonly apiVersion: string;
	};
	if (Model.apiVersion !== manifest.apiVersion) return [`${manifest.kind} is of ${Model.apiVersion}`];
	const unread = new Set<string>();
	try {
		// Its constructor would read and copy everything.
		Object.assign(new Model({}), watched(manifest, "", unread)).validate();
	} catch (error) {
		return [String(error)];
	}
	// The models forget what people are told: it is in Argo CD's own types.
	return [...unread].filter((path) => !path.endsWith("/description")).map((path) => `nobody reads ${path}`);
}

/** The same, and all of its fields are in `unread` until they are read. */
function watched<T extends object>(value: T, path: string, unread: Set<string>): T {
	const copy = structuredClone(value);
	for (const key of Object.keys(copy)) {
		const here = `${path}/${key}`;
		const inner = copy[key as keyof T];
		if (typeof inner === "object" && inner !== null)
			copy[key as keyof T] = watched(inner, here, unread) as typeof inner;
		// `Object.assign` has read what is on the first level.
		if (path !== "" && !Array.isArray(value)) unread.add(here);
	}
	return new Proxy(copy, {
		get(target, key, receiver) {
			unread.delete(`${path}/${String(key)}`);
			return Reflect.get(target, key, receiver);
		},
	});
}

const ofCustomKinds = (manifests: readonly Manifest[]) => ofKind(manifests, ...Object.keys(models));

/** An overlay with a component that no overlay has. */
function withComponent(): readonly Manifest[] {
	const to = (path: string) => relative(folder, join(root, "k8s", path));
	writeFileSync(
		join(folder, "kustomization.yaml"),
		stringify({
			namespace: manifestsOf("production")[0]?.metadata.namespace,
			resources: [to("overlays/production")],
			components: [to("components/payments-waiting")],
		}),
	);
	const { status, stdout, stderr } = spawnSync(partPath("kustomize"), ["build", folder], { encoding: "utf8" });
	assert.equal(status, 0, stderr);
	return manifestsIn(stdout);
}

itWith(["kustomize"], "what is of a kind that Kubernetes does not have is what its project says", () => {
	const argoCd = readdirSync(join(root, "k8s/argocd"), { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".yaml"))
		.flatMap((name) => manifestsIn(readFileSync(join(root, "k8s/argocd", name), "utf8")));
	const all = ofCustomKinds([...manifestsOf("production"), ...manifestsOf("staging"), ...withComponent(), ...argoCd]);
	assert.deepEqual([...new Set(all.map(({ kind }) => kind))].sort(), Object.keys(models).sort());
	for (const each of all) assert.deepEqual(wrongIn(each), [], `${each.kind} ${each.metadata.name}`);
});

itWith(["kustomize"], "a field that does not exist, or has a wrong type, is noticed", () => {
	const text = `${textOf("overlays/production")}\n---\n${stringify(named(withComponent(), "ScaledObject", "store"))}`;
	for (const [right, wrong] of [
		["scrapeTimeout: 5s", "scrapeTimeouts: 5s"],
		["refreshInterval: 1h", "refreshEvery: 1h"],
		["creationPolicy: Owner", "creationPolicy: Owned"],
		["pollingInterval: 15", "pollingInterval: often"],
		["maxReplicaCount:", "maxReplicas:"],
		["sectionName: https", "section: https"],
		["alert: ProcessDown", "alarm: ProcessDown"],
	] as const) {
		assert.ok(text.includes(right), right);
		const found = ofCustomKinds(manifestsIn(text.replace(right, wrong))).flatMap(wrongIn);
		assert.notDeepEqual(found, [], wrong);
	}
});

type Trigger = { readonly type: string; readonly metadata: Readonly<Record<string, string>> };
type Scaled = {
	readonly minReplicaCount: number;
	readonly maxReplicaCount: number;
	readonly triggers: readonly Trigger[];
	readonly advanced: { readonly horizontalPodAutoscalerConfig: { readonly behavior: object } };
};
const scaled = (manifests: readonly Manifest[]) => named(manifests, "ScaledObject", "store").spec as unknown as Scaled;

itWith(["kustomize"], "store is scaled by KEDA or by itself, within the same bounds and as fast", () => {
	const manifests = withComponent();
	for (const [name, rule] of Object.entries(rules)) assert.deepEqual(rule(manifests), [], name);
	const scaling = rules["scales every service, and nothing else says how many"];
	const plain = named(manifestsOf("production"), "HorizontalPodAutoscaler", "store");
	assert.notDeepEqual(scaling?.([...manifests, plain]), [], "both of them");
	const { minReplicaCount, maxReplicaCount, triggers, advanced } = scaled(manifests);
	assert.deepEqual([minReplicaCount, maxReplicaCount], [plain.spec?.minReplicas, plain.spec?.maxReplicas]);
	assert.deepEqual(advanced.horizontalPodAutoscalerConfig.behavior, plain.spec?.behavior);
	const target = plain.spec?.metrics?.[0]?.resource.target.averageUtilization;
	assert.equal(triggers.find(({ type }) => type === "cpu")?.metadata.value, String(target));
});

itWith(["kustomize", "promtool"], "it asks Prometheus how many payments wait, and of its own namespace only", () => {
	const manifests = withComponent();
	const { query = "", threshold } =
		scaled(manifests).triggers.find(({ type }) => type === "prometheus")?.metadata ?? {};
	assert.ok(Number(threshold) > 0);
	const [, metric = "", namespace, action = ""] =
		/\((hannip_\w+)_sum\{namespace="([\w-]+)", action="([\w.]+)"\}/.exec(query) ?? [];
	assert.equal(namespace, named(manifests, "ScaledObject", "store").metadata.namespace);
	assert.match(readFileSync(join(root, "mixins/seen-calls.ts"), "utf8"), new RegExp(`name: "${metric}"`));
	assert.match(readFileSync(join(root, "services/store/store.service.ts"), "utf8"), new RegExp(`"${action}"`));

	const series = (at: string, sold: string) => ({
		series: `${metric}_sum{namespace="${at}", action="${sold}", pod="p"}`,
		// In 15 seconds 600 seconds of it: 40 at a time.
		values: "0+600x20",
	});
	const cases = [
		{ given: [series("hannip", action)], waiting: 40 },
		{ given: [series("hannip-staging", action), series("hannip", "store.listSales")], waiting: 0 },
	];
	writeFileSync(
		join(folder, "test.yaml"),
		stringify({
			evaluation_interval: "15s",
			tests: cases.map(({ given, waiting }) => ({
				interval: "15s",
				input_series: given,
				promql_expr_test: [{ expr: query, eval_time: "5m", exp_samples: [{ labels: "{}", value: waiting }] }],
			})),
		}),
	);
	const { status, stdout, stderr } = spawnSync(partPath("promtool"), ["test", "rules", join(folder, "test.yaml")], {
		encoding: "utf8",
	});
	assert.equal(status, 0, stdout + stderr);
});
