import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { serviceNames } from "../../moleculer.config.ts";
import { Hpa, type HpaSettings, LOOK_EVERY_S, simulate, wantedReplicas } from "../../scripts/cluster/hpa.ts";
import { cpuOf, hpaSettingsOf } from "../../scripts/deploy/hpa-settings.ts";
import { manifestsOf } from "../../scripts/deploy/manifests.ts";
import { scalingFile, scalingOf, scalingPicture } from "../../scripts/deploy/scaling-curve.ts";
import { itWith } from "./with-parts.ts";

const settings: HpaSettings = {
	minReplicas: 2,
	maxReplicas: 10,
	targetPercent: 70,
	scaleUp: {
		stabilizationWindowSeconds: 0,
		selectPolicy: "Max",
		policies: [
			{ type: "Percent", value: 100, periodSeconds: 15 },
			{ type: "Pods", value: 2, periodSeconds: 15 },
		],
	},
	scaleDown: {
		stabilizationWindowSeconds: 300,
		selectPolicy: "Max",
		policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
	},
};

describe("the formula", () => {
	it("is that of the documentation: twice as much needs twice as many, half needs half", () => {
		assert.equal(wantedReplicas(settings, 3, 140), 6);
		assert.equal(wantedReplicas(settings, 4, 35), 2);
		assert.equal(wantedReplicas(settings, 3, 71 * 1.2), 4);
	});

	it("does nothing within a tenth of what is aimed at", () => {
		for (const percent of [63.1, 70, 76.9]) assert.equal(wantedReplicas(settings, 5, percent), 5);
		assert.equal(wantedReplicas(settings, 5, 77.1), 6);
	});
});

describe("an autoscaler", () => {
	it("at most doubles in 15 seconds, or takes 2 more", () => {
		const hpa = new Hpa({ ...settings, maxReplicas: 100 });
		const seen: number[] = [];
		for (let replicas = 1, atS = 0; atS <= 75; atS += 15) {
			replicas = hpa.look({ atS, replicas, utilizationPercent: 2_000 });
			seen.push(replicas);
		}
		assert.deepEqual(seen, [3, 6, 12, 24, 48, 96]);
	});

	it("waits five minutes before there are fewer, then takes one a minute", () => {
		const load = (atS: number) => (atS < 120 ? 2_000 : 100);
		const moments = simulate(settings, load, { requestMilli: 300, limitMilli: 2_000, seconds: 1_200 });
		const at = (second: number) => moments.find(({ atS }) => atS === second)?.replicas;
		assert.equal(at(60), 10);
		assert.equal(at(120 + 285), 10, "what the last minutes needed is still there");
		assert.equal(at(120 + 315), 9);
		assert.equal(at(120 + 315 + 60), 8);
		assert.equal(at(1_185), 2);
	});

	it("is not shaken by a moment's peak or hole", () => {
		const load = (atS: number) => (atS % 60 < 15 ? 300 : 1_000);
		const moments = simulate(settings, load, { requestMilli: 300, limitMilli: 2_000, seconds: 1_800 });
		const later = moments.filter(({ atS }) => atS > 120).map(({ replicas }) => replicas);
		assert.equal(new Set(later).size, 1, `${later}`);
	});

	it("stays within its bounds, and never goes down faster than it may, whatever comes", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 60 }), (loads) => {
				const moments = simulate(settings, (atS) => loads[atS / LOOK_EVERY_S] ?? 0, {
					requestMilli: 300,
					limitMilli: 2_000,
					seconds: loads.length * LOOK_EVERY_S,
				});
				for (const [index, { replicas }] of moments.entries()) {
					assert.ok(replicas >= 2 && replicas <= 10);
					const minuteAgo = moments[index - 4]?.replicas ?? replicas;
					assert.ok(
						minuteAgo - replicas <= 1 ||
							moments.slice(Math.max(0, index - 4), index).some((each) => each.replicas > minuteAgo),
					);
				}
			}),
		);
	});
});

describe("a rush, on the manifests' own settings", () => {
	/** As in the load tests: from 1 to 30 people within two minutes, five minutes of them, and nobody any more. In thousandths of a core. */
	const rush = (peakMilli: number) => (atS: number) =>
		atS < 120 ? (peakMilli * atS) / 120 : atS < 420 ? peakMilli : 10;

	for (const service of serviceNames)
		itWith(["kustomize"], `${service}: enough processes come in time, and go when they are not needed`, () => {
			const manifests = manifestsOf("loadtest-hpa");
			const [cpu, hpa] = [cpuOf(manifests, service), hpaSettingsOf(manifests, service)];
			const aimedAtMilli = (cpu.requestMilli * hpa.targetPercent) / 100;
			const peakMilli = 2.5 * aimedAtMilli;
			const moments = simulate(hpa, rush(peakMilli), { ...cpu, seconds: 1_200 });
			assert.equal(moments[0]?.replicas, hpa.minReplicas);
			assert.equal(
				Math.max(...moments.map(({ replicas }) => replicas)),
				3,
				"2.5 times what one is meant to do needs 3",
			);
			const settled = moments.filter(({ atS }) => atS >= 150 && atS < 420);
			for (const { utilizationPercent } of settled) assert.ok(utilizationPercent <= hpa.targetPercent * 1.1);
			assert.equal(moments.at(-1)?.replicas, hpa.minReplicas);
		});

	itWith(["kustomize"], "loadtest-single stays alone, whatever comes", () => {
		const manifests = manifestsOf("loadtest-single");
		for (const service of serviceNames) {
			const moments = simulate(hpaSettingsOf(manifests, service), rush(5_000), {
				...cpuOf(manifests, service),
				seconds: 600,
			});
			assert.deepEqual([...new Set(moments.map(({ replicas }) => replicas))], [1]);
		}
	});
});

describe("a load that was recorded, many times over, on production's own settings", () => {
	for (const name of serviceNames)
		itWith(["kustomize"], `${name}: enough processes come within two minutes, and go one by one`, () => {
			const manifests = manifestsOf("production");
			const { loadedS, services } = scalingOf(manifests);
			const { moments = [] } = services.find(({ service }) => service === name) ?? {};
			const { minReplicas, maxReplicas, targetPercent } = hpaSettingsOf(manifests, name);
			const replicas = moments.map((moment) => moment.replicas);
			const grewAt = moments.find((moment) => moment.replicas > minReplicas)?.atS ?? loadedS;
			const tooFew = moments
				.filter(({ atS }) => atS > grewAt + 120 && atS < loadedS)
				.filter((moment) => moment.replicas < maxReplicas && moment.utilizationPercent > targetPercent * 1.2);
			assert.deepEqual(tooFew, []);
			for (const [index, now] of replicas.slice(1).entries()) assert.ok(Number(replicas[index]) - now <= 1);
			assert.equal(replicas.at(-1), minReplicas);
		});

	itWith(["kustomize"], "it makes a difference: there are more of the two that have most to do", () => {
		const { services } = scalingOf(manifestsOf("production"));
		const most = services.map(({ service, moments }) => [
			service,
			Math.max(...moments.map(({ replicas }) => replicas)),
		]);
		const { api, store, user } = Object.fromEntries(most) as Record<string, number>;
		assert.ok(Number(api) >= 6 && Number(store) >= 6 && user === 3, `${most}`);
	});

	itWith(["kustomize"], "the picture is of it: `node scripts/deploy/scaling-curve.ts` changes nothing", () => {
		assert.equal(readFileSync(scalingFile, "utf8"), scalingPicture(manifestsOf("production")));
	});
});
