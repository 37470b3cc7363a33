import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../../services/actions.ts";
import { FILE_ATTEMPT_MS } from "../../sdk/persistence.ts";
import type { Outcome, Problem } from "../../sdk/problem.ts";
import { Bars } from "../../ui/bars.tsx";
import { Button } from "../../ui/button.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Field } from "../../ui/field.tsx";
import { Amount, dayText, number, timeText } from "../../ui/format.tsx";
import { problemText } from "../../ui/problem-text.ts";
import { Link } from "../../ui/router.tsx";
import { saveAs } from "../../ui/save.ts";
import { Title } from "../../ui/title.tsx";
import { toast } from "../../ui/toast.tsx";
import { Trouble } from "../../ui/trouble.tsx";
import { call, nowMs, store, till } from "../shop.ts";
import { t } from "../texts.ts";

type Line = Result<"store.listSales">["items"][number];
type Loaded =
	| { readonly date: string; readonly problem: Problem }
	/** `isPart`: there are more of that day, and sums are only of these. */
	| { readonly date: string; readonly problem: null; readonly sales: readonly Line[]; readonly isPart: boolean };

/** More than that nobody scrolls through; the file has all of them. */
const SALES_MAX = 1_000;

const todayIn = (timeZone: string): string => new Intl.DateTimeFormat("sv-SE", { timeZone }).format(nowMs());
const hourIn = (atMs: number, timeZone: string): number =>
	Number(new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", hourCycle: "h23" }).format(atMs));

export function Sales() {
	const timeZone = store.value?.timeZone ?? "Asia/Seoul";
	const today = todayIn(timeZone);
	const [chosen, setDate] = useState<string | null>(null);
	// Which day it is may only be known when the platform has answered.
	const date = chosen ?? today;
	const [loaded, setLoaded] = useState<Loaded | null>(null);
	const [turn, setTurn] = useState(0);
	useEffect(() => {
		let isCurrent = true;
		void salesOf(date).then((found) => {
			if (isCurrent) setLoaded(found);
		});
		return () => {
			isCurrent = false;
		};
	}, [date, turn]);
	const now = loaded?.date === date ? loaded : null;
	const day = date === today ? t().today : dayText(Date.parse(`${date}T12:00:00`));
	return (
		<main class="page stack">
			<div class="row spread wrap">
				<Title app={t().name}>{t().salesOf(day)}</Title>
				<div class="row day-row">
					<Field label={t().day} type="date" value={date} max={today} onText={(text) => text && setDate(text)} />
					<Button onPress={() => exportDay(date)}>{t().export}</Button>
				</div>
			</div>
			{now?.problem && <Trouble problem={now.problem} again={() => setTurn(turn + 1)} />}
			{now === null && <div class="skeleton tall" aria-busy="true" />}
			{now?.problem === null && (
				<>
					{now.isPart && <p class="notice warn">{t().salesPart(number(now.sales.length))}</p>}
					<Day sales={now.sales} timeZone={timeZone} />
				</>
			)}
		</main>
	);
}

function Day({ sales, timeZone }: { readonly sales: readonly Line[]; readonly timeZone: string }) {
	if (sales.length === 0) return <Empty icon="history" text={t().noSales} />;
	const sum = (of: (line: Line) => number) => sales.reduce((total, line) => total + of(line), 0);
	const [taken, refunded] = [sum(({ total }) => total), sum((line) => line.refunded)];
	return (
		<>
			<dl class="facts card">
				<Fact name={t().count}>{number(sales.length)}</Fact>
				<Fact name={t().taken}>
					<Amount value={taken} />
				</Fact>
				<Fact name={t().refundedSum}>
					<Amount value={-refunded} />
				</Fact>
				<Fact name={t().net}>
					<Amount value={taken - refunded} />
				</Fact>
			</dl>
			<div class="card">
				<Bars title={t().byHour} bars={barsOf(sales, timeZone)} />
			</div>
			<ul class="list card sales">
				{sales.map((line) => (
					<li key={line.id}>
						<SaleLink line={line} />
					</li>
				))}
			</ul>
		</>
	);
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
	return (
		<div>
			<dt>{name}</dt>
			<dd class="number">{children}</dd>
		</div>
	);
}

function SaleLink({ line: { id, items, total, refunded, createdAtMs } }: { readonly line: Line }) {
	const [first, ...others] = items;
	const name = first?.name ?? "";
	return (
		<Link to={`/sales/${id}`} class="sale-link">
			<span class="soft number">{timeText(createdAtMs)}</span>
			<span class="sale-name">{others.length > 0 ? t().andMore(name, others.length) : name}</span>
			{refunded > 0 && <span class="tag">{refunded === total ? t().isRefunded : t().isPartlyRefunded}</span>}
			<strong>
				<Amount value={total} />
			</strong>
		</Link>
	);
}

/** From the hour before the first sale to the one after the last one, so that one is not alone. */
function barsOf(sales: readonly Line[], timeZone: string) {
	const byHour = Map.groupBy(sales, ({ createdAtMs }) => hourIn(createdAtMs, timeZone));
	const hours = [...byHour.keys()];
	const [from, to] = [Math.min(8, ...hours), Math.max(20, ...hours)];
	return Array.from({ length: to - from + 1 }, (_, index) => ({
		key: from + index,
		label: t().hour(from + index),
		value: (byHour.get(from + index) ?? []).reduce((sum, { total }) => sum + total, 0),
	}));
}

async function salesOf(date: string): Promise<Loaded> {
	const storeId = till.value?.storeId ?? "";
	const sales: Line[] = [];
	let cursor: string | null = "";
	while (cursor !== null && sales.length < SALES_MAX) {
		const page: Outcome<Result<"store.listSales">> = await call("store.listSales", {
			storeId,
			date,
			limit: 100,
			...(cursor && { cursor }),
		});
		// Of a part it would say that it is the day.
		if (!page.ok) return { date, problem: page.problem };
		sales.push(...page.value.items);
		cursor = page.value.nextCursor;
	}
	return { date, problem: null, sales, isPart: cursor !== null };
}

async function exportDay(date: string): Promise<void> {
	const said = { storeId: till.value?.storeId ?? "", date };
	const csv = await call("store.exportSales", said, { attemptMs: FILE_ATTEMPT_MS });
	if (!csv.ok) return toast(problemText(csv.problem), "danger");
	saveAs(`hannip-${date}.csv`, "text/csv", csv.value);
	toast(t().exported);
}
