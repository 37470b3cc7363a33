import type { ServiceSchema } from "moleculer";
import { database } from "../../mixins/database.ts";
import { clockOf } from "../../mixins/mongo.ts";
import type { Settings } from "../../moleculer.config.ts";
import { action, call } from "../actions.ts";
import { adjust, decideAdjustment, listAdjustments } from "./adjustment.ts";
import { freeze, OPERATOR_FREEZES, unfreeze } from "./freezing.ts";
import { findAccount, findPayment } from "./look-up.ts";
import { type Asking, logOf, operatorOf, recorded } from "./operation.ts";
import { operatorActions } from "./operator.actions.ts";
import { OPERATOR_LOG } from "./operator-log.ts";
import { drain, listProcesses } from "./processes.ts";

/**
 * What operators do. It decides nothing about money or keys by itself: it finds out who asks, writes down what is done, and asks the
 * services that may.
 */
export const operatorService = (settings: Settings): ServiceSchema => ({
	name: "operator",
	mixins: [
		database(
			settings,
			{ collection: OPERATOR_LOG },
			{ collection: OPERATOR_FREEZES, indexes: [{ fields: ["accountId"] }] },
		),
	],
	// One after the other: on an empty database both make collections, and each has so long for it.
	dependencies: ["credit"],

	// Nobody else comes in, whichever way they come.
	hooks: {
		before: {
			"*"(ctx: Asking) {
				operatorOf(ctx);
			},
		},
	},

	actions: {
		listProcesses: action("published", operatorActions.listProcesses, async (ctx) => listProcesses(ctx)),

		drain: action("published", operatorActions.drain, async function (ctx) {
			return drain(this, ctx);
		}),

		account: action("published", operatorActions.account, async function (ctx) {
			return findAccount(this, ctx);
		}),

		payment: action("published", operatorActions.payment, async (ctx) => findPayment(ctx, settings.zipkinPagesUrl)),

		freeze: action("published", operatorActions.freeze, async function (ctx) {
			return freeze(this, ctx);
		}),

		unfreeze: action("published", operatorActions.unfreeze, async function (ctx) {
			return unfreeze(this, ctx);
		}),

		adjust: action("published", operatorActions.adjust, async function (ctx) {
			return adjust(this, ctx, settings.adjustAloneMax);
		}),

		listAdjustments: action("published", operatorActions.listAdjustments, async (ctx) => listAdjustments(ctx)),

		decideAdjustment: action("published", operatorActions.decideAdjustment, async function (ctx) {
			return decideAdjustment(this, ctx);
		}),

		rotateKeys: action("published", operatorActions.rotateKeys, async function (ctx) {
			const { keys } = await call(ctx, "auth.listKeys", {});
			return recorded(this, ctx, {
				operation: "keys.rotate",
				target: "signing keys",
				before: describe(keys),
				make: () => call(ctx, "auth.rotateKeys", {}),
				after: (rotated) => describe(rotated.keys),
			});
		}),

		listOperations: action("published", operatorActions.listOperations, async function (ctx) {
			const { before, limit = 20 } = ctx.params;
			const lines = await logOf(this).newest(limit + 1, before);
			const items = lines.slice(0, limit).map(({ previousHash: _, ...line }) => line);
			return { items, nextBefore: lines.length > limit ? (items.at(-1)?.sequence ?? null) : null };
		}),
	},

	created() {
		Object.assign(this, { clock: clockOf(settings) });
	},
});

const describe = (keys: readonly { kid: string; state: string }[]): string =>
	keys.map(({ kid, state }) => `${kid} ${state}`).join(", ");
