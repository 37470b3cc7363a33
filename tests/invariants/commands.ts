import fc from "fast-check";

// What every action of the ledger takes, said once more by hand, and how to come close to it.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** What is sent to an action: JSON, and not always an object. */
export type Input = { readonly name: string; readonly params: Json };

/** A way to make a value that is right, and to tell whether one is. */
type Field = { readonly right: fc.Arbitrary<Json>; readonly isRight: (value: Json) => boolean };
type Shape = { readonly must: Record<string, Field>; readonly may?: Record<string, Field> };

const DAY_MS = 86_400_000;
const wallets = Array.from({ length: 6 }, (_, n) => `wallet:u_fuzz${String(n).padStart(12, "0")}`);
const stores = Array.from({ length: 2 }, (_, n) => `store:s_fuzz${String(n).padStart(12, "0")}`);
/** Those that are opened before; anybody may open more. */
export const accounts: readonly string[] = [...wallets, ...stores];
const ids = Array.from({ length: 120 }, (_, n) => `fuzz.${n}`);

const pattern = (regexp: RegExp, right: fc.Arbitrary<string>): Field => ({
	right,
	isRight: (value) => typeof value === "string" && regexp.test(value),
});
const oneOf = (...values: string[]): Field => ({
	right: fc.constantFrom(...values),
	isRight: (value) => typeof value === "string" && values.includes(value),
});
const whole = (min: number, max: number, usual = max): Field => ({
	right: fc.oneof({ weight: 8, arbitrary: fc.integer({ min, max: usual }) }, fc.constantFrom(min, max)),
	isRight: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
});
const text = (min: number, max: number): Field => ({
	right: fc.string({ unit: "binary", minLength: min, maxLength: max }),
	isRight: (value) => typeof value === "string" && [...value].length >= min && [...value].length <= max,
});
const object = (shape: Shape): Field => ({ right: rightOf(shape), isRight: (value) => fits(shape, value) });

const id = pattern(
	/^[A-Za-z0-9_:-]{1,60}\.[A-Za-z0-9_:.-]{1,140}$/,
	fc.oneof(
		fc.constantFrom(...ids),
		fc.nat({ max: 1e9 }).map((n) => `fuzz:${n}.${n}`),
	),
);
const commandId: Field = { ...id, isRight: (value) => id.isRight(value) && !String(value).startsWith("system.") };
const moreAccounts = fc.nat({ max: 50 }).map((n) => `wallet:u_more${String(n).padStart(12, "0")}`);
const accountId = pattern(
	/^(wallet:u_[A-Za-z0-9_-]{16}|store:s_[A-Za-z0-9_-]{16}|system:[a-z]{1,20})$/,
	fc.oneof(
		{ weight: 6, arbitrary: fc.constantFrom(...accounts) },
		{ weight: 2, arbitrary: fc.constantFrom("system:funding", "system:settlement", "system:adjustment") },
		moreAccounts,
	),
);
const fingerprint = { ...text(0, 64), right: fc.constantFrom("asked", "asked otherwise", "") };
const amount = whole(1, 1e12, 300);
const timeMs = whole(0, 8.64e15);
const kind = oneOf("charge", "sale", "p2p", "refund", "payout", "adjustment");
/** An adjustment that comes from no line of the operator log is one that the audit complains of. */
const notAdjusted = { ...kind, right: fc.constantFrom("charge", "sale", "p2p", "refund", "payout") };
const earlyRefusals = [
	...["forbidden", "own_store", "product_unavailable", "price_changed", "discount_too_large"],
	...["amount_out_of_range", "code_invalid", "code_too_early", "code_expired"],
];
const owner = pattern(/^[A-Za-z0-9_-]{1,40}$/, fc.constantFrom("u_fuzz", "s_fuzz", "-"));
const jti = pattern(
	/^[A-Za-z0-9_:.-]{8,60}$/,
	fc.nat({ max: 500 }).map((n) => `code-of-${n}`),
);
const isObject = (value: Json): value is { [key: string]: Json } =>
	typeof value === "object" && value !== null && !Array.isArray(value);
