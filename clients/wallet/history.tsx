import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { FILE_ATTEMPT_MS } from "../sdk/persistence.ts";
import type { Problem } from "../sdk/problem.ts";
import { Button } from "../ui/button.tsx";
import { Choice } from "../ui/choice.tsx";
import { Empty } from "../ui/empty.tsx";
import { Amount, dayText, monthText } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { Charts } from "./charts.tsx";
import { matching, spendingOf } from "./spending.ts";
import { beginOf, type Month, monthAfter, monthOf, statementOf } from "./statement.ts";
import { t } from "./texts.ts";
import { TransactionRow } from "./transaction-row.tsx";
import { client, recent, say, type Transaction } from "./wallet.ts";

type Direction = "all" | "out" | "in";

export default function History() {
	const texts = t().historyScreen;
	const [month, setMonth] = useState<Month>(() => monthOf(client().nowMs));
	const { items, problem, again } = useStatement(month);
	const [wanted, setWanted] = useState("");
	const [direction, setDirection] = useState<Direction>("all");
	const days = new Date(month.year, month.month + 1, 0).getDate();
	const spending = useMemo(() => spendingOf(items ?? [], days), [items, days]);
	const shown = matching(items ?? [], wanted).filter(
		({ amount }) => direction === "all" || (direction === "in") === amount > 0,
	);
	return (
		<div class="history">
			<Title app={t().name}>{texts.title}</Title>
			<div class="card month">
				<div class="row spread">
					<Button look="quiet" class="round" label={texts.before} onPress={() => setMonth(monthAfter(month, -1))}>
						<Icon name="back" />
					</Button>
					<h2 aria-live="polite">{monthText(beginOf(month))}</h2>
					<Button
						look="quiet"
						class={`round ${beginOf(monthAfter(month, 1)) > client().nowMs ? "unseen" : ""}`}
						label={texts.after}
						onPress={() => setMonth(monthAfter(month, 1))}
					>
						<Icon name="next" />
					</Button>
				</div>
				<dl class="sums">
					<div>
						<dt>{texts.spent}</dt>
						<dd>{items ? <Amount value={spending.spent} /> : "…"}</dd>
					</div>
					<div>
						<dt>{texts.received}</dt>
						<dd>{items ? <Amount value={spending.received} /> : "…"}</dd>
					</div>
				</dl>
				{!items && !problem && <div class="skeleton charts-place" />}
				{spending.spent > 0 && <Charts spending={spending} month={month} />}
			</div>
			{/* What stands below a chart is put there when it is known how tall that is, and does not move. */}
			<div class="history-list" key={items || problem ? "there" : "coming"}>
				<div class="search">
					<Icon name="search" />
					<input
						type="search"
						aria-label={texts.search}
						placeholder={texts.search}
						value={wanted}
						onInput={({ currentTarget }) => setWanted(currentTarget.value)}
					/>
				</div>
				<Choice
					label={texts.kind}
					value={direction}
					options={[
						["all", texts.everything],
						["out", texts.out],
						["in", texts.in],
					]}
					onChoose={setDirection}
				/>
				<section class="card" aria-busy={!items && !problem}>
					{problem ? (
						<Empty icon="offline" text={problemText(problem)}>
							<Button onPress={again}>{t().retry}</Button>
						</Empty>
					) : items ? (
						<Days items={shown} isEmpty={items.length === 0} />
					) : (
						<Waiting />
					)}
				</section>
				{items && items.length > 0 && (
					<Button look="quiet" onPress={() => download(month)}>
						{texts.csv}
					</Button>
				)}
			</div>
		</div>
	);
}

/** A month as it is now: read again when something happens in the wallet. */
function useStatement(month: Month) {
	const [items, setItems] = useState<readonly Transaction[]>();
	const [problem, setProblem] = useState<Problem>();
	const [tries, setTries] = useState(0);
	const newest = recent.value?.[0]?.transferId;
	// What stands under a month is that month's, from the first moment.
	useLayoutEffect(() => setItems(undefined), [month]);
	useEffect(() => {
		const leaving = new AbortController();
		statementOf(month, leaving.signal).then((read) => {
			if (leaving.signal.aborted) return;
			setProblem(read.ok ? undefined : read.problem);
			if (read.ok) setItems(read.value);
		});
		return () => leaving.abort();
	}, [month, tries, newest]);
	return { items, problem, again: () => setTries(tries + 1) };
}

function Days({ items, isEmpty }: { readonly items: readonly Transaction[]; readonly isEmpty: boolean }) {
	const { none, noMatch } = t().historyScreen;
	if (items.length === 0) return <Empty icon="history" text={isEmpty ? none : noMatch} />;
	const days = Map.groupBy(items, ({ postedAtMs }) => new Date(postedAtMs).toDateString());
	return (
		<>
			{[...days].map(([day, inDay]) => (
				<section key={day} class="day">
					<h3>{dayText(inDay[0]?.postedAtMs ?? 0)}</h3>
					<ul class="list">
						{inDay.map((transaction) => (
							<TransactionRow key={transaction.transferId} transaction={transaction} when="time" />
						))}
					</ul>
				</section>
			))}
		</>
	);
}

function Waiting() {
	return (
		<ul class="list">
			{[1, 2, 3, 4].map((each) => (
				<li key={each} class="transaction">
					<span class="skeleton transaction-icon" />
					<span class="skeleton line" />
				</li>
			))}
		</ul>
	);
}

async function download(month: Month): Promise<void> {
	const range = { fromMs: beginOf(month), toMs: beginOf(monthAfter(month, 1)) - 1 };
	const read = await client().call("user.exportTransactions", range, { attemptMs: FILE_ATTEMPT_MS });
	if (!read.ok) return say(read.problem);
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([read.value], { type: "text/csv" }));
	link.download = `hannip-${month.year}-${String(month.month + 1).padStart(2, "0")}.csv`;
	link.click();
	URL.revokeObjectURL(link.href);
}
