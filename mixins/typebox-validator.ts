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
			compiled.Check(params) || (compiled.Errors(params) as SchemaError[]).slice(0, ERRORS_MAX).map(toFieldError);
		return Object.assign(check, { async: false }) as never;
	}

	override validate(params: object, schema: object): boolean {
		return Compile(schema as TSchema).Check(params);
	}

	override convertSchemaToMoleculer(schema: object): object {
		return schema;
	}
}

/** `/items/0/quantity` becomes `items.0.quantity`; a missing or unknown field is named, not the object around it. */
function toFieldError({ instancePath, message, keyword, params }: SchemaError): FieldError {
	const named = keyword === "required" ? params.requiredProperties : params.additionalProperties;
	const path = instancePath.slice(1).replaceAll("/", ".");
	const at = [path, ...(named ? [named.join(", ")] : [])].filter(Boolean).join(".");
	return { at: at || "(all)", message: keyword === "boolean" ? "is not a known field" : message };
}

type SchemaError = {
	instancePath: string;
	message: string;
	keyword: string;
	params: { requiredProperties?: string[]; additionalProperties?: string[] };
};
