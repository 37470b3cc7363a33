import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { useKeys } from "../../ui/effects.ts";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { Amount } from "../../ui/format.tsx";
import { Icon } from "../../ui/icon.tsx";
import { problemText } from "../../ui/problem-text.ts";
import { go } from "../../ui/router.tsx";
import { Title } from "../../ui/title.tsx";
import { toast } from "../../ui/toast.tsx";
import { totalOf } from "../basket.ts";
import { Camera } from "../camera.tsx";
import { basket, changes, isEmpty, park } from "../order.ts";
import { pay, payment } from "../payment.ts";
import { reload } from "../product-grid.tsx";
import { isOnline, till } from "../shop.ts";
import { t } from "../texts.ts";
import { hearScanner } from "../wedge.ts";
import { Outcome, Progress } from "./progress.tsx";
import { isPaymentCode } from "./sell.tsx";

/** Reads the customer's code, by whatever can read it, and then says what becomes of the payment. */
export function Pay() {
	if (payment.value.stage !== "none") return <Progress payment={payment.value} />;
	if (isEmpty.value || changes.value.length > 0) return <Back />;
	return isOnline.value ? <Scan /> : <Unconnected />;
}

/** There is nothing to pay, as after a step back in the browser; or not what it was, which is said at the counter. */
function Back() {
	useEffect(() => go("/", "replace"), []);
	return null;
}

/** A code that is scanned now would have ended when it is sent. */
function Unconnected() {
	return (
		<Outcome look="plain" icon="offline" title={t().offlineTitle} text={t().offlineText} amount={totalOf(basket.value)}>
			<Button look="primary" class="wide large" onPress={reload}>
				{t().again}
			</Button>
			<Button
				class="wide large"
				onPress={() => {
					park();
					go("/");
				}}
			>
				{t().park}
			</Button>
			<Button look="quiet" class="wide" onPress={() => go("/")}>
				{t().back}
			</Button>
		</Outcome>
	);
}

function Scan() {
	const [isTyping, setTyping] = useState(false);
	const [text, setText] = useState("");
	const take = (code: string) => {
		if (!isPaymentCode(code)) return toast(problemText({ code: "code_invalid", status: 422, title: "" }), "danger");
		if (till.value) void pay(till.value.storeId, basket.value, code);
	};
	useLayoutEffect(() => hearScanner(take), []);
	useKeys(({ key }) => key === "Escape" && go("/"));
	return (
		<main class="pay-screen">
			<Button look="quiet" class="round" label={t().back} onPress={() => go("/")}>
				<Icon name="back" />
			</Button>
			<div class="scan">
				<Camera onCode={take} />
			</div>
			<div class="scan-side stack">
				<p class="pay-total">
					<Amount isLong value={totalOf(basket.value)} />
				</p>
				<Title app={t().name}>{t().scanTitle}</Title>
				<p class="soft">
					{t().scanHint} {t().scanGun}
				</p>
				{isTyping ? (
					<Form
						onSubmit={() => {
							take(text.trim().toUpperCase());
						}}
					>
						<Field
							label={t().code}
							value={text}
							autoComplete="off"
							autoCapitalize="none"
							maxLength={200}
							onText={setText}
						/>
						<button type="submit" class="button primary wide">
							{t().payWithCode}
						</button>
					</Form>
				) : (
					<Button onPress={() => setTyping(true)}>{t().typeCode}</Button>
				)}
			</div>
		</main>
	);
}
