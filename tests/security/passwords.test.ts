import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { Prover } from "../../clients/sdk/prover.ts";
import { documents } from "../../mixins/database.ts";
import { metricsOf } from "../../mixins/metrics.ts";
import { call } from "../../services/actions.ts";
import type { KnownDevice } from "../../services/auth/known-device.ts";
import { assertRefused, type Client, newProver } from "../api/client.ts";
import type { Answer } from "../api/contract.ts";
import { forEach } from "../api/load.ts";
import { newPerson, PASSWORD, type Person } from "../api/people.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";

const NEW_PASSWORD = "tangerine walrus";

let platform: TestPlatform;
let anyone: Client;
before(async () => {
	platform = await startTestPlatform({ TRUSTED_PROXIES: "127.0.0.1" });
	anyone = platform.anyone;
});
after(() => platform.stop());

/** As `hasher` counts what it computed. */
async function hashes(): Promise<number> {
	const counted = await metricsOf(platform.broker)?.registry.getSingleMetric("hannip_password_hashes_total")?.get();
	return counted?.values[0]?.value ?? assert.fail("nobody counts hashes");
}

async function hashesOf(work: () => Promise<unknown>): Promise<number> {
	const before = await hashes();
	await work();
	return (await hashes()) - before;
}

const newHandle = (): string => `nobody.${randomBytes(6).toString("hex")}`;
let addresses = 0;
/** Each test is somewhere else, or one would use up what there is for another. */
const newAddress = (): string => `203.0.113.${++addresses}`;
const at = (address: string, prover: Prover): Client => anyone.from(prover).with({ "x-forwarded-for": address });
const stranger = async (address = newAddress()): Promise<Client> => at(address, await newProver());

const logIn = (from: Client, handle: string, password = PASSWORD) => from.call("auth.login", { handle, password });

/** So many one after the other, each with a wrong password. */
async function guess(from: Client, handle: string, count: number): Promise<number[]> {
	const statuses: number[] = [];
	for (let index = 0; index < count; index++) statuses.push((await logIn(from, handle, `wrong ${index}`)).status);
	return statuses;
}

const refreshTokenIn = ({ headers }: Answer): string =>
	/^__Host-hannip-refresh=([^;]*)/.exec(String(headers["set-cookie"]))?.[1] ?? assert.fail("there is no cookie");

const withoutTrace = (body: object): object => ({ ...body, traceId: "" });

describe("a new password", () => {
	const common = [
		"password",
		"iloveyou1",
		"QWERTYUIOP",
		"Passw0rd",
		"\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",
	];

	it("is none that anybody would guess first, nor the handle, and costs no hash then", async () => {
		const ada = await newPerson(anyone);
		const cost = await hashesOf(async () => {
			for (const password of [...common, "Some.Body.9"]) {
				const said = { handle: "some.body.9", displayName: "Some", password };
				await anyone.refused("user.signUp", said, "password_too_common");
			}
			for (const newPassword of [...common, ada.handle.toUpperCase()]) {
				const said = { currentPassword: PASSWORD, newPassword };
				await ada.api.refused("auth.changePassword", said, "password_too_common");
			}
		});
		assert.equal(cost, 0);
		await anyone.ok("user.signUp", { handle: "some.body.9", displayName: "Some", password: PASSWORD });
	});

	it("says the same of a handle that is taken", async () => {
		const ada = await newPerson(anyone);
		const said = { handle: ada.handle, displayName: "Eve", password: "password" };
		await anyone.refused("user.signUp", said, "password_too_common");
	});
});

describe("what is no password", () => {
	const none = ["", "x".repeat(129), `12345678${"\u0301".repeat(4_000)}`, "\ud800".repeat(10), 12_345_678, null, ["x"]];

	it("never costs a hash", async () => {
		const ada = await newPerson(anyone);
		await ada.api.ok("user.freeze", {});
		const thief = await stranger();
		const cost = await hashesOf(async () => {
			for (const password of none) {
				await anyone.refused("user.signUp", { handle: newHandle(), displayName: "X", password }, "validation_failed");
				await thief.refused("auth.login", { handle: ada.handle, password }, "validation_failed");
				await ada.api.refused("user.unfreeze", { password }, "validation_failed");
				for (const said of [
					{ currentPassword: password, newPassword: NEW_PASSWORD },
					{ currentPassword: PASSWORD, newPassword: password },
				])
					await ada.api.refused("auth.changePassword", said, "validation_failed");
			}
			await ada.api.refused("auth.changePassword", { newPassword: NEW_PASSWORD }, "validation_failed");
		});
		assert.equal(cost, 0);
	});
});

