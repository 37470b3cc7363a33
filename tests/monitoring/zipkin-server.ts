import { spawn } from "node:child_process";
import { once } from "node:events";
import type { ZipkinSpan } from "../../mixins/zipkin-sender.ts";
import { endWithUs, freePorts, until } from "../../scripts/cluster/processes.ts";
import { partPath } from "../../scripts/parts.ts";

/** A real Zipkin that keeps everything in memory. */
export class ZipkinServer {
	readonly url: string;
	readonly stop: () => Promise<void>;

	private constructor(url: string, stop: () => Promise<void>) {
		[this.url, this.stop] = [url, stop];
	}

	/** @throws when it cannot be had, or does not start */
	static async start(): Promise<ZipkinServer> {
		const [port] = await freePorts(1);
		const options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", partPath("zipkin")];
		const child = spawn("java", [...options, `--server.port=${port}`], {
			env: { PATH: process.env.PATH, QUERY_PORT: String(port), STORAGE_TYPE: "mem" },
			stdio: "ignore",
		});
		endWithUs(child);
		const url = `http://127.0.0.1:${port}`;
		await until(async () => (await fetch(`${url}/health`)).ok, "Zipkin is ready");
		return new ZipkinServer(url, async () => {
			child.ref();
			const ended = once(child, "exit");
			child.kill("SIGKILL");
			await ended;
		});
	}

	/** Nothing if it knows none by this id. */
	async trace(traceId: string): Promise<ZipkinSpan[]> {
		const response = await fetch(`${this.url}/api/v2/trace/${traceId}`);
		return response.ok ? ((await response.json()) as ZipkinSpan[]) : [];
	}
}