const word: Field = {
	right: fc.oneof(
		fc.string({ unit: "binary", maxLength: 200 }),
		fc.double({ noNaN: true, noDefaultInfinity: true }),
		fc.boolean(),
		fc.constant(null),
	),
	isRight: (value) =>
		value === null || typeof value === "boolean" || typeof value === "number" || text(0, 200).isRight(value),
};
const fields = ({ right, isRight }: Field, maxKeys: number): Field => ({
	right: fc.dictionary(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), right, { maxKeys }),
	isRight: (value) =>
		isObject(value) &&
		Object.keys(value).length <= maxKeys &&
		Object.entries(value).every(([key, each]) => text(1, 40).isRight(key) && isRight(each)),
});
const line = fields(word, 10);
const lines: Field = {
	right: fc.array(line.right, { maxLength: 100 }),
	isRight: (value) => Array.isArray(value) && value.length <= 100 && value.every(line.isRight),
};
const details = fields(
	{
		right: fc.oneof(word.right, lines.right),
		isRight: (value) => word.isRight(value) || lines.isRight(value),
	},
	20,
);
const several = ({ right, isRight }: Field, { drawn, most }: { drawn: number; most: number }): Field => ({
	right: fc.array(right, { maxLength: drawn }),
	isRight: (value) => Array.isArray(value) && value.length <= most && value.every(isRight),
});
const cursor = pattern(/^[A-Za-z0-9_-]{1,200}$/, fc.constantFrom("MTAuMA", "OTk5OTk5OTk5OTk5OTk5LjA", "x", "_"));
const command = { id: commandId, fingerprint };

export const shapes: Record<string, Shape> = {
	"credit.open": { must: { accountId, owner } },
	"credit.transfer": {
		must: { ...command, kind: notAdjusted, debitAccountId: accountId, creditAccountId: accountId, amount, details },
		may: {
			hold: object({ must: { ttlMs: whole(1_000, 30 * DAY_MS) } }),
			redeem: object({ must: { jti, expiresAtMs: timeMs, cap: amount } }),
			deadlineMs: timeMs,
		},
	},
	"credit.refuse": { must: { ...command, id, kind, refusal: oneOf(...earlyRefusals) } },
	"credit.recall": { must: { ...command, id } },
	"credit.post": { must: { ...command, transferId: id }, may: { amount } },
	"credit.void": { must: { ...command, transferId: id } },
	"credit.refund": { must: { ...command, transferId: id, details }, may: { amount } },
	"credit.cancel": { must: { ...command, targetId: commandId, details } },
	"credit.setState": {
		must: {
			...command,
			// What is closed stays closed: not all of them, or nothing could be booked any more.
			accountId: {
				right: fc.oneof(moreAccounts, fc.constantFrom(...accounts.slice(4, 7))),
				isRight: (value) => accountId.isRight(value) && !String(value).startsWith("system:"),
			},
			state: {
				...oneOf("open", "frozen", "closed"),
				right: fc.constantFrom("open", "open", "open", "frozen", "closed"),
			},
			reason: text(1, 200),
		},
	},
	"credit.account": { must: { accountId } },
	"credit.outcome": { must: { id } },
	"credit.trace": { must: { id } },
	"credit.listHolds": { must: {}, may: { kind, limit: whole(1, 100) } },
	"credit.statement": {
		must: { accountId },
		may: {
			...{ limit: whole(1, 100), fromMs: timeMs, toMs: timeMs, cursor },
			kinds: several(kind, { drawn: 6, most: 6 }),
		},
	},
	"credit.activity": { must: { accountId }, may: { limit: whole(1, 100), after: cursor } },
	"credit.feed": { must: {}, may: { after: cursor } },
	"credit.totals": { must: { accountId, fromMs: timeMs, toMs: timeMs } },
	"credit.audit": { must: {} },
	"credit.status": { must: {} },
};

const shapeOf = (name: string): Shape => shapes[name] as Shape;

function fits({ must, may = {} }: Shape, value: Json): boolean {
	if (!isObject(value)) return false;
	const fields = new Map(Object.entries({ ...must, ...may }));
	return (
		Object.keys(must).every((key) => Object.hasOwn(value, key)) &&
		Object.entries(value).every(([key, field]) => fields.get(key)?.isRight(field) ?? false)
	);
}

/** No parameters at all are the same as none in an object: Moleculer's. */
export const isAcceptable = ({ name, params }: Input): boolean => fits(shapeOf(name), params ?? {});

