import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes, type Route } from "../../services/api/routes.ts";
import { type Client, nameOf, newKey } from "./client.ts";
import { newPerson, type Person } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

type Listed = { readonly name: string; readonly action?: { readonly visibility?: string; readonly params?: object } };

let platform: TestPlatform;
let ada: Person;
let actions: readonly Listed[];
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { credit: 100 });
	actions = platform.broker.registry.getActionList({ skipInternal: false, withEndpoints: false }) as readonly Listed[];
});
after(() => platform.stop());

const tables = [...publicRoutes, ...internalRoutes];
const isInternal = ({ name }: Listed): boolean => name.startsWith("$");

describe("the actions of all services", () => {
	it("are all there to be tried", () => {
		const names = actions.map(({ name }) => name);
		for (const expected of [
			"$node.list",
			"$node.options",
			"credit.transfer",
			"auth.keyring",
			"hasher.derive",
			"user.me",
		]) {
			assert.ok(names.includes(expected), `${expected} is not among ${names}`);
		}
		for (const service of ["auth", "user", "credit", "store"]) {
			assert.ok(names.filter((name) => name.startsWith(`${service}.`)).length >= 5, service);
		}
	});

	it("are published if a table names them, public if not, and nothing is left open by default", () => {
		const routed = new Set<string>(tables.map(({ action }) => action));
		const wrong = actions
			.filter((each) => !isInternal(each))
			.map(({ name, action }) => ({ name, is: action?.visibility, should: routed.has(name) ? "published" : "public" }))
			.filter(({ is, should }) => is !== should);
		assert.deepEqual(wrong, []);
		const known = new Set(actions.map(({ name }) => name));
		assert.deepEqual(
			[...routed].filter((name) => !known.has(name)),
			[],
		);
	});

	it("name no generated ones of the database library or the gateway", () => {
		const generated =
			/\.(find|count|list|get|create|insert|update|remove|entity|addRoute|removeRoute|listAliases|rest)$/;
		const meant = ["user.find", "store.list", "store.get", "store.create"];
		const left = actions.filter((each) => !isInternal(each) && generated.test(each.name) && !meant.includes(each.name));
		assert.deepEqual(left, []);
	});

	it("all check their parameters", () => {
		const open = actions.filter((each) => !isInternal(each) && !each.action?.params).map(({ name }) => name);
		assert.deepEqual(open, []);
	});
});

/** The ways in which moleculer-web, or somebody's habit, could spell an action in an address. */
function* spellingsOf(name: string): Generator<string> {
	const slashed = name.replaceAll(".", "/").replace("$", "~");
	const forms = [slashed, name, name.replaceAll(".", "/"), name.replaceAll(".", "%2F"), encodeURIComponent(name)];
	for (const form of new Set(forms)) {
		for (const prefix of [
			"/",
			"//",
			"/v1/",
			"/V1/",
			"/api/",
			"/v1/stores/",
			"/docs/",
			"/problems/",
			"/openapi.json/",
		]) {
			yield prefix + form;
		}
		yield `/${form}/`;
		yield `/${form.toUpperCase()}`;
		yield `/${form}?x=1`;
		yield `/./${form}`;
		yield `/v1/../${form}`;
	}
}

/** Does a route of the table stand at this address, however it is spelled? */
const isRouted = (table: readonly Route[], path: string): boolean => {
	const parts = (path.split("?")[0] as string).replace(/\/$/, "").toLowerCase().split("/");
	return table.some((route) => {
		const wanted = route.path.toLowerCase().split("/");
		return (
			wanted.length === parts.length &&
			wanted.every((part, index) => (part.startsWith(":") ? parts[index] !== "" : part === parts[index]))
		);
	});
};

