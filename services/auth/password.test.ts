import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { test } from "node:test";
import { isCommonPassword } from "./common-passwords.ts";
import { HASHES_AT_ONCE, hashPassword, matchesPassword } from "./password.ts";

test("a password matches its hash, and no other one does", async () => {
	const phc = await hashPassword("correct horse battery");
	assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
	assert.equal(await matchesPassword("correct horse battery", phc), true);
	for (const other of ["", "correct horse batter", "correct horse battery ", "Correct horse battery"])
		assert.equal(await matchesPassword(other, phc), false, other);
});

test("the same password has another hash each time", async () => {
	assert.notEqual(await hashPassword("correct horse battery"), await hashPassword("correct horse battery"));
});

test("a hash says by which parameters it was made, and is compared by these", async () => {
	// As the reference implementation writes it: argon2 somesalt -id -t 2 -m 16 -p 1, RFC 9106.
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
	assert.equal(await matchesPassword("password", phc), true);
	assert.equal(await matchesPassword("passwort", phc), false);
});

test("what is no hash is said so, without being repeated", async () => {
	await assert.rejects(matchesPassword("x", "plain text"), { message: "a stored password is not in PHC form" });
});

test("the same characters from another keyboard are the same password", async () => {
	const phc = await hashPassword("caf\u00e9 cr\u00e8me");
	assert.equal(await matchesPassword("cafe\u0301 cre\u0300me", phc), true);
	assert.equal(await matchesPassword("cafe creme", phc), false);
});

test("no more are computed at once than half of the cores, and two, however many are wanted", async () => {
	const open = new Set<number>();
	let most = 0;
	let all = 0;
	const watch = createHook({
		init(id, type) {
			if (type !== "ARGON2REQUEST") return;
			open.add(id);
			all += 1;
			most = Math.max(most, open.size);
		},
		before: (id) => void open.delete(id),
	}).enable();
	await Promise.all(Array.from({ length: 9 }, () => hashPassword("correct horse battery")));
	watch.disable();
	assert.deepEqual([all, most], [9, HASHES_AT_ONCE]);
});

test("what is guessed first is common, in whatever case and form it is written", async () => {
	const common = ["password", "iloveyou", "12345678", "qwertyuiop", "PassWord1", "\uff50\uff41\uff53\uff53word"];
	for (const password of common) assert.equal(await isCommonPassword(password, "ada"), true, password);
	for (const password of ["correct horse battery", "tangerine-walrus", "password "])
		assert.equal(await isCommonPassword(password, "ada"), false, password);
});

test("one's own handle is a common password, another one's is not", async () => {
	assert.equal(await isCommonPassword("Ada.Lovelace", "ada.lovelace"), true);
	assert.equal(await isCommonPassword("Ada.Lovelace", "charles"), false);
});
