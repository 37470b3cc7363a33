// The rules of Prometheus as its operator takes them: `npm run rules` writes k8s/components/monitoring/prometheus-rule.yaml anew from rules.yml
// beside it, and a test holds one against the other.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

const folder = join(import.meta.dirname, "../../k8s/components/monitoring");
export const rulesFile = join(folder, "rules.yml");
export const prometheusRuleFile = join(folder, "prometheus-rule.yaml");

export function prometheusRule(): string {
	const resource = {
		apiVersion: "monitoring.coreos.com/v1",
		kind: "PrometheusRule",
		metadata: { name: "hannip", labels: { "app.kubernetes.io/part-of": "hannip" } },
		spec: parse(readFileSync(rulesFile, "utf8")) as object,
	};
	return `# Made from rules.yml by \`npm run rules\`.\n${stringify(resource, { lineWidth: 0 })}`;
}

if (import.meta.main) writeFileSync(prometheusRuleFile, prometheusRule());
