/**
 * What a service may ask of its documents: a closed subset of MongoDB's queries and updates, with MongoDB's meaning, so that the
 * same service runs on SQLite and on MongoDB. Pure: no database here.
 *
 * - A query: fields with a string, number, boolean or null, or with an object of `$in $gt $gte $lt $lte`. A null matches null and
 *   missing. `$in` takes strings only; `$gt` and its like compare values of one type only.
 * - An update: `$set` and `$inc` on fields.
 * - Everything else is refused with a TypeError that names it. It is never ignored: a condition left out selects more documents.
 *
 * Outside of the subset, and different on MongoDB: conditions on fields that hold arrays.
 */

export type Scalar = string | number | boolean | null;

/** SQL text with a `?` for each of its parameters. Values are only ever parameters. */
export type Sql = { readonly text: string; readonly parameters: readonly string[] };

/**
 * Why the query is asked. Listing may use operators on `_id` (pages continue after an id). Addressing a document may not: where a
 * request's id is passed on unchecked, `{$gt: ""}` instead of an id would otherwise select somebody else's document.
 */
export type Purpose = "list" | "address";

type JsonObject = { [field: string]: unknown };

const FIELD = /^[A-Za-z0-9_]+$/;
const DOCUMENT_DEPTH_MAX = 100;

// Fields

/** Every field's name passes here before it becomes part of an SQL text or the name of a property. */
function checkField(field: string): string {
	if (FIELD.test(field) && field !== "__proto__") return field;
	throw new TypeError(`${JSON.stringify(field)} is neither a field nor an operator that can be used here`);
}

/** The one text for a field. SQLite uses an index on an expression only for a query with the very same expression. */
export const fieldSql = (field: string): string =>
	checkField(field) === "_id" ? "_id" : `json_extract(doc, '$.${field}')`;

function isPlainObject(value: unknown): value is JsonObject {
	if (typeof value !== "object" || value === null) return false;
	const prototype = Object.getPrototypeOf(value);
	return prototype === Object.prototype || prototype === null;
}

/** Also refuses objects that inherit, since their inherited conditions would be overlooked. */
function entriesOf(value: unknown, what: string): [string, unknown][] {
	if (!isPlainObject(value)) throw new TypeError(`${what} must be a plain object`);
	return Object.entries(value);
}

// Queries

/** The WHERE condition for a query over a table `(_id, doc)`. */
export function compileQuery(query: unknown, purpose: Purpose): Sql {
	const parts = entriesOf(query, "a query").flatMap(([field, value]) => compileField(field, value, purpose));
	return {
		text: parts.length === 0 ? "TRUE" : parts.map(({ text }) => text).join(" AND "),
		parameters: parts.flatMap(({ parameters }) => parameters),
	};
}

function compileField(field: string, value: unknown, purpose: Purpose): Sql[] {
	checkField(field);
	if (!isPlainObject(value)) return [equal(field, value)];
	if (field === "_id" && purpose === "address") throw new TypeError("_id must be a string");
	const entries = Object.entries(value);
	if (entries.length === 0) throw new TypeError(`${field} cannot be compared to an object`);
	return entries.map(([operator, operand]) => {
		if (operator === "$in") return oneOf(field, operand);
		const sign = signs.get(operator);
		if (!sign) throw unknownOperator(operator);
		return compare(field, sign, operand);
	});
}

// A Map, because an object would also have `constructor` and `toString`.
const signs: ReadonlyMap<string, string> = new Map([
	["$gt", ">"],
	["$gte", ">="],
	["$lt", "<"],
	["$lte", "<="],
]);

const unknownOperator = (name: string) => new TypeError(`unknown operator ${JSON.stringify(name)}`);

function equal(field: string, operand: unknown): Sql {
	const value = scalar(field, operand);
	// json_extract gives SQL's NULL for JSON's null and for what is missing.
	if (value === null) return { text: `${fieldSql(field)} IS NULL`, parameters: [] };
	const condition = "= json_extract(?, '$')";
	return isTextOnly(value)
		? { text: `${fieldSql(field)} ${condition}`, parameters: [JSON.stringify(value)] }
		: typed(field, value, condition, value);
}

function compare(field: string, sign: string, operand: unknown): Sql {
	const bound = scalar(field, operand);
	if (bound === null) throw new TypeError(`${field}: null has no order`);
	return typed(field, bound, `${sign} json_extract(?, '$')`, bound);
}

