import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { Errors, type Service } from "moleculer";
import { fail, isProblemCode } from "../errors.ts";
import { answerProblem } from "./answer-problem.ts";
import { publicRoutes } from "./routes.ts";

const routeOf = (action: string) => publicRoutes.find((route) => route.action === action) ?? assert.fail();

/** What a client reads when a request of this route has failed like that. */
async function codeSaid(action: string, error: unknown): Promise<string> {
	const route = routeOf(action);
	const server = createServer((req, res) => {
		const failing = Object.assign(req, { $alias: { method: route.method, fullPath: route.path }, $params: {} });
		const known = { addresses: [], routeOf: () => route, audience: "everybody" as const };
		answerProblem(failing, res, { error, ...known });
	}).listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	try {
		const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
		return ((await response.json()) as { code: string }).code;
	} finally {
		server.close();
	}
}

const where = { action: "store.refundSale", nodeID: "store-1" };
const brokenOff = [
	new Errors.RequestTimeoutError(where),
	new Errors.RequestRejectedError(where),
	new Errors.RequestSkippedError(where),
	new Errors.GracefulStopTimeoutError({ service: { name: "store" } as unknown as Service }),
	new Error("nobody foresaw this"),
];
const neverSent = [new Errors.ServiceNotFoundError(where), new Errors.ServiceNotAvailableError(where)];

for (const error of brokenOff) {
	it(`of credit that moves, "${error.name}" leaves open whether it did; of anything else it does not`, async () => {
		assert.equal(await codeSaid("store.refundSale", error), "outcome_unknown");
		assert.notEqual(await codeSaid("store.listProducts", error), "outcome_unknown");
	});
}

for (const error of neverSent) {
	it(`"${error.name}" says that nothing moved`, async () => {
		assert.equal(await codeSaid("store.refundSale", error), "service_unavailable");
	});
}

it("so do our own words for it", async () => {
	for (const code of ["ledger_busy", "ledger_unavailable", "overloaded", "service_unavailable"]) {
		assert.equal(await codeSaid("store.refundSale", fail(isProblemCode(code) ? code : assert.fail())), code);
	}
});