describe("a log-in", () => {
	it("costs one hash, whether the password is wrong or the handle is nobody's", async () => {
		const ada = await newPerson(anyone);
		const from = await stranger();
		for (const handle of [ada.handle, newHandle(), "Not A Handle"])
			assert.equal(
				await hashesOf(() => from.refused("auth.login", { handle, password: "x" }, "invalid_credentials")),
				1,
			);
	});

	it("is refused with a time to wait when two hundred come at once, and payments go on", async () => {
		const ada = await newPerson(anyone, { credit: 10 });
		const device = at(newAddress(), ada.prover);
		let logins: Answer[] = [];
		const cost = await hashesOf(async () => {
			const all = Array.from({ length: 200 }, () => logIn(device, ada.handle));
			const payments = Array.from({ length: 5 }, () => ada.api.call("user.charge", { amount: 1 }));
			for (const { status } of await Promise.all(payments)) assert.equal(status, 201);
			logins = await Promise.all(all);
		});
		const turnedAway = logins.filter(({ status }) => status !== 201);
		for (const answer of turnedAway) {
			// Nobody is left without an answer, and nothing is done for those who have given up.
			assertRefused(answer, "overloaded", "a log-in too many");
			assert.equal(answer.headers["retry-after"], "1");
		}
		assert.ok(turnedAway.length > 0, "all could wait");
		assert.ok(turnedAway.length < 200, "none was let in");
		assert.equal(cost, 200 - turnedAway.length);
	});
});

