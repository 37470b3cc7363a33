import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceBroker } from "moleculer";
import { isFirstOfLedger, nightOf } from "./nightly-audit.ts";

test("a night begins at its hour, once a day", () => {
	const at = (text: string) => nightOf(Date.parse(text), 18);
	const first = at("2026-11-28T18:00:00Z");
	assert.equal(at("2026-11-28T17:59:59.999Z"), first - 1);
	assert.equal(at("2026-11-29T00:00:00Z"), first);
	assert.equal(at("2026-11-29T17:59:59.999Z"), first);
	assert.equal(at("2026-11-29T18:00:00Z"), first + 1);
	assert.equal(nightOf(Date.parse("2026-11-28T00:00:00Z"), 0), nightOf(Date.parse("2026-11-28T23:00:00Z"), 0));
});

test("of those that are there one is the first", () => {
	const seen = (nodeID: string, others: Readonly<Record<string, boolean>>) => {
		const endpoints = Object.entries({ [nodeID]: true, ...others }).map(([id, isAvailable]) => ({ id, isAvailable }));
		return isFirstOfLedger({
			nodeID,
			registry: { getActionEndpoints: () => ({ endpoints }) },
		} as unknown as ServiceBroker);
	};
	assert.equal(seen("credit-b", {}), true);
	assert.equal(seen("credit-b", { "credit-c": true }), true);
	assert.equal(seen("credit-b", { "credit-a": true }), false);
	assert.equal(seen("credit-b", { "credit-a": false }), true);
});
