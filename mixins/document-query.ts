/**
 * What a service may ask of its documents: a closed subset of MongoDB's queries and updates, with MongoDB's meaning, so that the
 * same service runs on SQLite and on MongoDB. Pure: no database here.
 *
 * - A query: fields (dotted paths too) with a string, number, boolean or null, or with an object of `$eq $ne $in $nin $gt $gte $lt
 *   $lte $exists`; and `$and`, `$or`. A null matches null and missing. `$gt` and its like compare values of one type only.
 * - An update: `$set`, `$unset`, `$inc` on fields (dotted paths too) of objects.
 * - Everything else is refused with a TypeError that names it. It is never ignored: a condition left out selects more documents.
 *
 * Outside of the subset, and different on MongoDB: conditions and updates on fields inside arrays, or that hold arrays.
 */

export type Scalar = string | number | boolean | null;

/** SQL text with a `?` for each of its parameters. Values are only ever parameters. */
export type Sql = { readonly text: string; readonly parameters: readonly string[] };

/**
 * Why the query is asked. Listing may use operators on `_id` (pages continue after an id). Addressing a document may not: where a
 * request's id is passed on unchecked, `{$ne: ""}` instead of an id would otherwise select somebody else's document.
 */
export type Purpose = "list" | "address";

type JsonObject = { [field: string]: unknown };

const FIELD = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/;
const NESTING_MAX = 8;
const DOCUMENT_DEPTH_MAX = 100;

// Fields

/** Every field's name passes here before it becomes part of an SQL text or of a path into an object. */
export function checkField(field: string): string {
	const names = field.split(".");
	const wrong = !FIELD.test(field) || names.includes("__proto__") || (names[0] === "_id" && names.length > 1);
	if (wrong) throw new TypeError(`${JSON.stringify(field)} is neither a field nor an operator that can be used here`);
	return field;
}

/** The one text for a field. SQLite uses an index on an expression only for a query with the very same expression. */
export const fieldSql = (field: string): string =>
	checkField(field) === "_id" ? "_id" : `json_extract(doc, '$.${field}')`;

const typeSql = (field: string): string => `json_type(doc, '$.${checkField(field)}')`;

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
export function compileQuery(query: unknown, purpose: Purpose, nesting = 0): Sql {
	if (nesting > NESTING_MAX) throw new TypeError(`a query nests at most ${NESTING_MAX} levels of $and and $or`);
	const conditions = entriesOf(query, "a query").map(([key, value]) => {
		if (key === "$and" || key === "$or") {
			const parts = nonEmptyArray(value, key).map((part) => compileQuery(part, purpose, nesting + 1));
			return key === "$and" ? all(parts) : any(parts);
		}
		return compileField(key, value, purpose);
	});
	return all(conditions);
}

function compileField(field: string, value: unknown, purpose: Purpose): Sql {
	if (!isPlainObject(value)) return equal(field, value);
	if (field === "_id" && purpose === "address") throw new TypeError("_id must be a string");
	const entries = Object.entries(value);
	if (entries.length === 0) throw new TypeError(`${checkField(field)} cannot be compared to an object`);
	return all(
		entries.map(([name, operand]) => {
			const operator = operators.get(name);
			if (!operator) throw unknownOperator(name);
			return operator(field, operand);
		}),
	);
}

type Operator = (field: string, operand: unknown) => Sql;

// A Map, because an object would also have `constructor` and `toString`.
const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
	["$eq", (field, operand) => equal(field, operand)],
	["$ne", (field, operand) => not(equal(field, operand))],
	["$in", (field, operand) => oneOf(field, operand)],
	["$nin", (field, operand) => not(oneOf(field, operand))],
	["$gt", (field, operand) => compare(field, ">", operand)],
	["$gte", (field, operand) => compare(field, ">=", operand)],
	["$lt", (field, operand) => compare(field, "<", operand)],
	["$lte", (field, operand) => compare(field, "<=", operand)],
	["$exists", (field, operand) => exists(field, operand)],
]);

