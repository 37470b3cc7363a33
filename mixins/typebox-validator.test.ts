import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import type { FieldError } from "../services/errors.ts";
import { closed, Handle, nullable, text } from "../services/schema.ts";
import { TypeBoxValidator } from "./typebox-validator.ts";

const check = (schema: object, value: unknown) =>
	(new TypeBoxValidator({}).compile(schema) as (value: unknown) => true | FieldError[])(value);

const signUp = closed({ handle: Handle, name: text(10, "Name"), items: Type.Array(closed({ id: Type.String() })) });

test("each missing field is an error of its own, wherever it is missing", () => {
	assert.deepEqual(check(signUp, { items: [{}] }), [
		{ at: "handle", message: "is missing" },
		{ at: "name", message: "is missing" },
		{ at: "items.0.id", message: "is missing" },
	]);
});

test("what text has to be is said in words, not as a regular expression", () => {
	assert.deepEqual(check(signUp, { handle: "Ada!", name: " Ada", items: [] }), [
		{ at: "handle", message: "must be: 3 to 30 of a-z, 0-9, dot and underscore, with a letter or digit at either end" },
		{ at: "name", message: "must be: characters that can be seen, with no blank at either end" },
	]);
});

test("where there are few values, they are named", () => {
	const schema = closed({ role: Type.Enum(["owner", "staff"]), kind: Type.Literal("EC") });
	assert.deepEqual(check(schema, { role: "boss", kind: "RSA" }), [
		{ at: "role", message: "must be one of: owner, staff" },
		{ at: "kind", message: 'must be "EC"' },
	]);
});

test("an edit of nothing is told what could be edited, and not to count what is in the address", () => {
	const optional = { url: Type.Optional(Type.String()), enabled: Type.Optional(Type.Boolean()) };
	const schema = closed({ storeId: Type.String(), ...optional }, { minProperties: 2 });
	assert.deepEqual(check(schema, { storeId: "s" }), [
		{ at: "(all)", message: "must have at least 1 of: url, enabled" },
	]);
	const discount = closed({ discount: closed(optional, { minProperties: 1 }) });
	assert.deepEqual(check(discount, { discount: {} }), [
		{ at: "discount", message: "must have at least 1 of: url, enabled" },
	]);
});

test("of what may also be null one thing is said, and an unknown field is named once", () => {
	const schema = closed({ note: nullable(text(3, "Note")) });
	assert.deepEqual(check(schema, { note: "much too long", more: 1 }), [
		{ at: "more", message: "is not a known field" },
		{ at: "note", message: "must not have more than 3 characters" },
	]);
});

test("there are 20 errors at the most", () => {
	const many = closed(Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`field${index}`, Type.Null()])));
	assert.equal((check(many, {}) as FieldError[]).length, 20);
});
