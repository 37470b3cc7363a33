import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { endWithUs, freePorts, until } from "../../scripts/cluster/processes.ts";
import { rulesFile } from "../../scripts/deploy/prometheus-rule.ts";
import { partPath } from "../../scripts/parts.ts";

export type Found = { readonly metric: Readonly<Record<string, string>>; readonly value: number };

/** A real Prometheus that looks at these processes every second, by the rules of `k8s/components/monitoring`. */
export class PrometheusServer {
	readonly #url: string;
	readonly stop: () => Promise<void>;

	private constructor(url: string, stop: () => Promise<void>) {
		[this.#url, this.stop] = [url, stop];
	}

	/** @throws when it cannot be had, or does not start */
	static async start(probePorts: readonly number[]): Promise<PrometheusServer> {
		const folder = mkdtempSync(join(tmpdir(), "hannip-prometheus-"));
		const [port] = await freePorts(1);
		const targets = probePorts.map((each) => `127.0.0.1:${each}`);
		const config = {
			global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
			rule_files: [rulesFile],
			scrape_configs: [{ job_name: "hannip", static_configs: [{ targets }] }],
		};
		writeFileSync(join(folder, "prometheus.yml"), stringify(config));
		const child = spawn(
			partPath("prometheus"),
			[
				`--config.file=${join(folder, "prometheus.yml")}`,
				`--storage.tsdb.path=${join(folder, "data")}`,
				`--web.listen-address=127.0.0.1:${port}`,
				"--enable-feature=exemplar-storage",
				"--log.level=error",
			],
			{ stdio: ["ignore", "ignore", "inherit"] },
		);
		endWithUs(child, { remove: folder });
		const url = `http://127.0.0.1:${port}`;
		await until(async () => (await fetch(`${url}/-/ready`)).ok, "Prometheus is ready");
		return new PrometheusServer(url, async () => {
			child.ref();
			const ended = once(child, "exit");
			child.kill("SIGKILL");
			await ended;
			rmSync(folder, { recursive: true, force: true });
		});
	}

	/** @throws with Prometheus' words when it does not understand the query */
	async query(query: string): Promise<Found[]> {
		type Answer = { result: { metric: Record<string, string>; value: [number, string] }[] };
		const { result } = (await this.#asked("query", { query })) as Answer;
		return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
	}

	/** The trace ids that are shown beside a metric. */
	async exemplars(query: string): Promise<string[]> {
		const nowS = Date.now() / 1_000;
		const found = await this.#asked("query_exemplars", { query, start: String(nowS - 600), end: String(nowS) });
		const series = found as { exemplars: { labels: { trace_id: string } }[] }[];
		return series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
	}

	async #asked(what: string, parameters: Record<string, string>): Promise<unknown> {
		const response = await fetch(`${this.#url}/api/v1/${what}?${new URLSearchParams(parameters)}`);
		const { status, data, error } = (await response.json()) as { status: string; data: unknown; error?: string };
		if (status !== "success") throw new Error(`${parameters.query}: ${error}`);
		return data;
	}
}
