import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { useSecondsUntil } from "../../ui/countdown.ts";
import { useFocus } from "../../ui/effects.ts";
import { Amount } from "../../ui/format.tsx";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { problemText } from "../../ui/problem-text.ts";
import { go } from "../../ui/router.tsx";
import { Title } from "../../ui/title.tsx";
import { cancelPayment, dismiss, type Payment, type UnderWay } from "../payment.ts";
import { Receipt } from "../receipt.tsx";
import { load } from "../shop.ts";
import { t } from "../texts.ts";

type Of<Stage extends Payment["stage"]> = Extract<Payment, { readonly stage: Stage }>;

/** What becomes of a payment, in letters that are read from where the customer stands. */
export function Progress({ payment }: { readonly payment: Exclude<Payment, { stage: "none" }> }) {
	switch (payment.stage) {
		case "paid":
			return <Paid {...payment} />;
		case "refused":
			return <Refused {...payment} />;
		case "cancelled":
			return (
				<Outcome look="plain" icon="refund" title={t().cancelledTitle} text={t().cancelledText[payment.effect]}>
					<Next to="/" />
				</Outcome>
			);
		case "untold":
			return (
				<Outcome look="bad" icon="warning" title={t().untold} text={t().endedSale(payment.saleId)}>
					<Next to="/" />
				</Outcome>
			);
		case "waiting":
			return <Waiting key={payment.attempt.idempotencyKey} {...payment} />;
		default:
			return <Working {...payment} />;
	}
}

type Look = "good" | "bad" | "plain" | "busy";
type Props = {
	readonly look: Look;
	readonly icon?: IconName;
	readonly title: string;
	readonly text?: string | undefined;
	readonly amount?: number | null;
	readonly children?: preact.ComponentChildren;
};

export function Outcome({ look, icon, title, text, amount, children }: Props) {
	return (
		<main class={`outcome ${look}`}>
			<div class="outcome-body" role={look === "busy" ? "status" : "alert"}>
				<span class="outcome-mark">{icon ? <Icon name={icon} /> : <span class="spinner" />}</span>
				{amount != null && (
					<p class="outcome-amount">
						<Amount isLong value={amount} />
					</p>
				)}
				<Title key={title} app={t().name}>
					{title}
				</Title>
				{text && <p class="outcome-text">{text}</p>}
			</div>
			<div class="outcome-foot">{children}</div>
		</main>
	);
}

/** Takes the focus, so that Enter goes on. */
function Next({ to, text = t().next }: { readonly to: string; readonly text?: string }) {
	const button = useFocus<HTMLButtonElement>();
	return (
		<button
			ref={button}
			type="button"
			class="button primary wide pay"
			onClick={() => {
				dismiss();
				go(to);
			}}
		>
			{text}
		</button>
	);
}

function Paid({ sale, isTooLate }: Of<"paid">) {
	return (
		<>
			<Outcome look="good" icon="check" title={t().paid} text={isTooLate && t().paidTooLate} amount={sale.total}>
				<Next to="/" />
				<Button class="wide large" onPress={() => print()}>
					{t().print}
				</Button>
			</Outcome>
			<Receipt sale={sale} />
		</>
	);
}

function Refused({ why, problem }: Of<"refused">) {
	const text =
		why === "voided"
			? t().declined
			: why === "expired"
				? t().expired
				: problemText(problem ?? { code: why, status: 409, title: why });
	// What the till shows is not what the server sells any more: also when somebody is back there at once.
	const isStale = why === "price_changed" || why === "product_unavailable";
	useLayoutEffect(() => {
		if (isStale) void load();
	}, [isStale]);
	return (
		<Outcome look="bad" icon="close" title={t().refused} text={`${text} ${t().refusedHint}`}>
			<Next to={isStale ? "/" : "/pay"} text={isStale ? t().back : t().scanAgain} />
			{!isStale && (
				<Button
					class="wide large"
					onPress={() => {
						dismiss();
						go("/");
					}}
				>
					{t().back}
				</Button>
			)}
		</Outcome>
	);
}

function Working({ stage, attempt }: UnderWay) {
	const isDoubtful = stage === "checking";
	return (
		<Outcome
			look="busy"
			title={{ sending: t().sending, checking: t().checking, cancelling: t().cancelling }[stage]}
			text={isDoubtful ? t().checkingHint : undefined}
			amount={attempt.expectedTotal}
		>
			{isDoubtful && <Stop />}
		</Outcome>
	);
}

function Stop() {
	return (
		<>
			<Button class="wide large" onPress={() => void cancelPayment()}>
				{t().stop}
			</Button>
			<p class="small soft">{t().stopHint}</p>
		</>
	);
}

function Waiting({ attempt, leftMs }: Of<"waiting">) {
	const [untilMs, setUntilMs] = useState(() => performance.now() + leftMs);
	// Each answer was a while on its way: the one that was quickest is right, and the number never goes up.
	useEffect(() => setUntilMs((before) => Math.min(before, performance.now() + leftMs)), [leftMs]);
	const seconds = useSecondsUntil(untilMs);
	return (
		<Outcome look="busy" title={t().waiting} text={t().waitingHint} amount={attempt.expectedTotal}>
			<p class="outcome-clock number" role="timer" aria-live="off">
				{t().secondsLeft(seconds)}
			</p>
			<Stop />
		</Outcome>
	);
}
