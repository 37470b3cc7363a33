import assert from "node:assert/strict";
import { describe } from "node:test";
import { manifestsIn, manifestsOf, ofKind, overlays, textOf, workloads } from "../../scripts/deploy/manifests.ts";
import { rules } from "./rules.ts";
import { itWith } from "./with-parts.ts";

for (const overlay of overlays)
	describe(`overlay ${overlay}`, () => {
		for (const [name, rule] of Object.entries(rules))
			itWith(["kustomize"], name, () => assert.deepEqual(rule(manifestsOf(overlay)), []));
	});

describe("what must survive a machine", () => {
	itWith(["kustomize"], "is there more than once", () => {
		for (const overlay of ["staging", "production"] as const) {
			const manifests = manifestsOf(overlay);
			for (const { metadata, spec } of ofKind(manifests, "HorizontalPodAutoscaler"))
				assert.ok(Number(spec?.minReplicas) >= 2, metadata.name);
			for (const name of ["nats", "mongodb"])
				assert.equal(workloads(manifests).find((each) => each.name === name)?.manifest.spec?.replicas, 3);
			for (const { name, template } of workloads(manifests))
				for (const { image } of template.spec.containers.filter((each) => /(^|\/)hannip[:@]/.test(each.image)))
					assert.match(image, /@sha256:|:nothing-delivered-yet$/, name);
		}
	});
});

/** What somebody could write, and who must notice: the first place where the text is found is changed. */
const mistakes: readonly (readonly [from: string, to: string, rule: string])[] = [
	["value: store", "value: shop", "has every service once, in one namespace"],
	["runAsUser: 10001", "runAsUser: 0", "runs pods that the level `restricted` lets start"],
	["- ALL", "- NET_RAW", "runs pods that the level `restricted` lets start"],
	["readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "runs pods that the level `restricted` lets start"],
	[
		"containerPort: 3002\n          name: probes\n",
		"containerPort: 3002\n          name: probes-and-metrics\n",
		"has ports of good names, and probes them",
	],
	["port: probes\n", "port: probe\n", "has ports of good names, and probes them"],
	["secretName: auth", "secretName: authority", "mounts and reads what is there"],
	["key: mongo.key", "key: mongodb.key", "mounts and reads what is there"],
	[
		"configMapRef:\n            name: hannip-",
		"configMapRef:\n            name: hanip-",
		"mounts and reads what is there",
	],
	["secretName: store", "secretName: auth", "gives each service its own secrets only, all of them"],
	["value: /secrets/key.secret", "value: /secrets/keys.secret", "gives each service its own secrets only, all of them"],
	["name: DRAIN_S", "name: DRAIN_SECONDS", "tells services what they read, and all that has no default"],
	["LOG_LEVEL: info", "LOGLEVEL: info", "tells services what they read, and all that has no default"],
	["TRUSTED_PROXIES: 10.0.0.0/8", 'TRUSTED_PROXIES: ""', "believes its edge where requests come from"],
	["targetPort: public", "targetPort: http", "has Services that find their pods"],
	[
		"        app.kubernetes.io/name: credit",
		"        app.kubernetes.io/name: auth",
		"has selectors that match their own pods only",
	],
	["minReplicas: 2", "minReplicas: 11", "scales every service, and nothing else says how many"],
	["minReadySeconds: 5", "replicas: 2", "scales every service, and nothing else says how many"],
	["maxUnavailable: 1", "maxUnavailable: 0", "lets a node be emptied, and takes no two at once"],
	[
		"terminationGracePeriodSeconds: 40",
		"terminationGracePeriodSeconds: 15",
		"gives pods the time to finish what they began",
	],
	["path: /live", "path: /ready", "probes on the probe port"],
	["image: mongo:8.0.15", "image: mongo:latest", "names images that cannot change"],
	[":nothing-delivered-yet", ":latest", "names images that cannot change"],
	[":nothing-delivered-yet", `@sha256:${"0".repeat(64)}`, "names images that cannot change"],
	[
		"priorityClassName: hannip-data",
		"priorityClassName: high",
		"needs nothing of the cluster that ../cluster does not make",
	],
];

describe("a mistake is noticed", () => {
	for (const [from, to, rule] of mistakes)
		itWith(["kustomize"], `${from.trim()} → ${to.trim()}`, () => {
			const text = textOf("overlays/staging");
			assert.ok(text.includes(from));
			assert.notDeepEqual(rules[rule]?.(manifestsIn(text.replace(from, to))), []);
		});
});
