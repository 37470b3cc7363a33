import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type PartName, partPath } from "../../scripts/parts.ts";

/** Null when none is. */
export function reasonWhyMissing(names: readonly PartName[]): string | null {
	try {
		for (const name of names) partPath(name);
		return null;
	} catch (error) {
		return (error as Error).message;
	}
}

/** A test that needs parts: where they cannot be had it is skipped, loudly, and fails where CI=true. */
export function itWith(names: readonly PartName[], name: string, test: () => void | Promise<void>): void {
	const missing = reasonWhyMissing(names);
	if (missing === null) it(name, test);
	else if (process.env.CI === "true") it(name, () => assert.fail(missing));
	else it(name, { skip: `NOT TESTED: ${missing}` }, test);
}

/** Tests that need them, likewise. */
export function describeWith(names: readonly PartName[], name: string, tests: () => void): void {
	const missing = reasonWhyMissing(names);
	if (missing === null) describe(name, tests);
	else if (process.env.CI === "true") it(name, () => assert.fail(missing));
	else describe(name, { skip: `NOT TESTED: ${missing}` }, tests);
}
