import { Type } from "typebox";
import { closed } from "../schema.ts";

export const internalActions = {
	/** Who shows this token: asked by the operators' shell, which does not come through the gateway. */
	identify: {
		params: closed({ token: Type.String({ minLength: 1, maxLength: 1_000 }) }),
		returns: closed({ name: Type.String() }),
	},
} as const;
