import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { type Secret, secretAt } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";
import { NAMELESS, type Operator } from "../actions.ts";
import { fail } from "../errors.ts";
import { credentialIn } from "./authorization.ts";

type Place = Pick<Settings, "operatorToken" | "operatorTokens" | "dataDir" | "mongodbUri" | "transporter">;

/** What operators show (RFC 6750) where they have no names. See `secretAt`. */
export const operatorTokenOf = (
	{ operatorToken, dataDir }: Pick<Place, "operatorToken" | "dataDir">,
	{ make }: { make: boolean },
): Secret | undefined =>
	secretAt({ setting: "OPERATOR_TOKEN", given: operatorToken, path: join(dataDir, "operator.token") }, { make });

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
	const known = [...named, ...(shared ? [[NAMELESS, shared.secret] as const] : [])].map(([name, token]) => ({
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
