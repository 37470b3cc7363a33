import { hash } from "node:crypto";

/**
 * The id and fingerprint of a money request. The id is the client's idempotency key within the scope of who acts, so that
 * nobody can take or block another one's key. The fingerprint is over what the client asked (not over prices or times that we
 * looked up), so that a retry is the same request even if those have changed since. Both are stored with every transfer: the test
 * beside this holds them to what they always were.
 *
 * @param scope the id of who acts: a person, a store, an operator
 * @param params all that the client asked
 */
export function commandOf(
	{ scope, action }: { scope: string; action: string },
	{ idempotencyKey, ...asked }: { idempotencyKey: string },
) {
	const fingerprint = hash("sha256", JSON.stringify([action, sorted(asked)]), "base64url").slice(0, 22);
	return { id: transferIdOf(scope, idempotencyKey), fingerprint };
}

export const transferIdOf = (scope: string, idempotencyKey: string): string => `${scope}.${idempotencyKey}`;

/** The client's part of an id that `commandOf` made. */
export const keyOf = (transferId: string): string => transferId.slice(transferId.indexOf(".") + 1);

/** The same value with all keys in order: two ways to write one JSON object are one request. */
function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (value === null || typeof value !== "object") return value;
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([key, item]) => [key, sorted(item)]),
	);
}
