import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partPath } from "../../scripts/parts.ts";

/** Why mongod cannot be had here; null when it can. */
const missing = reasonWhyMissing();

function reasonWhyMissing(): string | null {
	try {
		partPath("mongod");
		return null;
	} catch (error) {
		return (error as Error).message;
	}
}

/** Tests that need mongod: where there is none they are skipped, loudly, and fail where CI=true. */
export function describeOnMongo(name: string, tests: () => void): void {
	if (missing === null) describe(name, tests);
	else if (process.env.CI === "true") it(`${name}: needs mongod`, () => assert.fail(missing));
	else describe(name, { skip: `NOT TESTED: ${missing}` }, tests);
}
