import type { Metrics } from "../../mixins/metrics.ts";
import type { Settings } from "../../moleculer.config.ts";
import type { SigningKeys } from "./signing-keys.ts";

const DAY_S = 86_400;

export type AuthMetrics = ReturnType<typeof measureAuth>;

export function measureAuth(metrics: Metrics, keys: SigningKeys, { keyRotationDays }: Settings) {
	metrics.reads("hannip_signing_key_age_seconds", "How old the newest signing key is", () => {
		const newest = Math.max(...keys.all.map(({ createdAtMs }) => createdAtMs));
		return (Date.now() - newest) / 1_000;
	});
	metrics.reads(
		"hannip_signing_key_rotation_seconds",
		"How old the newest signing key gets before there is another one",
		() => keyRotationDays * DAY_S,
	);
	return {
		issued: metrics.counter({ name: "hannip_codes_issued_total", help: "Payment codes that were made" }),
	};
}
