import { hash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { secretIn } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";

/**
 * What operators show: `OPERATOR_TOKEN`, or else what a file in `DATA_DIR` says.
 *
 * @param make whether the file is made where there is none
 */
export function operatorTokenOf(
	{ operatorToken, dataDir }: Pick<Settings, "operatorToken" | "dataDir">,
	{ make }: { make: boolean },
): string | undefined {
	return operatorToken ?? secretIn(join(dataDir, "operator.token"), { make });
}

/** Takes as long for any that is wrong: how much of it was right must not show. */
export const isSame = (said: string, secret: string): boolean => timingSafeEqual(digest(said), digest(secret));

const digest = (text: string): Buffer => hash("sha256", text, "buffer");
