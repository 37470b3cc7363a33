import type { Metrics } from "../../mixins/metrics.ts";
import type { Settings } from "../../moleculer.config.ts";
import { hashes } from "./password.ts";
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
	metrics.gauge({
		name: "hannip_password_hashes",
		help: "Passwords that are being hashed, and those that wait for that",
		labelNames: ["state"],
		collect() {
			for (const [state, count] of Object.entries(hashes())) this.set({ state }, count);
		},
	});
	return {
		issued: metrics.counter({ name: "hannip_codes_issued_total", help: "Payment codes that were made" }),
	};
}
