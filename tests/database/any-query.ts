import assert from "node:assert/strict";
import fc from "fast-check";

// The reference: documents and queries at random, and MongoDB's meaning of a query in plain JavaScript.

type Doc = { _id: string; [field: string]: unknown };

// Few values, so that they meet; among them those that a careless comparison takes for each other.
const scalarArbitrary = fc.oneof(
	fc.constantFrom(
		0,
		1,
		-1,
		1.5,
		2 ** 60,
		"",
		"0",
		"1",
		"true",
		"null",
		"é",
		"😀",
		"\uffee",
		"[]",
		"{}",
		true,
		false,
		null,
	),
	fc.integer(),
	fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
	fc.string({ unit: "grapheme", maxLength: 3 }),
);

const boundArbitrary = scalarArbitrary.filter((value) => value !== null);

export const documentsArbitrary: fc.Arbitrary<Doc[]> = fc.uniqueArray(
	fc.record(
		{
			_id: fc.string({ unit: fc.constantFrom("a", "b", "é", "😀", "\uffee"), minLength: 1, maxLength: 4 }),
			a: scalarArbitrary,
			b: scalarArbitrary,
			c: fc.oneof(scalarArbitrary, fc.record({ a: scalarArbitrary }, { noNullPrototype: true })),
		},
		{ requiredKeys: ["_id"], noNullPrototype: true },
	),
	{ selector: ({ _id }) => _id, maxLength: 12 },
);

const conditionArbitrary = fc.oneof(
	scalarArbitrary,
	fc.record({
		$in: fc.array(
			scalarArbitrary.filter((value) => typeof value === "string"),
			{ maxLength: 4 },
		),
	}),
	fc.record(
		{ $gt: boundArbitrary, $gte: boundArbitrary, $lt: boundArbitrary, $lte: boundArbitrary },
		{ requiredKeys: ["$gte"] },
	),
	...["$gt", "$gte", "$lt", "$lte"].map((operator) => boundArbitrary.map((bound) => ({ [operator]: bound }))),
);

export const queryArbitrary: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(
	fc.constantFrom("a", "b", "c"),
	conditionArbitrary,
	{ maxKeys: 2, noNullPrototype: true },
);

const compareStrings = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));

export const byIdBytes = (left: Doc, right: Doc) => compareStrings(left._id, right._id);

export const matches = (doc: Doc, query: Record<string, unknown>): boolean =>
	Object.entries(query).every(([field, condition]) => {
		const value = doc[field];
		if (condition === null) return value == null;
		if (typeof condition !== "object") return value === condition;
		return Object.entries(condition).every(([operator, operand]) => meets(value, operator, operand));
	});

function meets(value: unknown, operator: string, operand: unknown): boolean {
	if (operator === "$in") return (operand as unknown[]).includes(value);
	if (typeof value !== typeof operand) return false;
	const order = typeof value === "string" ? compareStrings(value, operand as string) : Number(value) - Number(operand);
	const meaning: Record<string, boolean> = { $gt: order > 0, $gte: order >= 0, $lt: order < 0, $lte: order <= 0 };
	return meaning[operator] ?? assert.fail(operator);
}
