// What production's autoscalers do when a recorded load comes to it many times over: docs/scaling.svg.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ServiceName, serviceNames } from "../../moleculer.config.ts";
import { type Moment, simulate } from "../cluster/hpa.ts";
import { drawn, type Panel } from "../load/chart.ts";
import { cpuOf, hpaSettingsOf } from "./hpa-settings.ts";
import { type Manifest, manifestsOf } from "./manifests.ts";

const root = join(import.meta.dirname, "../..");
export const scalingFile = join(root, "docs/scaling.svg");

/** What k6 saw in each second of a run of `npm run load`. */
type Recorded = { readonly scenario: string; readonly requestsPerS: readonly number[] };
const recorded = JSON.parse(readFileSync(join(root, "tests/deploy/recorded-load.json"), "utf8")) as Recorded;

/** A stall's crowd became that of a town's fair. */
const TIMES = 100;
/** Then everybody has gone home. */
const QUIET_S = 900;
/** What a sale takes, in milliseconds of CPU: "Many processes" in docs/benchmarks.md. It is two requests, one for the code and one for the sale. */
const CPU_MS_OF_A_SALE: Readonly<Record<ServiceName, number>> = {
	api: 0.33,
	store: 0.23,
	credit: 0.1,
	auth: 0.07,
	hasher: 0,
	user: 0,
};
const salesPerS = (atS: number): number => ((recorded.requestsPerS[Math.floor(atS)] ?? 0) / 2) * TIMES;
const loadedS = recorded.requestsPerS.length;

type Scaled = { readonly service: ServiceName; readonly moments: readonly Moment[] };

export const scalingOf = (
	manifests: readonly Manifest[],
): { readonly loadedS: number; readonly services: Scaled[] } => ({
	loadedS,
	services: serviceNames.map((service) => ({
		service,
		// A controller sees what was used since it looked last.
		moments: simulate(hpaSettingsOf(manifests, service), (atS) => meanSalesPerS(atS) * CPU_MS_OF_A_SALE[service], {
			...cpuOf(manifests, service),
			seconds: loadedS + QUIET_S,
		}),
	})),
});

const BEFORE_S = 15;
function meanSalesPerS(atS: number): number {
	const seconds = Array.from({ length: BEFORE_S }, (_, index) => salesPerS(atS - index - 1));
	return seconds.reduce((sum, each) => sum + each, 0) / BEFORE_S;
}

/** As SVG. */
export function scalingPicture(manifests: readonly Manifest[]): string {
	const { services } = scalingOf(manifests);
	const shown = services.filter(({ service }) => CPU_MS_OF_A_SALE[service] > 0);
	const atS = shown[0]?.moments.map((moment) => moment.atS) ?? [];
	const panels: Panel<{ readonly atS: number; readonly index: number }>[] = [
		{ title: "sales per second", colour: "#0b7285", of: (moment) => meanSalesPerS(moment.atS) },
		...shown.map(({ service, moments }) => ({
			title: `pods of ${service}`,
			colour: "#2b8a3e",
			of: ({ index }: { readonly index: number }) => moments[index]?.replicas ?? 0,
		})),
	];
	const title = `${recorded.scenario} as recorded, ${TIMES} times over, on the settings of k8s/overlays/production`;
	return drawn(
		title,
		panels,
		atS.map((each, index) => ({ atS: each, index })),
	);
}

if (import.meta.main) writeFileSync(scalingFile, scalingPicture(manifestsOf("production")));
