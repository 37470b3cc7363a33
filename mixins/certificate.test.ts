import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, it } from "node:test";
import { generate } from "selfsigned";
import { certificateEndsAtMs, watchCertificate } from "./certificate.ts";
import { Metrics } from "./metrics.ts";

const DAY_MS = 86_400_000;
const pem = await generate([{ name: "commonName", value: "localhost" }], {
	algorithm: "sha256",
	notAfterDate: new Date(Date.now() + 10 * DAY_MS),
});
const server = createServer({ key: pem.private, cert: pem.cert }).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
after(() => server.close());

it("finds out when a certificate ends, whoever signed it", async () => {
	const days = ((await certificateEndsAtMs("127.0.0.1", port)) - Date.now()) / DAY_MS;
	assert.ok(days > 9.9 && days < 10.1, `${days} days`);
});

it("has no value where nobody answers, and no metric where clients see none", async () => {
	for (const [origin, expected] of [
		[`https://127.0.0.1:${port}`, /^hannip_certificate_expiry_timestamp_seconds \d+$/m],
		["https://127.0.0.1:9", /^# TYPE hannip_certificate_expiry_timestamp_seconds gauge$(?!\nhannip)/m],
	] as const) {
		const metrics = new Metrics();
		watchCertificate(metrics, origin);
		assert.match(await metrics.page(), expected);
	}
	const metrics = new Metrics();
	watchCertificate(metrics, "http://127.0.0.1:3000");
	assert.doesNotMatch(await metrics.page(), /certificate/);
});