/**
 * What is stored and equals it is a text as well: only arrays and objects become texts that they are not. So the document need not be read for its
 * type, and where an index has all that is asked for, not at all.
 */
const isTextOnly = (value: Scalar): value is string => typeof value === "string" && !/^[[{]/.test(value);

function oneOf(field: string, operand: unknown): Sql {
	if (!Array.isArray(operand) || !Array.from(operand).every((value) => typeof value === "string"))
		throw new TypeError(`${field}: $in needs an array of strings`);
	// One parameter whatever the number of values, so that the same statement serves them all.
	return typed(field, "", "IN (SELECT value FROM json_each(?))", operand);
}

const storedTypes = { string: "= 'text'", number: "IN ('integer', 'real')", boolean: "IN ('true', 'false')" };

/**
 * A condition that only values of the type of `example` meet: json_extract alone would take `true` for 1 and an array for the
 * string that it is written as.
 *
 * The operand is passed as JSON and read by the same functions as the document, so that both sides of the comparison went through
 * the same conversions (integers above 2^53 and unpaired surrogates get lost on SQLite's usual way).
 */
function typed(field: string, example: string | number | boolean, condition: string, operand: unknown): Sql {
	const text = `${fieldSql(field)} ${condition}`;
	const type = storedTypes[typeof example as keyof typeof storedTypes];
	const parameters = [JSON.stringify(operand)];
	// The column has one type, and a document always has its id.
	if (field === "_id") return { text, parameters };
	return { text: `(${text} AND json_type(doc, '$.${field}') ${type})`, parameters };
}

function scalar(field: string, value: unknown): Scalar {
	if (field === "_id") return checkId(value);
	if (value === null || typeof value === "string" || typeof value === "boolean") return value;
	if (typeof value === "number" && Number.isFinite(value)) return value;
	throw new TypeError(`${field} can be compared to a string, a finite number, a boolean or null only`);
}

// Lists

/** What is asked for a list, as moleculer-db passes it on: null is as good as missing. */
export type Listing = {
	readonly query?: object | null;
	readonly sort?: unknown;
	readonly limit?: number | null;
	readonly offset?: number | null;
};

type Order = { readonly field: string; readonly direction: 1 | -1 };

/** A listing with its parts checked, all but the query. */
export function parseListing(listing: Listing) {
	// moleculer-db hands its text search to the adapter. It would be a scan of everything, hidden fields included.
	for (const name of ["search", "iSearch", "searchFields"]) {
		if ((listing as JsonObject)[name] != null) throw new TypeError(`${name} is not supported`);
	}
	return {
		query: listing.query ?? {},
		order: parseSort(listing.sort),
		// 0 is refused: to MongoDB it means all documents, to SQL none.
		limit: wholeNumber("limit", listing.limit, 1),
		offset: wholeNumber("offset", listing.offset, 0) ?? 0,
	};
}

/** "field" or "-field". Ties are broken by `_id` in the same direction, so that pages are stable. */
export function parseSort(sort: unknown): Order | null {
	if (sort === undefined || sort === null) return null;
	if (typeof sort !== "string") throw new TypeError("sort must be a field's name");
	return sort.startsWith("-")
		? { field: checkField(sort.slice(1)), direction: -1 }
		: { field: checkField(sort), direction: 1 };
}

/**
 * The ORDER BY terms. An index over `(field, _id)` can be read in either direction.
 *
 * Without a sort the order is by `_id` too, but as `+_id`, which keeps SQLite from walking along all ids for the sake of the order
 * when an index could serve the query. Who pages through everything sorts by "_id" and gets that walk.
 */
export function orderSql(order: Order | null): string {
	if (!order) return "+_id";
	const direction = order.direction === 1 ? "ASC" : "DESC";
	return order.field === "_id" ? `_id ${direction}` : `${fieldSql(order.field)} ${direction}, _id ${direction}`;
}

function wholeNumber(name: string, value: number | null | undefined, minimum: number): number | null {
	if (value === undefined || value === null) return null;
	if (!Number.isSafeInteger(value) || value < minimum)
		throw new TypeError(`${name} must be a whole number >= ${minimum}`);
	return value;
}

// Documents

/** An id is a string, whoever passes it: an object in its place could be an operator. */
export function checkId(id: unknown): string {
	if (typeof id !== "string") throw new TypeError("_id must be a string");
	return id;
}

/** Each of them once. */
export function checkIds(ids: unknown): string[] {
	if (!Array.isArray(ids)) throw new TypeError("ids must be an array");
	return [...new Set<unknown>(ids)].map(checkId);
}

/** Refuses what JSON or BSON would silently change into something else, and names that cannot be asked for. */
export function checkDocument(doc: unknown): asserts doc is { readonly _id?: string } {
	for (const [name, value] of entriesOf(doc, "a document")) {
		checkMember(name, value, 0);
		// An unpaired surrogate would be replaced, in the id of one document by another's.
		if (name === "_id" && value !== undefined && !checkId(value).isWellFormed())
			throw new TypeError("_id is not Unicode");
	}
}

function checkMember(name: string, value: unknown, depth: number) {
	if (name === "" || name === "__proto__" || /^\$|[.\0]/.test(name)) {
		throw new TypeError(`${JSON.stringify(name)} cannot be the name of a field`);
	}
	// As JSON does: `{note: undefined}` is a document without a note.
	if (value !== undefined) checkStorable(value, name, depth + 1);
}

function checkStorable(value: unknown, at: string, depth = 0) {
	if (value === null || typeof value === "string" || typeof value === "boolean") return;
	if (typeof value === "number" && Number.isFinite(value)) return;
	if (depth < DOCUMENT_DEPTH_MAX && Array.isArray(value)) {
		for (const item of value) checkStorable(item, at, depth + 1);
	} else if (depth < DOCUMENT_DEPTH_MAX && isPlainObject(value)) {
		for (const [name, inner] of Object.entries(value)) checkMember(name, inner, depth);
	} else {
		throw new TypeError(`what is in ${at} cannot be stored: it is not plain JSON, or too deep`);
	}
}

// Updates

export type Change = { readonly operator: "$set" | "$inc"; readonly field: string; readonly value: unknown };

/** The changes that an update asks for, checked before any document is touched. */
export function parseUpdate(update: unknown): readonly Change[] {
	const changes = entriesOf(update, "an update").flatMap(([operator, fields]) => {
		if (operator !== "$set" && operator !== "$inc") throw unknownOperator(operator);
		return entriesOf(fields, operator).map(([field, value]) => checkChange({ operator, field, value }));
	});
	const seen = new Set<string>();
	for (const { field } of changes) {
		if (seen.has(field)) throw new TypeError(`an update changes ${field} twice`);
		seen.add(field);
	}
	return changes;
}

function checkChange(change: Change): Change {
	const { operator, field, value } = change;
	if (checkField(field) === "_id") throw new TypeError("_id cannot be changed");
	if (operator === "$set") checkStorable(value, field);
	else if (!(typeof value === "number" && Number.isFinite(value)))
		throw new TypeError(`${field}: $inc needs a finite number`);
	return change;
}

/** Changes the document in place. @throws TypeError when what is incremented is not a number */
export function applyChanges(doc: JsonObject, changes: readonly Change[]): void {
	for (const { operator, field, value } of changes) {
		// Own properties only: `constructor` is what all objects share.
		const current = Object.hasOwn(doc, field) ? doc[field] : 0;
		doc[field] = operator === "$set" ? value : sum(field, current, value);
	}
}

function sum(field: string, current: unknown, increment: unknown): number {
	if (typeof current !== "number") throw new TypeError(`${field} is not a number that can be incremented`);
	const result = current + Number(increment);
	if (!Number.isFinite(result)) throw new TypeError(`${field} cannot be incremented that far`);
	return result;
}

// Writes that belong together

/** An insert, or an update of the document that is still as `query` says. */
type Write = { readonly insert: unknown } | { readonly query: object; readonly update: object };

/** One operation of `writeMany`; document, query and update are still to be checked. */
export function parseWrite(operation: object): Write {
	const { insert, update, set, inc, ...others } = operation as JsonObject;
	const [unknownPart] = Object.keys(others);
	if (unknownPart !== undefined) throw new TypeError(`a write has no part ${JSON.stringify(unknownPart)}`);
	if (insert !== undefined && [update, set, inc].every((part) => part === undefined)) return { insert };
	if (insert !== undefined || !isPlainObject(update))
		throw new TypeError("a write is one insert, or one update with what it sets");
	checkId(update._id);
	for (const [field, value] of Object.entries(update)) {
		if (typeof value === "object" && value !== null)
			throw new TypeError(`${field} can only be compared for equality here`);
	}
	return {
		query: update,
		update: { ...(set !== undefined && { $set: set }), ...(inc !== undefined && { $inc: inc }) },
	};
}
