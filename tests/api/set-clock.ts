import type { TestContext } from "node:test";
import { until } from "../../scripts/cluster/processes.ts";
import type { Client } from "./client.ts";

/** Sets this process's clock, until the test ends. */
export function setClockAhead(t: TestContext, ms: number, anyone: Client): void {
	t.mock.timers.enable({ apis: ["Date"], now: Date.now() + ms });
	t.after(async () => {
		t.mock.timers.reset();
		// A jump of the clock looks as if the gateway had stood still: for a second it refuses what it reads.
		const look = { method: "GET", path: "/.well-known/jwks.json" };
		await until(async () => (await anyone.raw(look)).status === 200, "it goes on");
	});
}
