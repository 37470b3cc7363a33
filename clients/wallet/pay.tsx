import { useEffect, useMemo, useState } from "preact/hooks";
import { useSecondsUntil } from "../ui/countdown.ts";
import { useKeys } from "../ui/effects.ts";
import { Amount } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { problemText } from "../ui/problem-text.ts";
import { go } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { hush } from "../ui/toast.tsx";
import { readySound } from "./chime.ts";
import { type Code, Codes } from "./codes.ts";
import { Qr } from "./qr.tsx";
import { t } from "./texts.ts";
import { account, arrived, isFrozen } from "./wallet.ts";

/** The code that a shop reads, as large as the screen lets it be. */
export default function Pay() {
	const texts = t().payScreen;
	const codes = useMemo(() => new Codes(), []);
	useEffect(() => {
		codes.start();
		return () => codes.stop();
	}, [codes]);
	useEffect(() => {
		if (arrived.value) codes.renew();
	}, [codes, arrived.value]);
	useEffect(() => keepAwake(), []);
	useEffect(hush, []);
	useEffect(() => addEventListener("pointerdown", readySound, { once: true }), []);
	useKeys(({ key }) => key === "Escape" && !arrived.value && go("/", "replace"));
	const code = isFrozen.value ? null : codes.now.value;
	const problem = codes.problem.value;
	return (
		<div class="pay">
			<header class="pay-top">
				<button type="button" class="button on-jade round" aria-label={t().close} onClick={() => go("/", "replace")}>
					<Icon name="close" />
				</button>
				<Title app={t().name}>{texts.title}</Title>
			</header>
			<p class="pay-show">{texts.show}</p>
			<div class="pay-coin" aria-busy={!code && !problem && !isFrozen.value}>
				{code ? (
					<>
						<Ring code={code} />
						<Qr code={code.code} label={texts.alt} />
					</>
				) : (
					<p class="pay-none" role="status">
						{isFrozen.value ? texts.frozen : problem ? problemText(problem) : texts.renewing}
					</p>
				)}
			</div>
			<div class="pay-words">
				{code ? <Left code={code} /> : <p class="pay-left">{BLANK}</p>}
				{problem && code && (
					<p class="pay-ahead" role="status">
						<Icon name="offline" />
						{texts.ahead}
					</p>
				)}
				<p class="small">{code ? texts.upTo(code.cap) : BLANK}</p>
				<p class="pay-balance">
					{account.value && (
						<>
							<span class="small">{texts.balance}</span>
							<Amount value={account.value.available} />
						</>
					)}
				</p>
				<p class="small pay-hint">{texts.bright}</p>
			</div>
		</div>
	);
}

/** Keeps the place of a line that comes soon. */
const BLANK = "\u00a0";
const TURN_MS = 60_000;
/** Around the code, from the middle of its upper edge. */
const AROUND = "M100 3H175A22 22 0 0 1 197 25V175A22 22 0 0 1 175 197H25A22 22 0 0 1 3 175V25A22 22 0 0 1 25 3Z";

/** How much of the code's time is left. The browser moves it, without a line of script; the clock is the monotonic one. */
function Ring({ code }: { readonly code: Code }) {
	const [line, setLine] = useState<SVGPathElement | null>(null);
	useEffect(() => {
		const leftMs = Math.max(0, code.untilMs - performance.now());
		const from = 1 - Math.min(1, leftMs / TURN_MS);
		const frames = [{ strokeDashoffset: from }, { strokeDashoffset: 1 }];
		const turning = line?.animate(frames, { duration: leftMs, fill: "forwards" });
		return () => turning?.cancel();
	}, [line, code]);
	return (
		<svg class="pay-ring" viewBox="0 0 200 200" aria-hidden="true">
			<path d={AROUND} class="pay-ring-track" />
			<path ref={setLine} d={AROUND} pathLength="1" class="pay-ring-left" stroke-dasharray="1" />
		</svg>
	);
}

function Left({ code }: { readonly code: Code }) {
	const seconds = useSecondsUntil(code.untilMs);
	return (
		<p class="pay-left number" role="timer" aria-live="off">
			{t().payScreen.left(seconds)}
		</p>
	);
}

/** A screen that goes dark in the queue is a payment that takes twice as long. */
function keepAwake(): () => void {
	let lock: WakeLockSentinel | undefined;
	let isOver = false;
	const ask = () => {
		if (document.visibilityState !== "visible" || isOver) return;
		navigator.wakeLock?.request("screen").then(
			(got) => {
				if (isOver) void got.release();
				else lock = got;
			},
			// Of no consequence: a low battery is a reason to refuse.
			() => {},
		);
	};
	ask();
	document.addEventListener("visibilitychange", ask);
	return () => {
		isOver = true;
		document.removeEventListener("visibilitychange", ask);
		void lock?.release();
	};
}
