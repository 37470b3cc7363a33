import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { stringify } from "yaml";
import { rulesFile } from "../../scripts/deploy/prometheus-rule.ts";
import { partPath } from "../../scripts/parts.ts";
import { itWith } from "../deploy/with-parts.ts";
import { type Case, cases, type Series } from "./alert-cases.ts";
import { alerts } from "./sources.ts";

const promtool = (...args: readonly string[]) => spawnSync(partPath("promtool"), args, { encoding: "utf8" });

/** In promtool's words: these series, and whether the alert fires then. */
function testOf(alert: string, series: Series, { fires, afterMinutes }: { fires: boolean; afterMinutes: number }) {
	const fired = { labels: `{alertname="${alert}"}`, value: 1 };
	return {
		name: `${alert} ${fires ? "fires" : "does not fire"}`,
		interval: "1m",
		input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
		promql_expr_test: [
			{
				expr: `count by (alertname) (ALERTS{alertname="${alert}", alertstate="firing"})`,
				eval_time: `${afterMinutes}m`,
				exp_samples: fires ? [fired] : [],
			},
		],
	};
}

const testsOf = ([alert, { fires, alsoFires, quiet, afterMinutes }]: [string, Case]) => [
	testOf(alert, fires, { fires: true, afterMinutes }),
	...(alsoFires ? [testOf(alert, alsoFires, { fires: true, afterMinutes })] : []),
	testOf(alert, quiet, { fires: false, afterMinutes }),
	// What is wrong with one platform is not hidden by another one that the same Prometheus looks at, and is not said of that.
	testOf(alert, { ...of("hannip", fires), ...of("hannip-staging", quiet) }, { fires: true, afterMinutes }),
];

const of = (namespace: string, series: Series): Series =>
	Object.fromEntries(
		Object.entries(series).map(([name, values]) => {
			const [, metric, labels = ""] = /^([^{]+)(?:\{(.*)\})?$/.exec(name) ?? [];
			return [`${metric}{${labels && `${labels}, `}namespace="${namespace}"}`, values];
		}),
	);

it("each alert has a case", () => {
	assert.deepEqual(alerts.map(({ alert }) => alert).sort(), Object.keys(cases).sort());
});

itWith(["promtool"], "Prometheus understands the rules", () => {
	const { status, stdout, stderr } = promtool("check", "rules", rulesFile);
	assert.equal(status, 0, stdout + stderr);
});

itWith(["promtool"], "each alert fires when it should, and not when it almost should", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-alerts-"));
	try {
		const file = join(folder, "test.yml");
		const tests = Object.entries(cases).flatMap(testsOf);
		// What its summary says is filled in.
		const filled = {
			...testOf("BackingDown", cases.BackingDown?.fires ?? {}, { fires: true, afterMinutes: 4 }),
			alert_rule_test: [
				{
					alertname: "BackingDown",
					eval_time: "4m",
					exp_alerts: [
						{
							exp_labels: { severity: "page", instance: "a", backing: "nats" },
							exp_annotations: {
								summary: "a gets no answer from nats.",
								runbook_url: "docs/operations.md#backing-down",
							},
						},
					],
				},
			],
		};
		writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: "1m", tests: [...tests, filled] }));
		const { status, stdout, stderr } = promtool("test", "rules", file);
		assert.equal(status, 0, stdout + stderr);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});
