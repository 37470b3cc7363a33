import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import jwt from "jsonwebtoken";
import type { Service } from "moleculer";
import { documents } from "../../mixins/database.ts";
import { keyringOf } from "../../mixins/keyring.ts";
import { makeCode } from "../../mixins/payment-code.ts";
import type { KeyDocument } from "../../services/auth/key-ring.ts";
import { ROTATION_MIN_MS, type SigningKeys } from "../../services/auth/signing-keys.ts";
import type { Answer } from "../api/contract.ts";
import {
	basketOf,
	newCode,
	newPerson,
	newShop,
	newTill,
	PASSWORD,
	type Person,
	type Shop,
	type Till,
} from "../api/people.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";
import { launch } from "../api/process.ts";

/** The least that lies between two rotations by hand. */
const APART_MS = ROTATION_MIN_MS;
let dataDir: string;
let platform: TestPlatform;
let people: readonly Person[];
let ada: Person;
let shop: Shop;
let till: Till;
before(async () => {
	dataDir = mkdtempSync(join(tmpdir(), "hannip-rotation-"));
	platform = await startTestPlatform({ DATA_DIR: dataDir });
	people = await Promise.all(
		["Ada", "Bob", "Cho", "Dan"].map((name) => newPerson(platform.anyone, { name, credit: 100_000 })),
	);
	[ada] = people as [Person];
	shop = await newShop(await newPerson(platform.anyone, { name: "Eun" }), { prices: [1] });
	till = await newTill(platform.anyone, shop);
});
after(async () => {
	await platform.stop();
	rmSync(dataDir, { recursive: true, force: true });
});

const auth = () => platform.broker.getLocalService("auth") as Service & { signingKeys: SigningKeys };

/** Rotates as an operator does, as soon as it is possible again. */
async function rotate() {
	const stored = documents<KeyDocument>(auth(), "signing_keys");
	for (const { _id, createdAtMs } of await stored.find())
		await stored.updateById(_id, { $set: { createdAtMs: createdAtMs - APART_MS } });
	return (await platform.operator.ok("operator.rotateKeys", { reason: "a test" })).keys;
}

/** At once, and not when the event has come. */
async function everybodyHears(): Promise<void> {
	const verifiers = platform.broker.services.filter((service) => keyringOf(service) !== undefined);
	await Promise.all(verifiers.map((service) => keyringOf(service).refresh()));
}

const kidOf = (accessToken: string): unknown => jwt.decode(accessToken, { complete: true })?.header.kid;
const refreshTokenIn = ({ headers }: Answer): string =>
	/^__Host-hannip-refresh=([^;]*)/.exec(String(headers["set-cookie"]))?.[1] ?? "";
const logIn = ({ api, handle }: Person) => api.call("auth.login", { handle, password: PASSWORD });
const loggedIn = async (person: Person): Promise<Person> => {
	const { accessToken } = (await logIn(person)).body;
	return { ...person, api: person.api.as(accessToken) };
};
const sellFor = (code: string) => till.api.call("store.sell", { storeId: shop.id, code, items: basketOf(shop) });