function rightOf({ must, may = {} }: Shape): fc.Arbitrary<Json> {
	const fields = Object.entries({ ...must, ...may }).map(([key, { right }]) => [key, right] as const);
	const model: Record<string, fc.Arbitrary<Json>> = Object.fromEntries(fields);
	return fc.record(model, { requiredKeys: Object.keys(must), noNullPrototype: true }) as fc.Arbitrary<Json>;
}

/** What JSON can say and a schema may forget. */
const nasty: Json[] = [
	...[0, -0, -1, 0.5, 1e3, 1e12 + 1, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e300, 5e-324, true, null, [], {}],
	...[
		"",
		" ",
		"0",
		"1",
		"100",
		"١٠٠",
		"１",
		"NaN",
		"null",
		"\0",
		"\n",
		"../..",
		"system:funding\n",
		"wallet:u_",
		"x".repeat(300),
	],
	...["fuzz.1\n", "fuzz.1 ", " fuzz.1", "fuzz.", ".fuzz", "fuzz.1\u0000", "SALE", "sale ", "Open"],
	...[{ $ne: null }, { $gt: "" }, ["sale"], [[]], { length: 1 }, JSON.parse('{"__proto__":{"amount":1}}') as Json],
];
const keys = [
	"__proto__",
	"constructor",
	"toString",
	"$where",
	"balance",
	"role",
	"currency",
	"Amount",
	"amount ",
	"id\0",
	"",
];

type Mutation = { at: number; how: "drop" | "replace" | "add" | "wrap" | "shift"; key: string; value: Json };
const anyJson = fc.jsonValue({ stringUnit: "binary" }) as fc.Arbitrary<Json>;
const mutation: fc.Arbitrary<Mutation> = fc.record(
	{
		at: fc.nat({ max: 40 }),
		how: fc.constantFrom("drop", "replace", "replace", "replace", "add", "wrap", "shift"),
		key: fc.oneof(fc.constantFrom(...keys), fc.string()),
		value: fc.oneof(fc.constantFrom(...nasty), anyJson),
	},
	{ noNullPrototype: true },
);

/** A near miss: changes one place of a value, however deep. */
function mutate(value: Json, { at, how, key, value: other }: Mutation): Json {
	const whole = { root: structuredClone(value) };
	const places = placesIn(whole);
	const [holder, name] = places[at % places.length] as (typeof places)[number];
	const before = holder[name] as Json;
	if (how === "drop" && holder !== whole) delete holder[name];
	else if (how === "replace") holder[name] = other;
	else if (how === "add" && isObject(before)) define(before, key, other);
	else if (how === "shift") holder[name] = shifted(before);
	else holder[name] = [before];
	return whole.root;
}

/** An assignment would set the prototype when the key is `__proto__`; JSON.parse does not. */
const define = (to: object, key: string, value: Json) =>
	Object.defineProperty(to, key, { value, enumerable: true, configurable: true, writable: true });

function shifted(value: Json): Json {
	if (typeof value === "number") return -value;
	if (typeof value === "string") return `${value}\n`;
	return typeof value === "boolean" ? !value : JSON.stringify(value);
}

type Place = readonly [holder: Record<string, Json>, name: string];
function placesIn(holder: Record<string, Json>): Place[] {
	return Object.entries(holder).flatMap(([name, value]) => {
		const inner = typeof value === "object" && value !== null ? placesIn(value as Record<string, Json>) : [];
		return [[holder, name] as const, ...inner];
	});
}

const names = Object.keys(shapes);
/** Every command that can be formed: right ones, near misses of right ones, and anything. */
export const anyInput: fc.Arbitrary<Input> = fc.constantFrom(...names).chain((name) => {
	const right = rightOf(shapeOf(name));
	const nearMiss = fc
		.tuple(right, fc.array(mutation, { minLength: 1, maxLength: 3 }))
		.map(([params, all]) => all.reduce(mutate, params));
	const fields = Object.keys({ ...shapeOf(name).must, ...shapeOf(name).may });
	const ownFields = fc.dictionary(fc.constantFrom("x", ...fields), anyJson, { noNullPrototype: true });
	const params = fc.oneof({ weight: 3, arbitrary: right }, { weight: 6, arbitrary: nearMiss }, anyJson, ownFields);
	return fc.record({ name: fc.constant(name), params }, { noNullPrototype: true });
});
