import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { secretIn } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";
import { fail } from "../errors.ts";
import { credentialIn } from "./authorization.ts";

const FILE = "operator.token";

export type OperatorToken = { readonly token: string; readonly source: string };

/**
 * What operators show (RFC 6750): `OPERATOR_TOKEN`, or else what a file in `DATA_DIR` says.
 *
 * @param make whether the file is made where there is none
 * @returns nothing when there is none
 */
export function operatorTokenOf(
	{ operatorToken, dataDir }: Pick<Settings, "operatorToken" | "dataDir">,
	{ make }: { make: boolean },
): OperatorToken | undefined {
	if (operatorToken) return { token: operatorToken, source: "OPERATOR_TOKEN" };
	const path = join(dataDir, FILE);
	const token = secretIn(path, { make });
	return token === undefined ? undefined : { token, source: path };
}

/** @throws unauthenticated, with no word about why */
export type OperatorCheck = (request: IncomingMessage) => void;

/** Takes as long for any token that is wrong: how much of it was right must not show. */
export function operatorCheck({ token }: OperatorToken): OperatorCheck {
	const wanted = digest(token);
	return (request) => {
		if (!timingSafeEqual(digest(credentialIn(request, "bearer")), wanted)) throw fail("unauthenticated");
	};
}

const digest = (text: string): Buffer => hash("sha256", text, "buffer");
