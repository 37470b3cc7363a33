import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { newPerson, type Person } from "./people.ts";
import { isApart, startTestPlatform, type TestPlatform } from "./platform.ts";

const PATH = "/v1/me/transactions.csv";
const LINES = 20_000;
/** Together more than a connection has room for. */
const NOTE = "한".repeat(200);

// Services that are apart give longer files in `statements.test.ts`; here it is about how many lines, and they cannot be asked for so many at once.
describe("a file of more lines than anybody counts", { skip: isApart }, () => {
	let platform: TestPlatform;
	let eve: Person;
	before(async () => {
		platform = await startTestPlatform();
		eve = await newPerson(platform.anyone, { name: "Eve" });
		const charge = (n: number) =>
			platform.broker.call("credit.transfer", {
				...{ id: `${eve.userId}.many-${n}`, fingerprint: "m".repeat(22), kind: "charge", amount: n + 1 },
				...{ debitAccountId: "system:funding", creditAccountId: eve.wallet, details: { note: NOTE } },
			});
		for (let from = 0; from < LINES; from += 1_000)
			await Promise.all(Array.from({ length: 1_000 }, (_, n) => charge(from + n)));
	});
	after(() => platform.stop());

	it("arrives whole, and is told of without its content", async () => {
		const rows: Record<string, string>[] = parse(await eve.api.ok("user.exportTransactions", {}), {
			bom: true,
			columns: true,
		});
		assert.equal(new Set(rows.map((row) => row.transfer_id)).size, LINES);
		assert.equal(rows.length, LINES);
		const { balance } = await eve.api.ok("user.me", {});
		const [newest, oldest] = [rows[0], rows.at(-1)];
		assert.deepEqual([newest?.balance_after, oldest?.balance_after], [String(balance), oldest?.amount]);
		const head = await eve.api.raw({ method: "HEAD", path: PATH });
		assert.deepEqual([head.status, head.text, head.headers["content-type"]], [200, "", "text/csv; charset=utf-8"]);
	});

	it("is cut off when it cannot go on, and that is no success", async () => {
		const headers = await eve.api.proofOf({ method: "GET", path: PATH });
		const asking = request({ host: "127.0.0.1", port: eve.api.port, path: PATH, agent: false, headers }).end();
		asking.on("error", () => {});
		const [answer] = (await once(asking, "response")) as [IncomingMessage];
		assert.equal(answer.statusCode, 200);
		await platform.broker.destroyService(platform.broker.getLocalService("user"));
		await assert.rejects(text(answer), { code: "ECONNRESET" });
		assert.equal(answer.complete, false);
		const metrics = await (await fetch(`${platform.probesUrl}/metrics`)).text();
		const counted = metrics
			.split("\n")
			.filter((line) => line.startsWith("hannip_http_requests_total") && line.includes(PATH));
		assert.match(counted.join("\n"), /status="503"\} 1/);
	});
});
