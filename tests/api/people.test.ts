import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused, type Client, newProver, withoutTrace } from "./client.ts";
import { newPerson, PASSWORD, type Person } from "./people.ts";
import { isApart, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let anyone: Client;
let ada: Person;
before(async () => {
	platform = await startTestPlatform();
	anyone = platform.anyone.from(await newProver());
	ada = await newPerson(anyone);
});
after(() => platform.stop());

describe("sign-up", () => {
	it("makes a wallet that is empty and open", async () => {
		const { balance, available, pending, state, limits } = await ada.api.ok("user.me", {});
		assert.deepEqual({ balance, available, pending, state }, { balance: 0, available: 0, pending: 0, state: "open" });
		assert.equal(limits.chargeMax, 2_000_000);
	});

	it("never says the password again", async () => {
		const handle = "no.echo";
		const answer = await anyone.call("user.signUp", { handle, password: PASSWORD, displayName: "Echo" });
		assert.ok(!answer.text.includes(PASSWORD));
		const refused = await anyone.call("user.signUp", { handle, password: `${PASSWORD}\u0000x`, displayName: "" });
		assert.ok(!refused.text.includes(PASSWORD));
	});

	it("can be resumed with the same password where it was cut off, and by nobody else", async () => {
		const handle = "cut.off";
		// As if the process had died behind the first of the three steps.
		const asked = { handle, password: PASSWORD, address: "127.0.0.1" };
		// Of this process' own: NATS lets nobody but its callers hear what another one answers.
		const here = { nodeID: platform.broker.nodeID };
		const { userId } = (await platform.broker.call("auth.register", asked, here)) as { userId: string };
		await anyone.refused("user.signUp", { handle, password: "another one", displayName: "Eve" }, "handle_taken");
		const person = await anyone.ok("user.signUp", { handle, password: PASSWORD, displayName: "Cut" });
		assert.equal(person.userId, userId);
	});

	it("refuses a handle that is taken, whatever the password", async () => {
		const said = { handle: ada.handle, displayName: "Eve" };
		await anyone.refused("user.signUp", { ...said, password: "another one" }, "handle_taken");
		await anyone.refused("user.signUp", { ...said, password: PASSWORD }, "handle_taken");
		assert.equal((await ada.api.ok("user.me", {})).displayName, "Ada");
	});

	it("gives a handle to one of many who want it at once", async () => {
		const wishes = Array.from({ length: 8 }, (_, index) =>
			anyone.call("user.signUp", { handle: "wanted", password: `password ${index}`, displayName: `Number ${index}` }),
		);
		const statuses = (await Promise.all(wishes)).map(({ status }) => status);
		assert.deepEqual(statuses.sort(), [201, ...Array.from({ length: 7 }, () => 409)]);
	});

	it("keeps names as they were written", async () => {
		const names = [
			"김민지",
			"👨‍👩‍👧‍👦 family",
			"Zoë",
			"مريم",
			"Ω≈ç√∫",
			"O'Brien <b>&amp;</b>",
			"a".repeat(60),
			"🚀".repeat(60),
		];
		for (const displayName of names) {
			assert.equal((await ada.api.ok("user.edit", { displayName })).displayName, displayName);
			assert.equal((await ada.api.ok("user.me", {})).displayName, displayName);
		}
		await ada.api.ok("user.edit", { displayName: "Ada" });
	});

	it("refuses names that are empty, too long, or not text", async () => {
		const names = [
			"",
			" ",
			" Ada",
			"Ada ",
			"A\nda",
			"A\u0000da",
			"\u007f",
			"a".repeat(61),
			7,
			null,
			["Ada"],
			{ $ne: "" },
		];
		for (const displayName of names) await ada.api.refused("user.edit", { displayName }, "validation_failed");
		await ada.api.refused("user.edit", {}, "validation_failed");
	});

	it("refuses names that nobody can see or that turn the text around", async () => {
		const { api } = await newPerson(anyone);
		for (const displayName of ["\u200b", "\u2060", "a\u202eb", "\u0085", "\u00ad", "\ufeff", "\u2066x", "\u{e0041}"]) {
			await api.refused("user.edit", { displayName }, "validation_failed");
		}
	});

	it("refuses names that are not Unicode", async () => {
		const { api } = await newPerson(anyone);
		for (const displayName of ["\ud800x", "x\udfff"]) {
			await api.refused("user.edit", { displayName }, "validation_failed");
		}
	});

	it("refuses 20 bad handles", async () => {
		const handles = [
			"",
			"ab",
			".ada",
			"ada.",
			"_ada",
			"Ada",
			"ADA",
			"a da",
			" ada",
			"ada ",
			"ada\n",
			"a-da",
			"a/da",
			"../ada",
			"ада",
			"áda",
			"ada\u200b",
			"ada\u0000",
			"a".repeat(31),
			'{"$ne":1}',
		];
		assert.equal(handles.length, 20);
		for (const handle of [...handles, 7, null, true, ["ada"], { $ne: null }]) {
			const said = { handle, password: PASSWORD, displayName: "Ada" };
			const problem = await anyone.refused("user.signUp", said, "validation_failed");
			assert.equal(problem.errors?.[0]?.at, "handle");
		}
	});

	it("wants passwords of 8 to 128 characters", async () => {
		for (const password of ["", "1234567", "x".repeat(129), 12_345_678, null, ["12345678"]]) {
			const said = { handle: "pass.word", password, displayName: "Pass" };
			await anyone.refused("user.signUp", said, "validation_failed");
		}
		for (const [index, password] of ["k7-pzq!m", "x".repeat(128), "비밀번호비밀번호"].entries()) {
			const handle = `pass.word${index}`;
			await anyone.ok("user.signUp", { handle, password, displayName: "Pass" });
			await anyone.ok("auth.login", { handle, password });
		}
	});

	it("bounds a password in bytes as well", async () => {
		// One letter with very many accents is one character to a reader, and megabytes to a hash.
		const password = `12345678${"\u0301".repeat(4_000)}`;
		await anyone.refused("user.signUp", { handle: "zalgo", password, displayName: "Z" }, "validation_failed");
	});
});

describe("log-in", () => {
	it("says the same to a wrong password and to an unknown handle", async () => {
		const wrong = await anyone.refused("auth.login", { handle: ada.handle, password: "wrong" }, "invalid_credentials");
		const unknown = await anyone.refused("auth.login", { handle: "nobody", password: "wrong" }, "invalid_credentials");
		assert.deepEqual(withoutTrace(wrong), withoutTrace(unknown));
		for (const handle of ["Ada!", "' OR 1=1 --", '{"$gt":""}', "x".repeat(64)]) {
			const other = await anyone.refused("auth.login", { handle, password: "wrong" }, "invalid_credentials");
			assert.deepEqual(withoutTrace(other), withoutTrace(unknown));
		}
	});

	it("refuses what is not a handle and a password", async () => {
		const { handle } = ada;
		const bad = [
			{},
			{ handle },
			{ password: PASSWORD },
			{ handle, password: "" },
			{ handle, password: { $ne: null } },
			{ handle: { $gt: "" }, password: PASSWORD },
			{ handle: ["a"], password: PASSWORD },
			{ handle, password: "x".repeat(129) },
			{ handle, password: PASSWORD, role: "operator" },
			{ handle, password: PASSWORD, userId: ada.userId },
		];
		for (const said of bad) await anyone.refused("auth.login", said, "validation_failed");
	});

	it("takes the same password typed on another keyboard", async () => {
		const said = { handle: "key.board", displayName: "Key" };
		await anyone.ok("user.signUp", { ...said, password: "caf\u00e9 cr\u00e8me".normalize("NFC") });
		await anyone.ok("auth.login", { handle: said.handle, password: "caf\u00e9 cr\u00e8me".normalize("NFD") });
	});

	// Several processes turn them down as fast as they come.
	it("is refused beyond a bound when everybody wants it at once, and payments go on", { skip: isApart }, async () => {
		const LOGINS = 90;
		const logins = Array.from({ length: LOGINS }, () =>
			anyone.call("auth.login", { handle: "nobody", password: "wrong" }),
		);
		const charge = await ada.api.call("user.charge", { amount: 1 });
		assert.equal(charge.status, 201);
		const answers = await Promise.all(logins);
		const refused = answers.filter(({ status }) => status === 503);
		for (const answer of refused) {
			assertRefused(answer, "overloaded", "a log-in too many");
			assert.equal(answer.headers["retry-after"], "1");
		}
		assert.ok(refused.length > 0 && refused.length < LOGINS, `${refused.length} of ${LOGINS} were refused`);
		const wrong = answers.filter(({ status }) => status === 401).length;
		const tooMany = answers.filter(({ status }) => status === 429).length;
		assert.ok(wrong > 0);
		assert.equal(wrong + tooMany, LOGINS - refused.length);
	});

	it("cuts a long User-Agent and keeps it for the list of sessions", async () => {
		const login = await anyone.ok("auth.login", { handle: ada.handle, password: PASSWORD, userAgent: "x".repeat(900) });
		const { items } = await ada.api.ok("auth.listSessions", {});
		assert.equal(items.find(({ id }) => id === login.sessionId)?.userAgent, "x".repeat(200));
	});
});

describe("a profile", () => {
	it("is found by its handle, without what is private", async () => {
		assert.deepEqual(await ada.api.ok("user.find", { handle: ada.handle }), { handle: ada.handle, displayName: "Ada" });
		await ada.api.refused("user.find", { handle: "no.such.body" }, "not_found");
		await ada.api.refused("user.find", { handle: "A" }, "validation_failed");
	});

	it("takes only the fields that it names", async () => {
		for (const more of [
			{ balance: 1 },
			{ userId: "u_x" },
			{ handle: "other" },
			{ state: "closed" },
			{ role: "admin" },
		]) {
			await ada.api.refused("user.edit", { displayName: "Ada", ...more }, "validation_failed");
		}
	});
});
