import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { secretIn } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";
import type { Operator } from "../actions.ts";
import { fail } from "../errors.ts";
import { credentialIn } from "./authorization.ts";

const FILE = "operator.token";
/** Who shows the one token that may be shared. */
const NAMELESS = "operator";

type Place = Pick<Settings, "operatorToken" | "operatorTokens" | "dataDir" | "mongodbUri" | "transporter">;

export type OperatorToken = { readonly token: string; readonly source: string };

/**
 * What operators show (RFC 6750) where they have no names: `OPERATOR_TOKEN`, or else what a file in `DATA_DIR` says.
 *
 * @param make whether the file is made where there is none
 * @returns nothing when there is none
 */
export function operatorTokenOf(
	{ operatorToken, dataDir }: Pick<Place, "operatorToken" | "dataDir">,
	{ make }: { make: boolean },
): OperatorToken | undefined {
	if (operatorToken) return { token: operatorToken, source: "OPERATOR_TOKEN" };
	const path = join(dataDir, FILE);
	const token = secretIn(path, { make });
	return token === undefined ? undefined : { token, source: path };
}

/** The operators of this platform, by what they show. */
export type Operators = {
	/** Whose tokens are good, for people. */
	readonly sources: readonly string[];
	/** Takes as long for any token that is wrong: how much of it was right must not show. @throws unauthenticated */
	whoShows(token: string): Operator;
};

export function operatorsOf(settings: Place): Operators {
	const named = Object.entries(settings.operatorTokens);
	// A file is made up for a platform that is alone and was told of nobody: others would each make another one, or cannot write any.
	const isAlone = settings.mongodbUri === null && settings.transporter === null;
	const isMadeUp = !settings.operatorToken && isAlone && named.length === 0;
	const shared = settings.operatorToken || isMadeUp ? operatorTokenOf(settings, { make: true }) : undefined;
	const known = [...named, ...(shared ? [[NAMELESS, shared.token] as const] : [])].map(([name, token]) => ({
		operator: { kind: "operator", name, mayAdjust: name !== NAMELESS || named.length === 0 } as const,
		digest: digestOf(token),
	}));
	return {
		sources: [...(shared ? [shared.source] : []), ...(named.length > 0 ? ["OPERATOR_TOKENS"] : [])],
		whoShows(token) {
			const digest = digestOf(token);
			const [found] = known.filter((each) => timingSafeEqual(digest, each.digest));
			if (!found) throw fail("unauthenticated");
			return found.operator;
		},
	};
}

/** Who asks. @throws unauthenticated, with no word about why */
export type OperatorCheck = (request: IncomingMessage) => Operator;

export const operatorCheck =
	({ whoShows }: Operators): OperatorCheck =>
	(request) =>
		whoShows(credentialIn(request, "bearer"));

const digestOf = (text: string): Buffer => hash("sha256", text, "buffer");
