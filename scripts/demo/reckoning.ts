import type { Result } from "../../services/actions.ts";
import { balanceOf, storeBalance } from "./balances.ts";
import { STORE } from "./books.ts";
import { bodyOf } from "./client.ts";
import type { Day, Shop } from "./day.ts";
import { won } from "./display.ts";
import type { Step } from "./steps.ts";
import { table } from "./table.ts";

const ROWS_SHOWN = 12;

/** Everyone's balance as the platform says it, against what the demo wrote down: equal to the last coin. */
export async function compareBalances(day: Day, step: Step, shop: Shop): Promise<void> {
	const rows = await step.each(shop.customers, async (person) => ({
		who: person.displayName,
		books: day.books.balanceOf(person.handle),
		platform: await balanceOf(person),
	}));
	rows.push({ who: "the store", books: day.books.balanceOf(STORE), platform: await storeBalance(shop) });
	for (const { who, books, platform } of rows) step.expect(`balance of ${who}`, platform, books);
	const held = rows.reduce((sum, { platform }) => sum + platform, 0);
	const { charges, payouts } = day.books.tallies;
	const equal = step.expect("all balances together: charged less paid out", held, day.books.held());
	step.say(`${won(held)} ${equal ? "=" : "≠"} ${won(charges.amount)} charged − ${won(payouts.amount)} paid out`);
	const shown = rows.length > ROWS_SHOWN ? [...rows.slice(0, ROWS_SHOWN - 1), ...rows.slice(-1)] : rows;
	step.show(
		table(
			[{ title: "Who" }, { title: "Demo's books", align: "right" }, { title: "Hannip", align: "right" }],
			[
				...shown.map(({ who, books, platform }) => [who, won(books), won(platform)]),
				...(shown.length < rows.length ? [[`and ${rows.length - shown.length} more`, "", ""]] : []),
				["Together", won(day.books.held()), won(held)],
			],
		),
	);
}

/** Reads the whole log again, from the first group on. */
export async function audit({ operator }: Day, step: Step): Promise<Result<"credit.audit">> {
	const found = bodyOf(
		await operator.post<"credit.audit">("/ledger/audit", {}, { repeatable: true, timeoutMs: 120_000 }),
	);
	step.expect("the audit", { clean: found.clean, discrepancy: found.discrepancy }, { clean: true, discrepancy: null });
	step.say(`${found.clean ? "clean" : "NOT CLEAN"}: ${won(found.transfers)} transfers in ${won(found.groups)} groups`);
	return found;
}
