import { describe, it } from "node:test";
import { partPath } from "../../scripts/parts.ts";

const missing = whyMissing();

function whyMissing(): string | null {
	try {
		partPath("k6");
		return null;
	} catch (error) {
		return (error as Error).message;
	}
}

/** Tests that need k6: where there is none they are skipped, loudly, and fail where CI=true. */
export function describeWithK6(name: string, tests: () => void): void {
	if (missing === null) describe(name, tests);
	else if (process.env.CI === "true") it(name, () => Promise.reject(new Error(missing)));
	else describe(name, { skip: `NOT TESTED: ${missing}` }, tests);
}
