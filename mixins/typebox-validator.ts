import { Validators } from "moleculer";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { FieldError } from "../services/errors.ts";

const ERRORS_MAX = 20;

/** Lets Moleculer check `params` of actions and events against TypeBox schemas (JSON Schema), compiled once for each. */
export class TypeBoxValidator extends Validators.Base {
	override compile(schema: object) {
		const compiled = Compile(schema as TSchema);
		const check = (params: unknown): true | FieldError[] =>
			compiled.Check(params) || fieldErrors(schema, compiled.Errors(params) as SchemaError[]);
		return Object.assign(check, { async: false }) as never;
	}

	override validate(params: object, schema: object): boolean {
		return Compile(schema as TSchema).Check(params);
	}

	override convertSchemaToMoleculer(schema: object): object {
		return schema;
	}
}

type SchemaError = {
	readonly instancePath: string;
	/** Where in the schema it is said, without the keyword: `#/properties/name`. */
	readonly schemaPath: string;
	readonly message: string;
	readonly keyword: string;
	readonly params: {
		readonly requiredProperties?: readonly string[];
		readonly allowedValues?: readonly unknown[];
		readonly allowedValue?: unknown;
		readonly limit?: number;
	};
};

/** As much of a schema as its errors are told by. */
type Said = {
	readonly description?: string;
	readonly properties?: object;
	readonly required?: readonly string[];
	readonly "x-rule"?: string;
};

/** What is wrong with each field, in words that whoever has sent it can do something with: the first 20. */
export function fieldErrors(schema: object, errors: readonly SchemaError[]): FieldError[] {
	const alternatives = new Set(
		errors.filter(({ keyword }) => keyword === "anyOf").map(({ instancePath }) => instancePath),
	);
	/** Of what may also be nothing is said what is wrong with what is there. */
	const isBesides = ({ keyword, instancePath, params }: SchemaError): boolean =>
		alternatives.has(instancePath) && (keyword === "anyOf" || (params as { type?: unknown }).type === "null");
	// An unknown field is reported twice by the library, once by its own name and once by the object around it.
	return errors
		.filter((error) => error.keyword !== "additionalProperties" && !isBesides(error))
		.flatMap((error) => toFieldErrors(error, saidAt(schema, error.schemaPath)))
		.slice(0, ERRORS_MAX);
}

/** `/items/0/quantity` becomes `items.0.quantity`; fields that are missing are named, each for itself, not the object around them. */
function toFieldErrors({ instancePath, message, keyword, params }: SchemaError, said: Said): FieldError[] {
	const path = instancePath.slice(1).replaceAll("/", ".");
	const { requiredProperties = [] } = params;
	if (keyword === "required")
		return requiredProperties.map((name) => ({ at: path ? `${path}.${name}` : name, message: "is missing" }));
	return [{ at: path || "(all)", message: wordsFor({ keyword, params }, said) ?? message }];
}

/** Where the library's own would be a regular expression, or a count of what is not the client's. @returns nothing where they will do */
function wordsFor({ keyword, params }: Pick<SchemaError, "keyword" | "params">, said: Said): string | undefined {
	const { allowedValues = [], allowedValue, limit = 0 } = params;
	switch (keyword) {
		case "boolean":
			return "is not a known field";
		case "enum":
			return `must be one of: ${allowedValues.join(", ")}`;
		case "const":
			return `must be ${JSON.stringify(allowedValue)}`;
		case "pattern":
			return said["x-rule"] && `must be: ${said["x-rule"]}`;
		case "minProperties": {
			const { properties = {}, required = [] } = said;
			const others = Object.keys(properties).filter((name) => !required.includes(name));
			return `must have at least ${limit - required.length} of: ${others.join(", ")}`;
		}
		default:
			return undefined;
	}
}

/** The part of the schema that an error is about. */
function saidAt(schema: object, path: string): Said {
	let found: unknown = schema;
	for (const part of path.split("/").slice(1)) found = (found as Record<string, unknown> | undefined)?.[part];
	return (found ?? {}) as Said;
}
