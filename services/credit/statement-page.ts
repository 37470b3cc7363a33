import type { Result } from "../actions.ts";
import type { Place, ReadModel, StatementLine, StatementQuery } from "./read-model.ts";
import { toCursor } from "./statement-cursor.ts";

/** Among so many lines those of some kind are looked for: whoever has a hundred thousand of another kind would keep everybody waiting. */
const LOOKED_AT_MAX = 1_000;
/** A page is one message of NATS, which takes a megabyte; a line with the largest receipt is a fifth of one. */
const PAGE_CHARACTERS = 400_000;

type Asked = Omit<StatementQuery, "downTo" | "after"> & { readonly before: Place };
type AskedAfter = Omit<StatementQuery, "downTo" | "before"> & Pick<Required<StatementQuery>, "after">;

/** Newest first. It may have fewer lines than asked for, or none, and still not be the last one: then its cursor says where to go on. */
export async function pageOf(
	readModel: Pick<ReadModel, "statement" | "lookBack">,
	{ limit, ...asked }: Asked,
): Promise<Result<"credit.statement">> {
	const { kinds, ...unfiltered } = asked;
	const downTo = kinds ? await readModel.lookBack({ ...unfiltered, lines: LOOKED_AT_MAX }) : null;
	const found = await readModel.statement({ ...asked, limit: limit + 1, ...(downTo && { downTo }) });
	const items = found.slice(0, Math.min(limit, howManyFit(found)));
	const end = items.length < found.length ? items.at(-1) : downTo;
	return { items, nextCursor: end ? toCursor(end) : null };
}

/** Oldest first. Of what it looks at it has those of the kinds that are asked for: few, or none, where others are in between. */
export async function pageAfter(
	readModel: Pick<ReadModel, "statement">,
	{ limit, kinds, ...asked }: AskedAfter,
): Promise<Result<"credit.statement">> {
	const found = await readModel.statement({ ...asked, limit: limit + 1 });
	const page = found.slice(0, Math.min(limit, howManyFit(found)));
	const end = page.length < found.length ? page.at(-1) : undefined;
	return { items: page.filter(({ kind }) => !kinds || kinds.includes(kind)), nextCursor: end ? toCursor(end) : null };
}

/** At least one. */
export function howManyFit(lines: readonly Pick<StatementLine, "details">[]): number {
	let characters = 0;
	const first = lines.findIndex(({ details }, index) => {
		characters += JSON.stringify(details).length;
		return characters > PAGE_CHARACTERS && index > 0;
	});
	return first < 0 ? lines.length : first;
}