describe("guessing", () => {
	it("by strangers costs twenty hashes of an account, however many they are, and never locks its owner out", async () => {
		const ada = await newPerson(anyone);
		const thieves = await Promise.all(Array.from({ length: 50 }, () => stranger()));
		const answers: Answer[] = [];
		const cost = await hashesOf(async () => {
			// A few at a time: more would wait too long for each other, and be told so.
			for (let wave = 0; wave < 4; wave++)
				await forEach(thieves, 5, async (thief) => answers.push(await logIn(thief, ada.handle, `wrong ${wave}`)));
		});
		assert.equal(answers.length, 200);
		assert.equal(cost, 20);
		assert.equal(answers.filter(({ status }) => status === 401).length, 20);
		for (const answer of answers.filter(({ status }) => status !== 401)) {
			assertRefused(answer, "too_many_attempts", "a guess too many");
			const waitS = Number(answer.headers["retry-after"]);
			assert.ok(waitS > 3_500 && waitS <= 3_600, `${waitS} s`);
		}
		// Not even with the right one.
		assertRefused(await logIn(await stranger(), ada.handle), "too_many_attempts", "a stranger");
		assert.equal((await logIn(at("203.0.113.250", ada.prover), ada.handle)).status, 201);
	});

	it("a handle that nobody has is answered in the same words", async () => {
		const ada = await newPerson(anyone);
		const answers: object[][] = [];
		for (const handle of [ada.handle, newHandle()]) {
			const thief = await stranger();
			const bodies: object[] = [];
			for (let index = 0; index < 22; index++) bodies.push(withoutTrace((await logIn(thief, handle, "wrong")).body));
			answers.push(bodies);
		}
		assert.deepEqual(answers[0], answers[1]);
	});

	it("from one address costs fifty hashes, whoever's passwords, and does not keep known devices out", async () => {
		const address = newAddress();
		const ada = await newPerson(anyone);
		const thief = await stranger(address);
		const statuses: number[] = [];
		const cost = await hashesOf(async () => {
			for (let index = 0; index < 53; index++) statuses.push(...(await guess(thief, newHandle(), 1)));
		});
		assert.deepEqual(statuses, [...Array(50).fill(401), ...Array(3).fill(429)]);
		assert.equal(cost, 50);
		assertRefused(await logIn(await stranger(address), ada.handle), "too_many_attempts", "another stranger there");
		assert.equal((await logIn(at(address, ada.prover), ada.handle)).status, 201);
		assert.equal((await logIn(await stranger(), ada.handle)).status, 201);
	});

	it("on the owner's device ends after ten, whichever way it is tried", async () => {
		const ada = await newPerson(anyone);
		const device = at(newAddress(), ada.prover);
		assert.deepEqual(await guess(device, ada.handle, 3), [401, 401, 401]);
		for (let index = 0; index < 3; index++) {
			const said = { currentPassword: `wrong ${index}`, newPassword: NEW_PASSWORD };
			await ada.api.refused("auth.changePassword", said, "invalid_credentials");
		}
		await ada.api.ok("user.freeze", {});
		for (let index = 0; index < 4; index++)
			await ada.api.refused("user.unfreeze", { password: `wrong ${index}` }, "invalid_credentials");
		const cost = await hashesOf(async () => {
			await ada.api.refused("user.unfreeze", { password: PASSWORD }, "too_many_attempts");
			const said = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
			await ada.api.refused("auth.changePassword", said, "too_many_attempts");
			assertRefused(await logIn(device, ada.handle), "too_many_attempts", "the owner's device");
		});
		assert.equal(cost, 0);
		// Nor is another device of theirs kept out by it.
		assert.equal((await logIn(await stranger(), ada.handle)).status, 201);
	});

	it("by signing up with a handle that is taken is counted as well", async () => {
		const ada = await newPerson(anyone);
		const said = { handle: ada.handle, displayName: "Eve" };
		const cost = await hashesOf(async () => {
			for (let index = 0; index < 20; index++)
				await anyone.refused("user.signUp", { ...said, password: `wrong one ${index}` }, "handle_taken");
			await anyone.refused("user.signUp", { ...said, password: PASSWORD }, "too_many_attempts");
		});
		assert.equal(cost, 20);
	});

	it("by signing up with a handle that is taken is answered the same, whether it is right or wrong", async () => {
		const ada = await newPerson(anyone);
		const bob = await newPerson(anyone);
		const guesses = [
			{ handle: ada.handle, password: PASSWORD },
			{ handle: bob.handle, password: "wrong one" },
		];
		const [right, wrong] = await Promise.all(
			guesses.map(async (guessed) => {
				const thief = await stranger();
				const bodies: object[] = [];
				for (let index = 0; index < 22; index++)
					bodies.push(withoutTrace((await thief.call("user.signUp", { ...guessed, displayName: "Eve" })).body));
				return bodies;
			}),
		);
		assert.deepEqual(right, wrong);
		assert.deepEqual(
			right?.map((body) => (body as { status: number }).status),
			[...Array(20).fill(409), 429, 429],
		);
	});

	it("by signing up is counted by where it comes from too, together with log-ins, whatever the client says of that", async () => {
		const address = newAddress();
		const people = await Promise.all(Array.from({ length: 6 }, () => newPerson(anyone)));
		const thief = await stranger(address);
		const statuses: number[] = [];
		const cost = await hashesOf(async () => {
			for (let index = 0; index < 53; index++) {
				const { handle } = people[index % people.length] as Person;
				const guessed = { handle, password: `wrong one ${index}`, displayName: "Eve" };
				statuses.push((await thief.call("user.signUp", guessed)).status);
			}
		});
		assert.deepEqual(statuses, [...Array(50).fill(409), ...Array(3).fill(429)]);
		assert.equal(cost, 50);
		assertRefused(await logIn(thief, newHandle()), "too_many_attempts", "a log-in from there");
		const said = {
			handle: (people[0] as Person).handle,
			password: PASSWORD,
			displayName: "Eve",
			address: newAddress(),
		};
		await thief.refused("user.signUp", said, "validation_failed");
		// Who takes a handle that is free guesses nothing.
		await thief.ok("user.signUp", { handle: newHandle(), password: PASSWORD, displayName: "New" });
	});

	it("a sign-up that was cut off can be resumed all the same", async () => {
		const handle = newHandle();
		const from = await stranger();
		// As if the process had died behind the first of the three steps.
		const address = newAddress();
		const { userId } = await call(platform.broker, "auth.register", { handle, password: PASSWORD, address });
		const said = { handle, displayName: "Cut" };
		await from.refused("user.signUp", { ...said, password: "wrong one" }, "handle_taken");
		assert.equal((await from.ok("user.signUp", { ...said, password: PASSWORD })).userId, userId);
		assert.equal((await logIn(from, handle)).status, 201);
	});
});

