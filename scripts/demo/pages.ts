import { type Answer, bodyOf } from "./client.ts";

type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };

const PAGES_MAX = 1_000;

/** Follows the cursor to the end. @throws when it never ends */
export async function allPages<T>(
	ask: (cursor: { cursor?: string }) => Promise<Answer<Page<T>>>,
): Promise<readonly T[]> {
	const items: T[] = [];
	let cursor: { cursor?: string } = {};
	for (let page = 0; page < PAGES_MAX; page += 1) {
		const { items: more, nextCursor } = bodyOf(await ask(cursor));
		items.push(...more);
		if (nextCursor === null) return items;
		cursor = { cursor: nextCursor };
	}
	throw new Error(`still more after ${PAGES_MAX} pages`);
}
