import type { Service, ServiceSchema } from "moleculer";
import { type Metrics, metricsOf } from "../../mixins/metrics.ts";
import { action } from "../actions.ts";
import { argon2id, HASHES_AT_ONCE } from "./argon2id.ts";
import { hasherActions } from "./hasher.actions.ts";

type Hasher = Service & { hashed: ReturnType<Metrics["counter"]> | undefined };

/**
 * Computes Argon2id, and does nothing else: it keeps nothing, knows no secret, asks nobody, and is told neither whose password it is nor what
 * would match. It is apart so that who logs in takes no CPU from who pays (decision 15).
 */
export default (): ServiceSchema => ({
	name: "hasher",

	actions: {
		derive: {
			...action("public", hasherActions.derive, async function (ctx) {
				const tag = await argon2id(ctx.params);
				(this as Hasher).hashed?.inc();
				return { tag };
			}),
			// It takes a core for 12 ms: so many at once, so many waiting, and the rest is refused.
			bulkhead: { enabled: true, concurrency: HASHES_AT_ONCE, maxQueueSize: 50 },
		},
	},

	async started() {
		this.hashed = metricsOf(this.broker)?.counter({
			name: "hannip_password_hashes_total",
			help: "Passwords that were hashed, to keep them or to compare them",
		});
	},
});
