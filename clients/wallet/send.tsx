import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Checking } from "../ui/checking.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { Icon } from "../ui/icon.tsx";
import { problemText } from "../ui/problem-text.ts";
import { useLeaving } from "../ui/router.tsx";
import { toast } from "../ui/toast.tsx";
import { AmountField } from "./amount-field.tsx";
import { carryOut, isUnsettled } from "./intention.ts";
import { useRefusal } from "./settling.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { account, client, readMe } from "./wallet.ts";

type Recipient = Result<"user.find">;

export default function Send() {
	const [recipient, setRecipient] = useState<Recipient>();
	return (
		<div class="narrow stack">
			<Top to="/">{t().send.title}</Top>
			{recipient ? (
				<HowMuch recipient={recipient} onOther={() => setRecipient(undefined)} />
			) : (
				<ToWhom onFound={setRecipient} />
			)}
		</div>
	);
}

function ToWhom({ onFound }: { readonly onFound: (recipient: Recipient) => void }) {
	const texts = t().send;
	const [handle, setHandle] = useState("");
	const [error, setError] = useState<string>();
	const [isBusy, find] = useAction(async () => {
		setError(undefined);
		const wanted = handle.trim().replace(/^@/, "").toLowerCase();
		if (!/^[a-z0-9._]{3,30}$/.test(wanted)) return setError(texts.nobody);
		const found = await client().call("user.find", { handle: wanted });
		if (found.ok) return onFound(found.value);
		const { code } = found.problem;
		setError(code === "not_found" || code === "validation_failed" ? texts.nobody : problemText(found.problem));
	});
	return (
		<Form noValidate onSubmit={find}>
			<Field
				label={texts.to}
				hint={texts.toHint}
				name="to"
				autoComplete="off"
				autoCapitalize="none"
				maxLength={31}
				value={handle}
				error={error}
				onText={setHandle}
			/>
			<Submit isBusy={isBusy}>{texts.next}</Submit>
		</Form>
	);
}

function HowMuch({ recipient, onOther }: { readonly recipient: Recipient; readonly onOther: () => void }) {
	const texts = t().send;
	const { displayName, handle } = recipient;
	const [amount, setAmount] = useState(0);
	const [note, setNote] = useState("");
	const [error, setError] = useState<string>();
	const leave = useLeaving();
	const [isAsking, setAsking] = useState(false);
	const [isSending, setSending] = useState(false);
	const [isChecking, setChecking] = useState(false);
	const refuse = useRefusal("user.send", setError);
	const available = account.value?.available ?? 0;
	const ask = () => {
		if (isUnsettled.value) return;
		if (amount < 1) return setError(t().profile.wrong);
		if (amount > available) return setError(problemText({ code: "insufficient_credit", status: 409, title: "" }));
		setError(undefined);
		setAsking(true);
	};
	const send = async () => {
		if (isUnsettled.value) return;
		setSending(true);
		const said = { to: handle, amount, ...(note.trim() && { note: note.trim() }) };
		const done = await carryOut("user.send", said, () => setChecking(true)).finally(() => {
			setSending(false);
			setChecking(false);
		});
		setAsking(false);
		if (!done.ok) return refuse(done.problem, amount);
		toast(texts.done(displayName, amount));
		await readMe();
		leave("/");
	};
	const close = () => setAsking(false);
	return (
		<Form noValidate onSubmit={ask}>
			<div class="person">
				<span class="transaction-icon">
					<Icon name="user" />
				</span>
				<span class="transaction-what">
					<strong>{displayName}</strong>
					<span class="soft small">@{handle}</span>
				</span>
				<button type="button" class="button quiet small" onClick={onOther}>
					{texts.other}
				</button>
			</div>
			<AmountField
				label={texts.how(displayName)}
				value={amount}
				hint={texts.have(available)}
				error={error}
				onAmount={setAmount}
			/>
			<Field
				label={texts.note}
				hint={texts.noteHint}
				maxLength={140}
				autoComplete="off"
				value={note}
				onText={setNote}
			/>
			<Submit isBusy={isUnsettled.value}>{texts.next}</Submit>
			{isAsking && (
				<Dialog title={texts.review} isBusy={isSending} onClose={close}>
					<p class="question">{texts.sure(displayName, amount)}</p>
					<p class="soft small">{texts.irreversible}</p>
					{isChecking && <Checking text={t().checking} />}
					<div class="pair">
						<Button class="large" isDisabled={isSending} onPress={close}>
							{t().cancel}
						</Button>
						<Button look="primary" class="large" onPress={send}>
							{texts.submit}
						</Button>
					</div>
				</Dialog>
			)}
		</Form>
	);
}
