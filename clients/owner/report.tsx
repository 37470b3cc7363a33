import { useEffect, useRef, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { FILE_ATTEMPT_MS } from "../sdk/persistence.ts";
import { useAction } from "../ui/action.ts";
import { Bars } from "../ui/bars.tsx";
import { Button, Submit } from "../ui/button.tsx";
import { Checking } from "../ui/checking.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { Amount, credit } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { problemText } from "../ui/problem-text.ts";
import { saveAs } from "../ui/save.ts";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import { beginPayout, resumePayout, type SettledPayout } from "./payout.ts";
import { call, nowMs } from "./person.ts";
import { t } from "./texts.ts";

type Day = Result<"store.report">;
type Store = Result<"store.get">;

/** Before there was a Hannip. */
const FIRST_DAY = "2020-01-01";

const dayIn = (timeZone: string): string => new Intl.DateTimeFormat("sv-SE", { timeZone }).format(nowMs());

export function Report({ storeId }: { readonly storeId: string }) {
	const store = useLoaded(() => call("store.get", { storeId }), storeId);
	return (
		<main class="page stack">
			<Loaded of={store}>
				{(found) => (
					<>
						<Balance store={found} onPaidOut={store.again} />
						<DayReport store={found} />
					</>
				)}
			</Loaded>
			{!store.value && <Title app={t().name}>{t().report}</Title>}
		</main>
	);
}

function Balance({ store, onPaidOut }: { readonly store: Store; readonly onPaidOut: () => Promise<void> }) {
	const [isOpen, setOpen] = useState(false);
	const [isResuming, setResuming] = useState(false);
	const balance = store.available ?? 0;
	useEffect(() => {
		void resumePayout(store.id, () => setResuming(true)).then(async (settled) => {
			if (!settled) return;
			tell(settled);
			await onPaidOut();
			setResuming(false);
		});
	}, [store.id]);
	return (
		<section class="card row spread wrap balance">
			<div>
				<h2 class="soft small">{t().balance}</h2>
				<p class="pay-total">
					<Amount value={store.balance ?? 0} />
				</p>
			</div>
			{isResuming ? (
				<Checking />
			) : (
				balance > 0 && (
					<Button look="primary" onPress={() => setOpen(true)}>
						{t().payOut}
					</Button>
				)
			)}
			{isOpen && (
				<PayOut
					storeId={store.id}
					max={balance}
					onClose={() => {
						setOpen(false);
						void onPaidOut();
					}}
				/>
			)}
		</section>
	);
}

function tell(settled: SettledPayout): void {
	if (settled === "elsewhere") return;
	if (settled.ok) toast(t().paidOut(credit(settled.value.amount)));
	// Who has to log in again sees that.
	else if (settled.problem.status !== 401) toast(problemText(settled.problem), "danger");
}

function PayOut({ storeId, max, onClose }: { storeId: string; max: number; onClose: () => void }) {
	const [text, setText] = useState(String(max));
	const [error, setError] = useState<string>();
	const [isDoubtful, setDoubtful] = useState(false);
	const amount = wholeNumberIn(text) ?? 0;
	const isRight = amount >= 1 && amount <= max;
	const [isBusy, payOut] = useAction(async () => {
		if (!isRight) return setError(t().amountWrong(credit(max)));
		const settled = await beginPayout({ storeId, amount }, () => setDoubtful(true));
		setDoubtful(false);
		if (settled !== "elsewhere" && !settled.ok) return setError(problemText(settled.problem));
		tell(settled);
		onClose();
	});
	return (
		<Dialog title={t().payOut} isBusy={isBusy} onClose={onClose}>
			<Form
				noValidate
				onSubmit={() => {
					setError(undefined);
					payOut();
				}}
			>
				<p class="soft">{t().payOutText}</p>
				{isDoubtful && <Checking />}
				<Field label={t().amount} value={text} inputMode="numeric" error={error} onText={setText} />
				<Submit isBusy={isBusy}>{isRight ? t().payOutNow(credit(amount)) : t().payOut}</Submit>
				<Button look="quiet" isDisabled={isBusy} onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}

function DayReport({ store }: { readonly store: Store }) {
	const { id: storeId, timeZone } = store;
	const today = dayIn(timeZone);
	const [date, setDate] = useState(today);
	const day = useLoaded(() => call("store.report", { storeId, date }), `${storeId} ${date}`);
	const shownWith = useRef(store);
	// A payout stands in the day's report, too.
	useEffect(() => {
		if (shownWith.current === store) return;
		shownWith.current = store;
		void day.again();
	}, [store]);
	// What is being typed stays, or nobody could type a month of last year that is still to come in this one.
	const [typed, setTyped] = useState(date);
	const [error, setError] = useState<string>();
	/** A year that is being typed is a date already: the years 2, 20 and 202 have no report. */
	const choose = (text: string) => {
		if (text === "") return;
		setTyped(text);
		setError(text > today ? t().dayWrong : undefined);
		if (text >= FIRST_DAY && text <= today) setDate(text);
	};
	const save = async () => {
		const csv = await call("store.exportSales", { storeId, date }, { attemptMs: FILE_ATTEMPT_MS });
		if (csv.ok) saveAs(`hannip-${date}.csv`, "text/csv", csv.value);
		else toast(problemText(csv.problem), "danger");
	};
	return (
		<>
			<div class="row spread wrap">
				<Title app={t().name}>{t().report}</Title>
				<div class="row day-row">
					<Field label={t().day} type="date" value={typed} min={FIRST_DAY} max={today} error={error} onText={choose} />
					<Button onPress={save}>{t().export}</Button>
				</div>
			</div>
			<Loaded of={day}>{(found) => <Figures day={found} />}</Loaded>
		</>
	);
}

function Figures({ day }: { readonly day: Day }) {
	const facts = [
		[t().sales, day.sales],
		[t().refunds, { ...day.refunds, amount: -day.refunds.amount }],
		[t().payouts, { ...day.payouts, amount: -day.payouts.amount }],
	] as const;
	return (
		<>
			<dl class="facts card">
				<div>
					<dt>{t().net}</dt>
					<dd>
						<Amount value={day.net} />
					</dd>
				</div>
				{facts.map(([name, { count, amount }]) => (
					<div key={name}>
						<dt>
							{name} {t().count(count)}
						</dt>
						<dd>
							<Amount value={amount} />
						</dd>
					</div>
				))}
			</dl>
			<div class="card">
				<Bars title={t().byHour} bars={barsOf(day)} />
				{day.sales.count === 0 && <p class="soft">{t().noSales}</p>}
			</div>
			<p class="soft">
				{t().refundWhere} <a href="/till/">{t().toTill}</a>
			</p>
		</>
	);
}

/** All hours of the day that a shop could be open, and those in which something was sold. */
function barsOf({ hours, fromMs, timeZone }: Day) {
	const hourOf = (atMs: number) =>
		Number(new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", hourCycle: "h23" }).format(atMs));
	const sold = new Map(hours.map((hour) => [hour.fromMs, hour.sales.amount]));
	const all = Array.from({ length: 24 }, (_, index) => fromMs + index * 3_600_000);
	return all
		.map((atMs) => ({ key: atMs, hour: hourOf(atMs), value: sold.get(atMs) ?? 0 }))
		.filter(({ hour, value }) => value > 0 || (hour >= 8 && hour <= 21))
		.map(({ key, hour, value }) => ({ key, label: t().hour(hour), value }));
}
