/** Credit that was to be moved: what a client knows about it. Times are of the client's clock, in ms. */
export type Write = {
	readonly transferId: string;
	/** What it adds to accounts. */
	readonly deltas: readonly (readonly [accountId: string, amount: number])[];
	readonly invokedAtMs: number;
	/** When its outcome was known; infinity when it never was. */
	readonly completedAtMs: number;
	readonly outcome: "applied" | "refused" | "unknown";
};

/** A balance that somebody was told. */
export type Read = {
	readonly accountId: string;
	readonly balance: number;
	readonly invokedAtMs: number;
	readonly completedAtMs: number;
};

export type History = { readonly writes: readonly Write[]; readonly reads: readonly Read[] };

/** An account's part of the log: in its order, each with the balance behind it. */
export type Line = { readonly transferId: string; readonly balanceAfter: number };

export type Observed = { readonly accountId: string; readonly balanceBefore: number; readonly lines: readonly Line[] };

/**
 * Whether what clients saw of an account can be explained by the order in which the ledger says that it happened: every transfer that was
 * acknowledged is there, once, and none that was refused; what was over before something else began comes before it; and each balance
 * that somebody was told is that of a moment between their question and its answer. That is linearizability (Herlihy & Wing, 1990) with
 * a witness: the ledger's own order, so that no search is needed.
 *
 * @returns what cannot be explained
 */
export function unexplained({ accountId, balanceBefore, lines }: Observed, history: History): string[] {
	const writes = history.writes.filter(({ deltas }) => deltas.some(([id]) => id === accountId));
	const reads = history.reads.filter((read) => read.accountId === accountId);
	return [
		...wrongCounts(lines, writes),
		...wrongSums({ accountId, balanceBefore, lines }, writes),
		...wrongOrder(lines, writes),
		...wrongReads([balanceBefore, ...lines.map(({ balanceAfter }) => balanceAfter)], placesOf(lines), {
			writes,
			reads,
		}),
	];
}

const placesOf = (lines: readonly Line[]): ReadonlyMap<string, number> =>
	new Map(lines.map(({ transferId }, index) => [transferId, index + 1]));

function wrongCounts(lines: readonly Line[], writes: readonly Write[]): string[] {
	const counts = new Map<string, number>();
	for (const { transferId } of lines) counts.set(transferId, (counts.get(transferId) ?? 0) + 1);
	return writes.flatMap(({ transferId, outcome }) => {
		const count = counts.get(transferId) ?? 0;
		if (count > 1) return [`doubled: ${transferId} is there ${count} times`];
		if (outcome === "applied" && count === 0) return [`lost: ${transferId} was acknowledged and is not there`];
		if (outcome === "refused" && count > 0) return [`wrong: ${transferId} was refused and is there`];
		return [];
	});
}

function wrongSums({ accountId, balanceBefore, lines }: Observed, writes: readonly Write[]): string[] {
	const amountIn = ({ deltas }: Write) =>
		deltas.filter(([id]) => id === accountId).reduce((sum, [, each]) => sum + each, 0);
	const amounts = new Map(writes.map((write) => [write.transferId, amountIn(write)]));
	let balance = balanceBefore;
	return lines.flatMap(({ transferId, balanceAfter }) => {
		const amount = amounts.get(transferId);
		const isRight = amount !== undefined && balance + amount === balanceAfter;
		const wrong = `wrong: ${transferId} makes ${balanceAfter} of ${balance}, and was asked for as ${amount}`;
		balance = balanceAfter;
		return isRight ? [] : [wrong];
	});
}

function wrongOrder(lines: readonly Line[], writes: readonly Write[]): string[] {
	const byId = new Map(writes.map((write) => [write.transferId, write]));
	const wrong: string[] = [];
	let latest: Write | undefined;
	for (const { transferId } of lines) {
		const write = byId.get(transferId);
		if (!write) continue;
		if (latest && write.completedAtMs < latest.invokedAtMs)
			wrong.push(`order: ${transferId} was over before ${latest.transferId} began, and comes after it`);
		if (!latest || write.invokedAtMs > latest.invokedAtMs) latest = write;
	}
	return wrong;
}

/** @param balances before the first line, and after each */
function wrongReads(
	balances: readonly number[],
	places: ReadonlyMap<string, number>,
	{ writes, reads }: History,
): string[] {
	const placed = writes.flatMap((write) => {
		const place = places.get(write.transferId);
		return place === undefined ? [] : [{ ...write, place }];
	});
	const wrong: string[] = [];
	const seen: { place: number; completedAtMs: number }[] = [];
	for (const read of [...reads].sort((left, right) => left.completedAtMs - right.completedAtMs)) {
		const before = [...placed, ...seen].filter(({ completedAtMs }) => completedAtMs < read.invokedAtMs);
		const after = placed.filter(({ invokedAtMs }) => invokedAtMs > read.completedAtMs);
		const first = Math.max(0, ...before.map(({ place }) => place));
		const last = Math.min(balances.length - 1, ...after.map(({ place }) => place - 1));
		// The earliest moment leaves the most room for those that come later.
		const place = balances.findIndex((balance, index) => index >= first && index <= last && balance === read.balance);
		if (place >= 0) seen.push({ place, completedAtMs: read.completedAtMs });
		else
			wrong.push(
				`read: ${read.accountId} was said to hold ${read.balance}, which it did not after ${first} to ${last} of ${balances.length - 1} transfers`,
			);
	}
	return wrong;
}
