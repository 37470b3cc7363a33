import assert from "node:assert/strict";
import { argon2Sync } from "node:crypto";
import { test } from "node:test";
import type { Params } from "../actions.ts";
import { type Derive, hashPassword, matchesPassword } from "./password.ts";

/** Node's own, as `hasher` computes it; what that is asked is written down. */
const asked: Params<"hasher.derive">[] = [];
const derive: Derive = async (params) => {
	asked.push(params);
	const { password, salt, memoryKib: memory, passes, parallelism } = params;
	const nonce = Buffer.from(salt, "base64");
	const tag = argon2Sync("argon2id", { message: password, nonce, tagLength: 32, memory, passes, parallelism });
	return { tag: tag.toString("base64").replaceAll("=", "") };
};
const hashed = (password: string) => hashPassword(password, derive);
const matches = (password: string, phc: string | null) => matchesPassword(password, phc, derive);

test("a password matches its hash, and no other one does", async () => {
	const phc = await hashed("correct horse battery");
	assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
	assert.equal(await matches("correct horse battery", phc), true);
	for (const other of ["", "correct horse batter", "correct horse battery ", "Correct horse battery"])
		assert.equal(await matches(other, phc), false, other);
});

test("the same password has another hash each time", async () => {
	assert.notEqual(await hashed("correct horse battery"), await hashed("correct horse battery"));
});

test("a hash says by which parameters it was made, and is compared by these", async () => {
	// As the reference implementation writes it: argon2 somesalt -id -t 2 -m 16 -p 1, RFC 9106.
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
	assert.equal(await matches("password", phc), true);
	assert.equal(await matches("passwort", phc), false);
});

test("where there is no hash nothing matches, and what it costs is the same", async () => {
	const password = "correct horse battery";
	await hashed(password);
	assert.equal(await matches(password, null), false);
	const [kept, nobodys] = asked.slice(-2);
	assert.notEqual(nobodys?.salt, kept?.salt);
	assert.deepEqual({ ...nobodys, salt: kept?.salt }, kept);
});

test("what is no hash is said so, without being repeated", async () => {
	await assert.rejects(matches("x", "plain text"), { message: "a stored password is not in PHC form" });
});

test("the same characters from another keyboard are the same password", async () => {
	const phc = await hashed("caf\u00e9 cr\u00e8me");
	assert.equal(await matches("cafe\u0301 cre\u0300me", phc), true);
	assert.equal(await matches("cafe creme", phc), false);
});
