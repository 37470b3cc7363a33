// What a HorizontalPodAutoscaler (autoscaling/v2) of Kubernetes does, as its controller does it: for simulations, and for load tests that scale
// processes on this machine by the manifests' own settings. Source: "Horizontal Pod Autoscaling" in the documentation of Kubernetes.
// Pods that are not ready, and those that give no metrics, are not modelled: who asks knows the utilization of those that work.

export type ScalingPolicy = {
	readonly type: "Percent" | "Pods";
	readonly value: number;
	readonly periodSeconds: number;
};
export type ScalingRules = {
	readonly stabilizationWindowSeconds: number;
	readonly selectPolicy: "Max" | "Min" | "Disabled";
	readonly policies: readonly ScalingPolicy[];
};
export type HpaSettings = {
	readonly minReplicas: number;
	readonly maxReplicas: number;
	/** What is aimed at, in percent of what is requested. */
	readonly targetPercent: number;
	readonly scaleUp: ScalingRules;
	readonly scaleDown: ScalingRules;
};

/** Closer than that to what is aimed at, nothing is done. */
const TOLERANCE = 0.1;
/** How often the controller looks. */
export const LOOK_EVERY_S = 15;

/** How many there should be by one look, whatever was before. */
export function wantedReplicas({ targetPercent }: HpaSettings, replicas: number, utilizationPercent: number): number {
	const ratio = utilizationPercent / targetPercent;
	return Math.abs(ratio - 1) <= TOLERANCE ? replicas : Math.ceil(replicas * ratio);
}

type Change = { readonly atS: number; readonly by: number };

export class Hpa {
	readonly #settings: HpaSettings;
	#wanted: { readonly atS: number; readonly replicas: number }[] = [];
	#changes: Change[] = [];

	constructor(settings: HpaSettings) {
		this.#settings = settings;
	}

	/** One look. @returns how many there are from now on */
	look({ atS, replicas, utilizationPercent }: { atS: number; replicas: number; utilizationPercent: number }): number {
		const wanted = this.#clamped(wantedReplicas(this.#settings, replicas, utilizationPercent));
		this.#wanted.push({ atS, replicas: wanted });
		const next = this.#clamped(this.#limited(atS, replicas, this.#stabilized(atS, replicas)));
		if (next !== replicas) this.#changes.push({ atS, by: next - replicas });
		return next;
	}

	#clamped(replicas: number): number {
		return Math.min(Math.max(replicas, this.#settings.minReplicas), this.#settings.maxReplicas);
	}

	/** Up to the least that was wanted in the one window, down to the most that was wanted in the other. */
	#stabilized(atS: number, replicas: number): number {
		const { scaleUp, scaleDown } = this.#settings;
		const within = ({ stabilizationWindowSeconds }: ScalingRules) =>
			this.#wanted
				.filter((each) => each.atS > atS - stabilizationWindowSeconds || each.atS === atS)
				.map((each) => each.replicas);
		const [least, most] = [Math.min(...within(scaleUp)), Math.max(...within(scaleDown))];
		return Math.min(Math.max(replicas, least), Math.max(most, least));
	}

	/** As far as the policies let it go at once. */
	#limited(atS: number, replicas: number, wanted: number): number {
		if (wanted === replicas) return replicas;
		const direction = wanted > replicas ? 1 : -1;
		const { selectPolicy, policies } = direction > 0 ? this.#settings.scaleUp : this.#settings.scaleDown;
		if (selectPolicy === "Disabled") return replicas;
		const steps = policies.map(
			(policy) => direction * (this.#reachable(atS, replicas, { policy, direction }) - replicas),
		);
		const step = selectPolicy === "Max" ? Math.max(...steps) : Math.min(...steps);
		return replicas + direction * Math.min(Math.max(step, 0), Math.abs(wanted - replicas));
	}

	/** How many a policy lets there be, counted from the beginning of its period. */
	#reachable(
		atS: number,
		replicas: number,
		{ policy, direction }: { policy: ScalingPolicy; direction: number },
	): number {
		const recent = this.#changes.filter(
			(change) => change.atS > atS - policy.periodSeconds && change.by * direction > 0,
		);
		const atBeginning = replicas - recent.reduce((sum, { by }) => sum + by, 0);
		if (policy.type === "Pods") return atBeginning + direction * policy.value;
		const share = 1 + (direction * policy.value) / 100;
		return direction > 0 ? Math.ceil(atBeginning * share) : Math.floor(atBeginning * share);
	}
}

export type Moment = {
	readonly atS: number;
	readonly cpuMilli: number;
	readonly replicas: number;
	readonly utilizationPercent: number;
};

/**
 * A load played on an autoscaler.
 *
 * @param cpuMilli what all pods together would use at that second, in thousandths of a core, if they could
 * @param limits what one pod requests, and the most that it can use
 */
export function simulate(
	settings: HpaSettings,
	cpuMilli: (atS: number) => number,
	{ requestMilli, limitMilli, seconds }: { requestMilli: number; limitMilli: number; seconds: number },
): Moment[] {
	const hpa = new Hpa(settings);
	const moments: Moment[] = [];
	let replicas = settings.minReplicas;
	for (let atS = 0; atS < seconds; atS += LOOK_EVERY_S) {
		const used = Math.min(cpuMilli(atS), replicas * limitMilli);
		const utilizationPercent = (100 * used) / (replicas * requestMilli);
		moments.push({ atS, cpuMilli: used, replicas, utilizationPercent });
		replicas = hpa.look({ atS, replicas, utilizationPercent });
	}
	return moments;
}