describe("a change of the password", () => {
	const change = (person: Person, said = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }) =>
		person.api.call("auth.changePassword", said);

	it("ends every session at once and begins a new one, on this device", async () => {
		const ada = await newPerson(anyone);
		const other = await stranger();
		const elsewhere = await logIn(other, ada.handle);
		const oldCookie = refreshTokenIn(elsewhere);
		const changed = await change(ada);
		assert.equal(changed.status, 201);
		await ada.api.refused("user.me", {}, "unauthenticated");
		await other.as(elsewhere.body.accessToken).refused("user.me", {}, "unauthenticated");
		await other.refused("auth.refresh", { refreshToken: oldCookie }, "session_ended");

		const device = anyone.from(ada.prover, changed.body.accessToken);
		const { items } = await device.ok("auth.listSessions", {});
		assert.deepEqual(
			items.map(({ id, current }) => ({ id, current })),
			[{ id: changed.body.sessionId, current: true }],
		);
		const refreshed = await device.ok("auth.refresh", { refreshToken: refreshTokenIn(changed) });
		assert.equal(refreshed.sessionId, changed.body.sessionId);
		assert.ok(!changed.text.includes(refreshTokenIn(changed)));
	});

	it("makes the old password wrong and the new one right", async () => {
		const ada = await newPerson(anyone);
		assert.equal((await change(ada)).status, 201);
		const from = await stranger();
		assertRefused(await logIn(from, ada.handle), "invalid_credentials", "the old password");
		assert.equal((await logIn(from, ada.handle, NEW_PASSWORD)).status, 201);
	});

	it("makes strangers of all other devices", async () => {
		const ada = await newPerson(anyone);
		const thief = await stranger();
		assert.equal((await logIn(thief, ada.handle)).status, 201);
		assert.equal((await change(ada)).status, 201);
		await guess(await stranger(), ada.handle, 20);
		assertRefused(await logIn(thief, ada.handle, NEW_PASSWORD), "too_many_attempts", "a device from before");
		assert.equal((await logIn(at(newAddress(), ada.prover), ada.handle, NEW_PASSWORD)).status, 201);
	});

	it("with a wrong current password changes nothing", async () => {
		const ada = await newPerson(anyone);
		const refused = await change(ada, { currentPassword: "not the one", newPassword: NEW_PASSWORD });
		assertRefused(refused, "invalid_credentials", "a wrong one");
		assert.equal((await ada.api.ok("user.me", {})).userId, ada.userId);
		assert.equal((await logIn(await stranger(), ada.handle)).status, 201);
	});

	it("is done by one of two who do it at once", async () => {
		const ada = await newPerson(anyone);
		const wishes = ["tangerine walrus", "marmalade otter"];
		const answers = await Promise.all(
			wishes.map((newPassword) => change(ada, { currentPassword: PASSWORD, newPassword })),
		);
		assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 401]);
		const from = await stranger();
		for (const [index, { status }] of answers.entries())
			assert.equal((await logIn(from, ada.handle, wishes[index])).status, status);
	});

	it("ends also what is opened with the old password in the same moment", async () => {
		const ada = await newPerson(anyone);
		const device = at(newAddress(), ada.prover);
		const logins = Array.from({ length: 30 }, () => logIn(device, ada.handle));
		const [changed, ...others] = await Promise.all([change(ada), ...logins]);
		assert.equal(changed.status, 201);
		const opened = others.filter(({ status }) => status === 201);
		for (const { body } of opened)
			await anyone.from(ada.prover, body.accessToken).refused("user.me", {}, "unauthenticated");
		const { items } = await anyone.from(ada.prover, changed.body.accessToken).ok("auth.listSessions", {});
		assert.equal(items.length, 1);
	});
});

it("a known device's use is not written down again with each log-in", async () => {
	const person = await newPerson(anyone);
	const devices = documents<KnownDevice>(platform.broker.getLocalService("auth"), "devices");
	const usedAtMs = async () => (await devices.find({ query: { userId: person.userId } })).map((each) => each.usedAtMs);
	const first = await usedAtMs();
	assert.equal(first.length, 1);
	assert.equal((await logIn(at(newAddress(), person.prover), person.handle)).status, 201);
	assert.deepEqual(await usedAtMs(), first);
	const other = await newProver();
	assert.equal((await logIn(at(newAddress(), other), person.handle)).status, 201);
	assert.equal((await usedAtMs()).length, 2);
});
