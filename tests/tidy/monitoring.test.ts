import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { parse } from "yaml";
import { prometheusRule, prometheusRuleFile } from "../../scripts/deploy/prometheus-rule.ts";
import { alerts, dashboards } from "../monitoring/sources.ts";

const root = join(import.meta.dirname, "../..");

it("each panel of a dashboard is a question, and has an answer", () => {
	assert.deepEqual(
		dashboards.map(({ name }) => name),
		["ledger", "money", "platform", "service"],
	);
	for (const { title, panels } of dashboards) {
		assert.match(title, /\?$/);
		for (const panel of panels) {
			assert.match(panel.title, /^[A-Z].*\?$/);
			assert.ok(panel.targets.length > 0, panel.title);
		}
		assert.equal(new Set(panels.map((panel) => panel.title)).size, panels.length);
	}
});

it("each alert says how much it hurries, what it is, and where it is read what to do", () => {
	assert.ok(alerts.length >= 15);
	for (const { alert, labels, annotations } of alerts) {
		assert.match(String(labels?.severity), /^(page|ticket)$/, alert);
		assert.match(String(annotations?.summary), /\.$/, alert);
		assert.equal(annotations?.runbook_url, `docs/operations.md#${anchorOf(alert)}`);
	}
});

it("and that is there, for each alert, and for nothing that is none", () => {
	const [, alertsPart = ""] = readFileSync(join(root, "docs/operations.md"), "utf8").split(/^## Alerts$/m);
	const headings = [...alertsPart.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
	assert.deepEqual(headings.sort(), alerts.map(({ alert }) => anchorOf(alert)).sort());
});

const anchorOf = (alert: string): string => alert.replace(/(?<!^)([A-Z])/g, "-$1").toLowerCase();

it("the operator's rules are Prometheus' own: `npm run rules` changes nothing", () => {
	assert.deepEqual(parse(readFileSync(prometheusRuleFile, "utf8")), parse(prometheusRule()));
});

it("compose.yaml shows all dashboards, and looks at all processes", () => {
	const { services, configs } = parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true }) as {
		services: { grafana: { configs: { source: string; target: string }[] } };
		configs: Record<string, { file: string }>;
	};
	const shown = services.grafana.configs.filter(({ target }) => target.startsWith("/dashboards/"));
	assert.deepEqual(shown.map(({ source }) => source).sort(), dashboards.map(({ name }) => `${name}.json`).sort());
	const { file } = configs["prometheus.yml"] ?? assert.fail();
	const scraped = parse(readFileSync(join(root, file), "utf8")) as {
		rule_files: string[];
		scrape_configs: { job_name: string; dns_sd_configs: { names: string[] }[] }[];
	};
	assert.deepEqual(scraped.rule_files, ["rules.yml"]);
	assert.deepEqual(
		scraped.scrape_configs.map(({ job_name }) => job_name),
		["hannip"],
	);
	assert.deepEqual(scraped.scrape_configs[0]?.dns_sd_configs[0]?.names.sort(), [
		"api",
		"auth",
		"credit",
		"hasher",
		"store",
		"user",
	]);
});
