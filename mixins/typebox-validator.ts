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
			compiled.Check(params) || fieldErrors(compiled.Errors(params) as SchemaError[]);
		return Object.assign(check, { async: false }) as never;
	}

	override validate(params: object, schema: object): boolean {
		return Compile(schema as TSchema).Check(params);
	}

	override convertSchemaToMoleculer(schema: object): object {
		return schema;
	}
}

/** An unknown field is reported twice by the library, once by its own name and once by the object around it. */
const fieldErrors = (errors: readonly SchemaError[]): FieldError[] =>
	errors
		.filter(({ keyword }) => keyword !== "additionalProperties")
		.slice(0, ERRORS_MAX)
		.map(toFieldError);

/** `/items/0/quantity` becomes `items.0.quantity`; a missing field is named, not the object around it. */
function toFieldError({ instancePath, message, keyword, params }: SchemaError): FieldError {
	const named = keyword === "required" ? params.requiredProperties : undefined;
	const path = instancePath.slice(1).replaceAll("/", ".");
	const at = [path, ...(named ? [named.join(", ")] : [])].filter(Boolean).join(".");
	return { at: at || "(all)", message: keyword === "boolean" ? "is not a known field" : message };
}

type SchemaError = {
	instancePath: string;
	message: string;
	keyword: string;
	params: { requiredProperties?: string[] };
};
