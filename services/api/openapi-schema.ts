/** As much of JSON Schema as the schemas of actions have, with what only we read in it (see `text` in `schema.ts`). */
export type JsonSchema = {
	readonly type?: string;
	readonly description?: string;
	readonly title?: string;
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly required?: readonly string[];
	readonly additionalProperties?: boolean;
	readonly minProperties?: number;
	readonly maxProperties?: number;
	readonly items?: JsonSchema;
	readonly anyOf?: readonly JsonSchema[];
	readonly enum?: readonly unknown[];
	readonly const?: unknown;
	readonly default?: unknown;
	readonly minimum?: number;
	readonly examples?: readonly unknown[];
	readonly contentSchema?: JsonSchema;
	readonly "x-rule"?: string;
	readonly "x-pattern"?: string | null;
};

/** The schema as others can read it: with the pattern that every language's regular expressions have, and the rule in words. */
export function published(schema: JsonSchema): JsonSchema {
	const entries = Object.entries(schema)
		.filter(([key]) => !ours.has(key))
		.map(([key, value]) => [key, key === "properties" ? mapped(value as JsonSchema) : publishedPart(value)]);
	const { "x-rule": rule, "x-pattern": pattern, description } = schema;
	const shown: Record<string, unknown> = Object.fromEntries(entries);
	if (rule !== undefined) shown.description = description ? `${description}. To be: ${rule}` : `To be: ${rule}`;
	if (pattern === null) delete shown.pattern;
	if (pattern) shown.pattern = pattern;
	return shown;
}

/** What webhooks are sent has a place of its own in the document. */
const ours = new Set(["x-rule", "x-pattern", "contentSchema"]);

const mapped = (properties: object): object =>
	Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, published(schema as JsonSchema)]));

function publishedPart(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(publishedPart);
	return typeof value === "object" && value !== null ? published(value as JsonSchema) : value;
}

/** A value that is right by the schema. */
export function exampleOf({ examples, anyOf, items, properties, maxProperties, ...schema }: JsonSchema): unknown {
	if (examples) return examples[0];
	if (schema.const !== undefined) return schema.const;
	if (anyOf) return exampleOf(anyOf[0] as JsonSchema);
	if (schema.enum) return schema.enum[0];
	if (items) return [exampleOf(items)];
	if (properties) {
		const members = Object.entries(properties).map(([name, property]) => [name, exampleOf(property)]);
		return Object.fromEntries(members.slice(0, maxProperties));
	}
	if (schema.type === "boolean") return true;
	return schema.type === "integer" ? (schema.default ?? schema.minimum) : "…";
}
