import type { Outcome } from "../sdk/problem.ts";
import { client, known, recent, type Transaction } from "./wallet.ts";

const PAGE = 100;
/** More lines than that in a month nobody reads on a phone. */
const PAGES_MAX = 10;
/** So far back a receipt is looked for. */
const PAGES_BACK_MAX = 5;

export type Month = { readonly year: number; readonly month: number };

export const monthOf = (atMs: number): Month => {
	const date = new Date(atMs);
	return { year: date.getFullYear(), month: date.getMonth() };
};

export const beginOf = ({ year, month }: Month): number => new Date(year, month, 1).getTime();

export const monthAfter = ({ year, month }: Month, count: number): Month =>
	monthOf(new Date(year, month + count, 1).getTime());

/** All that happened in a month, newest first. */
export async function statementOf(month: Month, signal: AbortSignal): Promise<Outcome<readonly Transaction[]>> {
	const range = { fromMs: beginOf(month), toMs: beginOf(monthAfter(month, 1)) - 1, limit: PAGE };
	const items: Transaction[] = [];
	let cursor: string | null = null;
	for (let count = 0; count < PAGES_MAX; count++) {
		const page: Awaited<ReturnType<typeof readPage>> = await readPage({ ...range, ...(cursor && { cursor }) }, signal);
		if (!page.ok) return page;
		items.push(...page.value.items);
		cursor = page.value.nextCursor;
		if (cursor === null) break;
	}
	for (const item of items) known.set(item.transferId, item);
	return { ok: true, value: items, isReplay: false };
}

const readPage = (query: { fromMs?: number; toMs?: number; limit: number; cursor?: string }, signal?: AbortSignal) =>
	client().call("user.listTransactions", query, signal && { signal });

export async function findTransaction(transferId: string): Promise<Outcome<Transaction | null>> {
	const seen = recent.value?.find((item) => item.transferId === transferId) ?? known.get(transferId);
	if (seen) return { ok: true, value: seen, isReplay: false };
	let cursor: string | null = null;
	for (let count = 0; count < PAGES_BACK_MAX; count++) {
		const page: Awaited<ReturnType<typeof readPage>> = await readPage({ limit: PAGE, ...(cursor && { cursor }) });
		if (!page.ok) return page;
		const found = page.value.items.find((item) => item.transferId === transferId);
		if (found) return { ok: true, value: found, isReplay: false };
		cursor = page.value.nextCursor;
		if (cursor === null) break;
	}
	return { ok: true, value: null, isReplay: false };
}
