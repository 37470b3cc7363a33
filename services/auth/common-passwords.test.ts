import assert from "node:assert/strict";
import { test } from "node:test";
import { isCommonPassword } from "./common-passwords.ts";

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