const unknownOperator = (name: string) => new TypeError(`unknown operator ${JSON.stringify(name)}`);

function equal(field: string, operand: unknown): Sql {
	const value = scalar(field, operand);
	if (value === null) return isNull(field);
	const condition = "= json_extract(?, '$')";
	return isTextOnly(value)
		? { text: `${fieldSql(field)} ${condition}`, parameters: [JSON.stringify(value)] }
		: typed(field, value, condition, value);
}

/**
 * What is stored and equals it is a text as well: only arrays and objects become texts that they are not. So the document need not be read for its
 * type, and where an index has all that is asked for, not at all.
 */
const isTextOnly = (value: Scalar): value is string => typeof value === "string" && !/^[[{]/.test(value);

function oneOf(field: string, operand: unknown): Sql {
	if (!Array.isArray(operand)) throw new TypeError(`${checkField(field)}: $in and $nin need an array`);
	const values = Array.from(operand, (value) => scalar(field, value));
	const tests = ["", 0, true].flatMap((example) => {
		const alike = values.filter((value) => typeof value === typeof example);
		// One parameter whatever the number of values, so that the same statement serves them all.
		return alike.length > 0 ? [typed(field, example, "IN (SELECT value FROM json_each(?))", alike)] : [];
	});
	return any(values.includes(null) ? [...tests, isNull(field)] : tests);
}

function compare(field: string, operator: ">" | ">=" | "<" | "<=", operand: unknown): Sql {
	const bound = scalar(field, operand);
	if (bound === null) throw new TypeError(`${field}: null has no order`);
	return typed(field, bound, `${operator} json_extract(?, '$')`, bound);
}

function exists(field: string, operand: unknown): Sql {
	if (typeof operand !== "boolean") throw new TypeError(`${checkField(field)}: $exists needs true or false`);
	return { text: `${typeSql(field)} IS ${operand ? "NOT NULL" : "NULL"}`, parameters: [] };
}

// json_extract gives SQL's NULL for JSON's null and for what is missing.
const isNull = (field: string): Sql => ({ text: `${fieldSql(field)} IS NULL`, parameters: [] });

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
	return field === "_id" ? { text, parameters } : { text: `(${text} AND ${typeSql(field)} ${type})`, parameters };
}

function scalar(field: string, value: unknown): Scalar {
	if (checkField(field) === "_id") return checkId(value);
	if (value === null || typeof value === "string" || typeof value === "boolean") return value;
	if (typeof value === "number" && Number.isFinite(value)) return value;
	throw new TypeError(`${field} can be compared to a string, a finite number, a boolean or null only`);
}

function nonEmptyArray(value: unknown, what: string): unknown[] {
	if (!Array.isArray(value) || value.length === 0) throw new TypeError(`${what} needs an array that is not empty`);
	return Array.from(value);
}

const all = (parts: readonly Sql[]): Sql => joined(parts, " AND ", "TRUE");
const any = (parts: readonly Sql[]): Sql => joined(parts, " OR ", "FALSE");

const joined = (parts: readonly Sql[], glue: string, whenEmpty: string): Sql =>
	parts.length === 1 && parts[0] !== undefined
		? parts[0]
		: {
				text: parts.length === 0 ? whenEmpty : `(${parts.map(({ text }) => text).join(glue)})`,
				parameters: parts.flatMap(({ parameters }) => parameters),
			};

// `IS NOT TRUE` and not `NOT`: on a missing field a comparison is NULL, which NOT leaves as it is.
const not = ({ text, parameters }: Sql): Sql => ({ text: `(${text}) IS NOT TRUE`, parameters });

/**
 * The ORDER BY terms for "field", "-field" or several of them. Ties are broken by `_id` in the direction of the last field, so that
 * pages are stable and an index over `(field, _id)` can be read in either direction.
 *
 * Without a sort the order is by `_id` too, but as `+_id`, which keeps SQLite from walking along all ids for the sake of the order
 * when an index could serve the query. Who pages through everything sorts by "_id" and gets that walk.
 */
export function compileSort(sort?: unknown): string {
	const keys = [sort ?? []].flat().map((key: unknown) => {
		if (typeof key !== "string") throw new TypeError("sort must be a field's name or an array of them");
		return key.startsWith("-") ? { field: key.slice(1), order: "DESC" } : { field: key, order: "ASC" };
	});
	const last = keys.at(-1);
	if (!last) return "+_id";
	if (!keys.some(({ field }) => field === "_id")) keys.push({ field: "_id", order: last.order });
	return keys.map(({ field, order }) => `${fieldSql(field)} ${order}`).join(", ");
}

// Documents

/** An id is a string, whoever passes it: an object in its place could be an operator. */
export function checkId(id: unknown): string {
	if (typeof id !== "string") throw new TypeError("_id must be a string");
	return id;
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

export type Change = {
	readonly operator: "$set" | "$unset" | "$inc";
	readonly field: string;
	readonly value: unknown;
};

/** The changes that an update asks for, checked before any document is touched. */
export function parseUpdate(update: unknown): readonly Change[] {
	const changes = entriesOf(update, "an update").flatMap(([operator, fields]) => {
		if (operator !== "$set" && operator !== "$unset" && operator !== "$inc") throw unknownOperator(operator);
		return entriesOf(fields, operator).map(([field, value]) => checkChange({ operator, field, value }));
	});
	for (const { field } of changes) {
		const overlapping = changes.filter((other) => other.field === field || other.field.startsWith(`${field}.`));
		if (overlapping.length > 1) throw new TypeError(`an update changes ${field} twice`);
	}
	return changes;
}

function checkChange(change: Change): Change {
	const { operator, field, value } = change;
	if (checkField(field) === "_id") throw new TypeError("_id cannot be changed");
	if (operator === "$set") checkStorable(value, field);
	if (operator === "$inc" && !(typeof value === "number" && Number.isFinite(value))) {
		throw new TypeError(`${field}: $inc needs a finite number`);
	}
	return change;
}

/** Changes the document in place. @throws TypeError when a path leads through something that is not an object */
export function applyChanges(doc: JsonObject, changes: readonly Change[]): void {
	for (const change of changes) applyChange(doc, change);
}

function applyChange(doc: JsonObject, change: Change) {
	const { operator, field, value } = change;
	const names = field.split(".");
	const last = names.pop() ?? "";
	const holder = holderOf(doc, names, change);
	if (!holder) return;
	if (operator === "$unset") delete holder[last];
	else if (operator === "$set") holder[last] = value;
	else holder[last] = sum(field, Object.hasOwn(holder, last) ? holder[last] : 0, value);
}

/** The object that holds the field, made if need be. Undefined: there is none, and nothing to unset. */
function holderOf(doc: JsonObject, names: readonly string[], { operator, field }: Change): JsonObject | undefined {
	let holder = doc;
	for (const name of names) {
		// Own properties only: `constructor` leads out of the document, to what all objects share.
		if (!Object.hasOwn(holder, name)) {
			if (operator === "$unset") return undefined;
			holder[name] = {};
		}
		const next = holder[name];
		if (isPlainObject(next)) holder = next;
		else if (operator === "$unset") return undefined;
		else throw new TypeError(`${field} cannot be changed: ${name} is not an object`);
	}
	return holder;
}

function sum(field: string, current: unknown, increment: unknown): number {
	if (typeof current !== "number") throw new TypeError(`${field} is not a number that can be incremented`);
	const result = current + Number(increment);
	if (!Number.isFinite(result)) throw new TypeError(`${field} cannot be incremented that far`);
	return result;
}
