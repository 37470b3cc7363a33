import { randomBytes } from "node:crypto";

/** 96 random bits as 16 characters, behind a letter that says of what: `u_` a person, `s_` a store, `p_` a product, `f_` its photo, `n_` a session, `t_` a till, `w_` a webhook. */
export const newId = (kind: "u" | "s" | "p" | "f" | "n" | "t" | "w"): string =>
	`${kind}_${randomBytes(12).toString("base64url")}`;