describe("while keys are rotated", () => {
	it("no request of anybody fails", async () => {
		let isOver = false;
		const done = people.map(() => 0);
		const kids = new Set<unknown>();
		const use = async (person: Person, index: number) => {
			const login = await logIn(person);
			let refreshToken = refreshTokenIn(login);
			let client = person.api;
			while (!isOver) {
				assert.equal((await client.ok("user.me", {})).userId, person.userId);
				await client.ok("user.charge", { amount: 1 });
				assert.equal((await sellFor(await newCode({ ...person, api: client }))).status, 201);
				const refreshed = await client.call("auth.refresh", { refreshToken });
				assert.equal(refreshed.status, 200, refreshed.text);
				refreshToken = refreshTokenIn(refreshed);
				kids.add(kidOf(refreshed.body.accessToken));
				client = client.as(refreshed.body.accessToken);
				done[index] = (done[index] as number) + 1;
			}
		};
		const inUse = Promise.all(people.map(use));
		try {
			for (let rotations = 0; rotations < 5; rotations++) {
				const reached = done.map((rounds) => rounds + 2);
				// Whoever uses the platform may have failed: then nothing is reached any more.
				while (done.some((rounds, index) => rounds < (reached[index] as number)))
					await Promise.race([new Promise((resolve) => setTimeout(resolve, 10)), inUse]);
				await rotate();
			}
		} finally {
			isOver = true;
			await inUse;
		}
		assert.ok(kids.size >= 4, `only ${kids.size} keys signed`);
	});

	it("tokens and payment codes from before are good as long as they can live, and the till's token the longest", async () => {
		const login = await logIn(ada);
		const customers = await Promise.all(people.map(loggedIn));
		const [first, second, third] = (await Promise.all(customers.map((person) => newCode(person)))) as [
			string,
			string,
			string,
		];
		const kid = kidOf(login.body.accessToken);
		for (const code of [first, second]) {
			await rotate();
			assert.equal((await ada.api.as(login.body.accessToken).ok("user.me", {})).userId, ada.userId);
			assert.equal((await sellFor(code)).status, 201);
		}
		await rotate();
		await everybodyHears();
		const { code } = (await sellFor(third)).body as { code?: string };
		assert.equal(code, "code_invalid");
		assert.equal((await ada.api.as(login.body.accessToken).call("user.me", {})).status, 401);
		const refreshed = await ada.api.call("auth.refresh", { refreshToken: refreshTokenIn(login) });
		assert.equal(refreshed.status, 200);
		assert.equal(Number(kidOf(refreshed.body.accessToken)), Number(kid) + 3);
	});

	it("whoever has a key that was rotated away forges no payment code with it, minutes later", async () => {
		const stolen = auth().signingKeys.active;
		const forge = () => {
			const request = { userId: ada.userId, nowMs: Date.now(), ttlS: 180, cap: 1_000 };
			const { privateKey, handleKey } = stolen;
			return makeCode(request, { kid: Number(stolen.kid), privateKey, handleKey }).code;
		};
		// Until it does not sign any more nobody can tell the difference.
		assert.equal((await sellFor(forge())).status, 201);
		for (let rotations = 0; rotations < 3; rotations++) await rotate();
		const { state } = auth().signingKeys.all.find(({ kid }) => kid === stolen.kid) ?? {};
		assert.equal(state, "previous", "it is still kept, for tills");
		await everybodyHears();
		assert.equal(((await sellFor(forge())).body as { code?: string }).code, "code_invalid");
	});

	it("a refresh whose answer was lost gives the same one again", async () => {
		const refreshToken = refreshTokenIn(await logIn(ada));
		const first = refreshTokenIn(await ada.api.call("auth.refresh", { refreshToken }));
		await rotate();
		const again = await ada.api.call("auth.refresh", { refreshToken });
		assert.equal(refreshTokenIn(again), first);
		assert.equal((await ada.api.call("auth.refresh", { refreshToken: first })).status, 200);
	});

	it("the public keys have those that sign next, now and did before, and may be kept for five minutes", async () => {
		const keys = await rotate();
		const answer = await platform.anyone.call("auth.jwks", {});
		assert.equal(answer.headers["cache-control"], "public, max-age=300");
		assert.deepEqual(
			answer.body.keys.map(({ kid }) => kid),
			keys.map(({ kid }) => kid),
		);
		assert.deepEqual(
			keys.slice(-3).map(({ state }) => state),
			["previous", "active", "next"],
		);
		const { accessToken } = (await logIn(ada)).body;
		assert.equal(kidOf(accessToken), keys.at(-2)?.kid);
		for (const jwk of answer.body.keys) assert.equal("d" in jwk, false);
	});

	it("a second one has to wait until everybody has heard of the first", async () => {
		await rotate();
		const answers = await Promise.all(
			Array.from({ length: 8 }, () => platform.operator.call("operator.rotateKeys", { reason: "a test" })),
		);
		for (const answer of answers) {
			assert.equal((answer.body as { code?: string }).code, "keys_rotated_recently");
			assert.ok(Number(answer.headers["retry-after"]) > 60, `${answer.headers["retry-after"]}`);
		}
	});
});

