import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { rulesFile } from "../../scripts/deploy/prometheus-rule.ts";

const root = join(import.meta.dirname, "../..");

export type Rule = {
	readonly record?: string;
	readonly alert?: string;
	readonly expr: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly annotations?: Readonly<Record<string, string>>;
};
type Panel = { readonly title: string; readonly targets: readonly { readonly expr: string }[] };
export type Dashboard = {
	readonly name: string;
	readonly uid: string;
	readonly title: string;
	readonly panels: readonly Panel[];
};

export const dashboards: readonly Dashboard[] = globSync("k8s/components/monitoring/dashboards/*.json", { cwd: root })
	.sort()
	.map((file) => ({ name: basename(file, ".json"), ...JSON.parse(readFileSync(join(root, file), "utf8")) }));

export const rules = (parse(readFileSync(rulesFile, "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
	({ rules }) => rules,
);
export const alerts = rules.filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);
