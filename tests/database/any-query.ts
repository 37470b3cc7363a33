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

const presentScalarArbitrary = scalarArbitrary.filter((value) => value !== null);

const fieldArbitrary = fc.constantFrom("a", "b", "n.x", "n.y.z");

export const documentsArbitrary: fc.Arbitrary<Doc[]> = fc.uniqueArray(
	fc.record(
		{
			_id: fc.string({ unit: fc.constantFrom("a", "b", "é", "😀", "\uffee"), minLength: 1, maxLength: 4 }),
			a: scalarArbitrary,
			b: scalarArbitrary,
			n: fc.oneof(
				scalarArbitrary,
				fc.record(
					{
						x: scalarArbitrary,
						y: fc.oneof(scalarArbitrary, fc.record({ z: scalarArbitrary }, { noNullPrototype: true })),
					},
					{ requiredKeys: [], noNullPrototype: true },
				),
			),
		},
		{ requiredKeys: ["_id"], noNullPrototype: true },
	),
	{ selector: ({ _id }) => _id, maxLength: 12 },
);

const conditionArbitrary = fc.oneof(
	scalarArbitrary,
	fc.record({ $eq: scalarArbitrary }),
	fc.record({ $ne: scalarArbitrary }),
	fc.record({ $in: fc.array(scalarArbitrary, { maxLength: 4 }) }),
	fc.record({ $nin: fc.array(scalarArbitrary, { maxLength: 4 }) }),
	fc.record({ $exists: fc.boolean() }),
	fc.record(
		{
			$gt: presentScalarArbitrary,
			$gte: presentScalarArbitrary,
			$lt: presentScalarArbitrary,
			$lte: presentScalarArbitrary,
		},
		{ requiredKeys: ["$gte"] },
	),
	fc.record({ $gt: presentScalarArbitrary, $ne: scalarArbitrary }),
	...["$gt", "$gte", "$lt", "$lte"].map((operator) => presentScalarArbitrary.map((bound) => ({ [operator]: bound }))),
	fc.record({ $lte: presentScalarArbitrary, $exists: fc.boolean() }),
);

export const { query: queryArbitrary } = fc.letrec<{ query: Record<string, unknown> }>((tie) => ({
	query: fc.oneof(
		{ maxDepth: 3, withCrossShrink: true },
		fc.dictionary(fieldArbitrary, conditionArbitrary, { maxKeys: 2, noNullPrototype: true }),
		fc.record({ $and: fc.array(tie("query"), { minLength: 1, maxLength: 3 }) }),
		fc.record(
			{ $or: fc.array(tie("query"), { minLength: 1, maxLength: 3 }), a: conditionArbitrary },
			{ requiredKeys: ["$or"] },
		),
	),
}));

const compareStrings = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));

export const byIdBytes = (left: Doc, right: Doc) => compareStrings(left._id, right._id);

export function matches(doc: Doc, query: Record<string, unknown>): boolean {
	return Object.entries(query).every(([key, condition]) => {
		const parts = condition as Record<string, unknown>[];
		if (key === "$and") return parts.every((part) => matches(doc, part));
		if (key === "$or") return parts.some((part) => matches(doc, part));
		const value = key.split(".").reduce<unknown>((inner, name) => (inner as Doc | null | undefined)?.[name], doc);
		if (typeof condition !== "object" || condition === null) return same(value, condition);
		return Object.entries(condition).every(([operator, operand]) => meets(value, operator, operand));
	});
}

const same = (value: unknown, wanted: unknown) => (wanted === null ? value == null : value === wanted);

function meets(value: unknown, operator: string, operand: unknown): boolean {
	const wanted = operand as unknown[];
	if (operator === "$eq") return same(value, operand);
	if (operator === "$ne") return !same(value, operand);
	if (operator === "$in") return wanted.some((one) => same(value, one));
	if (operator === "$nin") return !wanted.some((one) => same(value, one));
	if (operator === "$exists") return (value !== undefined) === operand;
	if (typeof value !== typeof operand) return false;
	const order = typeof value === "string" ? compareStrings(value, operand as string) : Number(value) - Number(operand);
	const meaning: Record<string, boolean> = { $gt: order > 0, $gte: order >= 0, $lt: order < 0, $lte: order <= 0 };
	return meaning[operator] ?? assert.fail(operator);
}
