import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { parse } from "yaml";
import { type Manifest, manifestsIn, manifestsOf, ofKind, overlays } from "../../scripts/deploy/manifests.ts";
import { itWith } from "./with-parts.ts";

type Application = {
	readonly kind: string;
	readonly metadata: { readonly name: string; readonly namespace: string };
	readonly spec: {
		readonly project: string;
		readonly source: { readonly repoURL: string; readonly path: string; readonly targetRevision: string };
		readonly destination: { readonly server: string; readonly namespace: string };
		readonly syncPolicy: { readonly automated?: { readonly prune: boolean; readonly selfHeal: boolean } };
	};
};
type Project = {
	readonly spec: {
		readonly sourceRepos: readonly string[];
		readonly destinations: readonly { readonly server: string; readonly namespace: string }[];
		readonly clusterResourceWhitelist: readonly unknown[];
		readonly syncWindows: readonly {
			readonly applications: readonly string[];
			readonly kind: string;
			readonly schedule: string;
		}[];
	};
};

const root = join(import.meta.dirname, "../..");
const read = <T>(path: string): T => parse(readFileSync(join(root, "k8s/argocd", path), "utf8")) as T;
const project = read<Project>("project.yaml").spec;
const apps = readdirSync(join(root, "k8s/argocd/apps")).map((name) => read<Application>(`apps/${name}`));
const appOf = (name: string): Application["spec"] =>
	apps.find(({ metadata }) => metadata.name === name)?.spec ?? assert.fail(name);

it("the root keeps the applications, and each of these is of what is in this repository, as its project lets it", () => {
	const { spec } = read<Application>("root.yaml");
	assert.equal(spec.source.path, "k8s/argocd/apps");
	assert.deepEqual(apps.map(({ metadata }) => metadata.name).sort(), ["hannip-production", "hannip-staging"]);
	for (const { kind, metadata, spec: app } of apps) {
		assert.equal(kind, "Application");
		assert.equal(metadata.namespace, "argocd");
		assert.ok(existsSync(join(root, app.source.path, "kustomization.yaml")), app.source.path);
		assert.ok(project.sourceRepos.includes(app.source.repoURL) && spec.source.repoURL === app.source.repoURL);
		assert.ok(
			project.destinations.some(
				({ namespace, server }) => namespace === app.destination.namespace && server === app.destination.server,
			),
		);
	}
	assert.deepEqual(project.clusterResourceWhitelist, [], "nothing that belongs to the cluster");
});

itWith(["kustomize"], "each is deployed into the namespace that its overlay says", () => {
	for (const overlay of ["staging", "production"] as const)
		for (const { metadata } of manifestsOf(overlay))
			assert.equal(metadata.namespace, appOf(`hannip-${overlay}`).destination.namespace, metadata.name);
});

it("staging follows Git by itself; production only when somebody says so, in its windows", () => {
	assert.equal(appOf("hannip-staging").syncPolicy.automated?.selfHeal, true);
	assert.equal(appOf("hannip-production").syncPolicy.automated, undefined);
	const windows = project.syncWindows.filter(({ applications }) => applications.includes("hannip-production"));
	assert.deepEqual(
		windows.map(({ kind, schedule }) => `${kind} ${schedule}`),
		["allow 0 9 * * 1-4", "allow 0 9 * * 5"],
	);
});

itWith(
	["kustomize"],
	"data comes before the job that makes its users, that before services, and who is asked something new before who asks",
	() => {
		const waveOf = (overlay: (typeof overlays)[number], kind: string, name?: string) =>
			manifestsOf(overlay)
				.filter(
					(each) => each.kind === kind && (!name || each.metadata.name === name) && each.metadata.name !== "zipkin",
				)
				.map(({ metadata }) => Number(metadata.annotations?.["argocd.argoproj.io/sync-wave"] ?? 0));
		for (const overlay of overlays) {
			const [settings, data, job, hasher, auth, services] = [
				[...waveOf(overlay, "ConfigMap"), ...waveOf(overlay, "ServiceAccount"), ...waveOf(overlay, "NetworkPolicy")],
				waveOf(overlay, "StatefulSet"),
				waveOf(overlay, "Job", "mongodb-init"),
				waveOf(overlay, "Deployment", "hasher"),
				waveOf(overlay, "Deployment", "auth"),
				waveOf(overlay, "Deployment").toSorted().slice(2),
			];
			assert.ok(data.length === 2 && job.length === 1 && hasher.length === 1 && services.length === 4);
			for (const [before, after] of [
				[settings, data],
				[data, job],
				[job, hasher],
				[hasher, auth],
				[auth, services],
			] as const)
				assert.ok(Math.max(...before) < Math.min(...after), `${overlay}: ${before} before ${after}`);
		}
	},
);

// Of the last wave Argo CD does not wait for the health: https://github.com/argoproj/gitops-engine, pkg/sync/sync_context.go.
itWith(["kustomize"], "no wave waits for what cannot be well until a later one is there", () => {
	const late = ["HorizontalPodAutoscaler", "ScaledObject", "PersistentVolumeClaim", "CronJob"];
	const waveOf = ({ metadata }: Manifest) => Number(metadata.annotations?.["argocd.argoproj.io/sync-wave"] ?? 0);
	const [scaledObject] = manifestsIn(
		readFileSync(join(root, "k8s/components/payments-waiting/scaled-object.yaml"), "utf8"),
	);
	for (const overlay of overlays) {
		const manifests = [...manifestsOf(overlay), scaledObject ?? assert.fail()];
		const lastWave = Math.max(...manifests.map(waveOf));
		const inLast = manifests.filter((each) => waveOf(each) === lastWave);
		assert.deepEqual(
			inLast.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
			ofKind(manifests, ...late).map(({ kind, metadata }) => `${kind} ${metadata.name}`),
			overlay,
		);
	}
});