async function tryEverything(client: Client, table: readonly Route[]): Promise<string[]> {
	const answered: string[] = [];
	const paths = actions.flatMap(({ name }) => [...spellingsOf(name)]).filter((path) => !isRouted(table, path));
	const tries = paths.flatMap((path) => [
		{ method: "GET", path },
		{ method: "POST", path, body: "{}", headers: { "content-type": "application/json", "idempotency-key": newKey() } },
	]);
	for (let from = 0; from < tries.length; from += 32) {
		const some = tries.slice(from, from + 32);
		const answers = await Promise.all(some.map((wire) => client.raw(wire)));
		for (const [index, { status }] of answers.entries()) {
			if (status !== 404) answered.push(`${some[index]?.method} ${some[index]?.path} ${status}`);
		}
	}
	assert.ok(tries.length > 2_000, `${tries.length}`);
	return answered;
}

describe("from outside", () => {
	it("no action answers on the public port but by its route", async () => {
		const before = await booksOf(platform.operator, [ada.wallet]);
		assert.deepEqual(await tryEverything(ada.api, publicRoutes), []);
		assert.deepEqual(await booksOf(platform.operator, [ada.wallet]), before);
	});

	it("no action answers on the internal port but by its route", async () => {
		const before = await booksOf(platform.operator, [ada.wallet]);
		assert.deepEqual(await tryEverything(platform.operator, internalRoutes), []);
		assert.deepEqual(await booksOf(platform.operator, [ada.wallet]), before);
	});

	it("nothing else is there either", async () => {
		const usual = ["/metrics", "/health", "/actuator", "/admin", "/debug", "/.env", "/.git/config", "/main.ts"];
		const paths = [
			...usual,
			"/live",
			"/ready",
			"/started",
			"/v1",
			"/v1/",
			"/favicon.ico",
			"/robots.txt",
			"/index.html",
		];
		for (const client of [ada.api, platform.operator]) {
			for (const path of paths) {
				const { status } = await client.raw({ method: "GET", path });
				assert.equal(status, 404, path);
			}
		}
		const home = await platform.anyone.raw({ method: "GET", path: "/" });
		assert.deepEqual([home.status, home.text], [302, ""]);
		// To the wallet, where the clients are built.
		assert.match(String(home.headers.location), /^\/(docs|wallet\/)$/);
		assert.equal((await platform.operator.raw({ method: "GET", path: "/" })).status, 404);
	});

	it("a route answers to its own method only", async () => {
		const methods = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "PROPFIND", "MOVE", "LINK"];
		for (const [client, table] of [
			[ada.api, publicRoutes],
			[platform.operator, internalRoutes],
		] as const) {
			for (const { path } of table) {
				const here = table.filter((route) => overlaps(route.path, path)).map((route): string => route.method);
				// Who may read may also ask what reading would answer.
				if (here.includes("GET")) here.push("HEAD");
				for (const method of methods.filter((each) => !here.includes(each))) {
					const answer = await client.raw({ method, path: path.replace(/:\w+/g, "x") });
					assert.equal(answer.status, 405, `${nameOf({ method: "GET", path })} ${method}`);
					assert.deepEqual(new Set(String(answer.headers.allow).split(", ")), new Set(here));
				}
			}
		}
	});

	it("says each allowed method once", async () => {
		const { headers } = await ada.api.raw({ method: "POST", path: "/v1/sessions/current" });
		assert.equal(headers.allow, "DELETE");
	});

	it("a route answers to no method that would only look", async () => {
		const before = await booksOf(platform.operator, [ada.wallet]);
		const path = "/v1/me/charges";
		const asked = {
			"access-control-request-method": "POST",
			"idempotency-key": newKey(),
			"content-type": "application/json",
		};
		const plain = await ada.api.raw({ method: "OPTIONS", path: "/v1/me" });
		const preflight = await ada.api.raw({ method: "OPTIONS", path, headers: asked, body: '{"amount":7}' });
		assert.deepEqual([plain.status, preflight.status], [405, 405]);
		assert.deepEqual(await booksOf(platform.operator, [ada.wallet]), before);
	});
});

/** Do these two routes share addresses when every parameter is `x`? */
const overlaps = (left: string, right: string): boolean => {
	const [a, b] = [left.replace(/:\w+/g, "x").split("/"), right.replace(/:\w+/g, "x").split("/")];
	const parameters = left.split("/").map((part) => part.startsWith(":"));
	return a.length === b.length && a.every((part, index) => part === b[index] || parameters[index]);
};