describe("the signing keys at rest", () => {
	it("cannot be found in the bytes of the database", async () => {
		await rotate();
		const files = readdirSync(dataDir).filter((name) => name.startsWith("hannip.sqlite"));
		const bytes = Buffer.concat(files.map((name) => readFileSync(join(dataDir, name))));
		assert.ok(bytes.includes("signing_keys"), "the keys are somewhere else");
		assert.ok(bytes.includes(ada.handle), "what is written is somewhere else");
		const secrets = auth().signingKeys.all.flatMap(({ privateKey, handleKey, refreshKey }) => {
			const d = Buffer.from(String(privateKey.export({ format: "jwk" }).d), "base64url");
			return [d, handleKey.export(), refreshKey].flatMap((raw) => [
				raw,
				...(["base64url", "base64", "hex"] as const).map((encoding) => Buffer.from(raw.toString(encoding))),
			]);
		});
		assert.ok(secrets.length >= 36);
		for (const secret of secrets) assert.equal(bytes.indexOf(secret), -1, `${secret.length} bytes`);
		for (const mark of ["PRIVATE KEY", '"d"', readFileSync(join(dataDir, "keys.secret"), "utf8").trim()])
			assert.equal(bytes.indexOf(mark), -1);
	});

	it("open the next time, and with no other secret: that is said, and nothing is changed", async () => {
		const DATA_DIR = join(dataDir, "another");
		const { stop } = await startTestPlatform({ DATA_DIR });
		await stop();
		const file = join(DATA_DIR, "keys.secret");
		const secret = readFileSync(file, "utf8");
		const givesUp = async (env: NodeJS.ProcessEnv): Promise<string> => {
			const launched = launch({ LOG_LEVEL: "error", DATA_DIR, ...env });
			assert.deepEqual(await launched.exited, { code: 1, signal: null }, launched.stdout());
			return launched.stderr();
		};
		const other = "x".repeat(40);
		assert.match(await givesUp({ KEY_SECRET: other }), /^hannip: KEY_SECRET does not open the signing keys[^\n]+\n$/);
		writeFileSync(file, other);
		assert.match(await givesUp({}), /^hannip: \S+keys\.secret does not open the signing keys[^\n]+\n$/);
		rmSync(file);
		assert.match(await givesUp({}), /^hannip: \S+keys\.secret is missing[^\n]+\n$/);
		const named = join(dataDir, "named.secret");
		writeFileSync(named, secret);
		const { anyone, stop: stopAgain } = await startTestPlatform({ DATA_DIR, KEY_SECRET_FILE: named });
		assert.deepEqual(
			(await anyone.ok("auth.jwks", {})).keys.map(({ kid }) => kid),
			["1", "2"],
		);
		await stopAgain();
	});

	it("are made anew with another secret when they were removed, as the runbook says; who was logged in refreshes", async () => {
		const DATA_DIR = join(dataDir, "another-secret");
		const first = await startTestPlatform({ DATA_DIR });
		const before = await newPerson(first.anyone, { name: "Fay" });
		const login = await logIn(before);
		const { keys } = await first.anyone.ok("auth.jwks", {});
		await first.stop();
		const database = new DatabaseSync(join(DATA_DIR, "hannip.sqlite"));
		database.exec("DELETE FROM signing_keys");
		database.close();
		const second = await startTestPlatform({ DATA_DIR, KEY_SECRET: "x".repeat(40) });
		const there = (await second.anyone.ok("auth.jwks", {})).keys;
		assert.equal(there.length, 2);
		assert.ok(there.every(({ x }) => keys.every((key) => key.x !== x)));
		const here = second.anyone.from(before.prover);
		assert.equal((await here.as(login.body.accessToken).call("user.me", {})).status, 401);
		const refreshed = await here.call("auth.refresh", { refreshToken: refreshTokenIn(login) });
		assert.equal(refreshed.status, 200, refreshed.text);
		assert.equal((await here.as(refreshed.body.accessToken).ok("user.me", {})).userId, before.userId);
		await second.stop();
	});

	it("need a secret that is long enough, and with MongoDB one that is given", async () => {
		for (const [env, said] of [
			[{ KEY_SECRET: "x".repeat(31) }, /KEY_SECRET has less than 32 characters/],
			[{ KEY_SECRET: "", MONGODB_URI: "mongodb://127.0.0.1:1/hannip" }, /KEY_SECRET is needed with MONGODB_URI/],
			[{ KEY_ROTATION_DAYS: "0" }, /KEY_ROTATION_DAYS=0/],
		] as const) {
			const launched = launch({ LOG_LEVEL: "error", DATA_DIR: join(dataDir, "third"), ...env });
			assert.deepEqual(await launched.exited, { code: 1, signal: null });
			assert.match(launched.stderr(), said);
			assert.doesNotMatch(launched.stderr(), /xxxx/);
		}
	});
});
