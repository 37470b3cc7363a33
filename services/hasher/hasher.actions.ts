import { Type } from "typebox";
import { closed } from "../schema.ts";

/** Bytes without padding. */
const base64 = (min: number, max: number) => Type.String({ pattern: `^[A-Za-z0-9+/]{${min},${max}}$` });

export const hasherActions = {
	/** Argon2id, RFC 9106, with a tag of 32 bytes. What `auth` asks for stays far below these bounds; beyond them one call could fill the process. */
	derive: {
		params: closed({
			/** Composed characters; `auth` takes 128, which may become three times as many. */
			password: Type.String({ maxLength: 384 }),
			salt: base64(11, 86),
			memoryKib: Type.Integer({ minimum: 8, maximum: 65_536 }),
			passes: Type.Integer({ minimum: 1, maximum: 10 }),
			parallelism: Type.Integer({ minimum: 1, maximum: 4 }),
		}),
		returns: closed({ tag: base64(43, 43) }),
	},
} as const;
