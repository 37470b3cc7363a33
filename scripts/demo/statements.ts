import { parse } from "csv-parse/sync";
import type { Result } from "../../services/actions.ts";
import { STORE } from "./books.ts";
import { bodyOf } from "./client.ts";
import type { Day, Person, Shop } from "./day.ts";
import { plural, signed, won } from "./display.ts";
import { allPages } from "./pages.ts";
import type { Step } from "./steps.ts";
import { table } from "./table.ts";

const LINES_SHOWN = 8;

type Line = Pick<
	Result<"user.listTransactions">["items"][number],
	"postedAtMs" | "kind" | "amount" | "balanceAfter" | "refunded"
>;
type ShownLine = Line & { readonly other: string; readonly about: string };

/** All lines of a person's statement, and whether they add up. */
export async function customerStatement(day: Day, step: Step, person: Person): Promise<number> {
	const transactions = await allPages((cursor) =>
		person.client.get<"user.listTransactions">("/v1/me/transactions", { limit: 100, ...cursor }),
	);
	expectSound(step, transactions, day.books.balanceOf(person.handle));
	const lines = transactions.map((line) => ({
		...line,
		other: line.counterparty,
		about: line.note ?? receipt(line.items),
	}));
	step.show(statementTable(lines));
	step.say(`${plural(lines.length, "line")}, up to a balance of ${won(lines[0]?.balanceAfter ?? 0)}`);
	return lines.length;
}

type Items = readonly { readonly name: string; readonly quantity: number }[];

const receipt = (items: Items): string =>
	items.map(({ name, quantity }) => (quantity === 1 ? name : `${name} ×${quantity}`)).join(", ");

/** A store's statement is the operators': it names wallets, not people. */
export async function storeStatement(day: Day, step: Step, { storeId, customers }: Shop): Promise<void> {
	const path = `/ledger/accounts/store:${storeId}/statement`;
	const entries = await allPages((cursor) => day.operator.get<"credit.statement">(path, { limit: 100, ...cursor }));
	expectSound(step, entries, day.books.balanceOf(STORE));
	const { sales, refunds, payouts } = day.books.tallies;
	step.expect("number of lines", entries.length, sales.count + refunds.count + payouts.count);
	const names = new Map(customers.map(({ userId, displayName }) => [`wallet:${userId}`, displayName]));
	const lines = entries.map((entry) => ({
		...entry,
		other: names.get(entry.counterpartyId) ?? entry.counterpartyId,
		about: aboutEntry(entry.details),
	}));
	step.show(statementTable(lines));
	step.say(`${plural(lines.length, "line")}, up to a balance of ${won(lines[0]?.balanceAfter ?? 0)}`);
}

/** What services wrote beside a transfer: a receipt, or why it was given back. */
function aboutEntry(details: Readonly<Record<string, unknown>>): string {
	const { items, reason } = details as { items?: Items; reason?: string | null };
	return reason ?? receipt(items ?? []);
}

/** Newest first: each line leads from the balance of the one below it to its own, and the first is what there is now. */
function expectSound(step: Step, lines: readonly Line[], balance: number): void {
	const broken = lines.findIndex(
		({ amount, balanceAfter }, at) => balanceAfter - amount !== (lines[at + 1]?.balanceAfter ?? 0),
	);
	step.expect("the first line that does not follow from the one before", broken, -1);
	step.expect("the balance of the newest line", lines[0]?.balanceAfter ?? 0, balance);
}

function wordFor({ kind, amount, refunded }: Pick<Line, "kind" | "amount" | "refunded">): string {
	if (kind === "p2p") return amount < 0 ? "sent" : "received";
	if (refunded === 0) return kind;
	return refunded === Math.abs(amount) ? `${kind}, refunded` : `${kind}, part refunded`;
}

function statementTable(lines: readonly ShownLine[]): string[] {
	const time = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Seoul", timeStyle: "medium" });
	return table(
		[
			{ title: "Time" },
			{ title: "What" },
			{ title: "Amount", align: "right" },
			{ title: "Balance", align: "right" },
			{ title: "With", widthMax: 20 },
			{ title: "About", widthMax: 28 },
		],
		lines
			.slice(0, LINES_SHOWN)
			.map(({ postedAtMs, kind, amount, balanceAfter, refunded, other, about }) => [
				time.format(postedAtMs),
				wordFor({ kind, amount, refunded }),
				signed(amount),
				won(balanceAfter),
				other,
				about,
			]),
	);
}

/** The CSV must hold the lines that the statement shows. */
export async function exportStatement(step: Step, person: Person, expectedLines: number): Promise<void> {
	const csv = bodyOf(await person.client.getText("/v1/me/transactions.csv"));
	const rows = parse(csv, { bom: true }) as string[][];
	step.expect("lines below the titles", rows.length - 1, expectedLines);
	step.say(
		`${plural(rows.length - 1, "line")}, ${plural(rows[0]?.length ?? 0, "column")}, ${won(csv.length)} characters`,
	);
}
