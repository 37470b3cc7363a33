import type { HpaSettings } from "../cluster/hpa.ts";
import { type Manifest, named, workloads } from "./manifests.ts";

/** What a cluster would scale a service by. @throws when it has no autoscaler on CPU */
export function hpaSettingsOf(manifests: readonly Manifest[], service: string): HpaSettings {
	const { spec } = named(manifests, "HorizontalPodAutoscaler", service);
	const target = spec?.metrics?.find(({ resource }) => resource.name === "cpu")?.resource.target;
	if (!spec?.behavior || !target) throw new Error(`${service} is not scaled on CPU`);
	return {
		minReplicas: Number(spec.minReplicas),
		maxReplicas: Number(spec.maxReplicas),
		targetPercent: target.averageUtilization,
		...spec.behavior,
	};
}

/** What one pod of a service requests and may use, in thousandths of a core. */
export function cpuOf(
	manifests: readonly Manifest[],
	service: string,
): { readonly requestMilli: number; readonly limitMilli: number } {
	const resources = workloads(manifests).find(({ name }) => name === service)?.template.spec.containers[0]?.resources;
	const [requestMilli, limitMilli] = [milli(resources?.requests.cpu), milli(resources?.limits.cpu)];
	return { requestMilli, limitMilli };
}

/** `500m`, `2`. */
function milli(quantity = ""): number {
	return quantity.endsWith("m") ? Number.parseInt(quantity, 10) : Number(quantity) * 1_000;
}
