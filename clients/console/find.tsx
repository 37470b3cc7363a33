import { useLayoutEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { type Outcome, type Problem, refused } from "../sdk/problem.ts";
import { Submit } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { go, pathPart } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { Account } from "./account.tsx";
import { outcomeOf } from "./operator.ts";
import { Payment } from "./payment.tsx";
import { t } from "./texts.ts";

type Found = {
	readonly account: Result<"operator.account"> | null;
	readonly payment: Result<"operator.payment"> | null;
};

const MISSING: readonly Problem["code"][] = ["account_not_found", "not_found", "validation_failed"];

/** What has a dot is a payment's id, unless it is a handle. */
async function find(id: string): Promise<Outcome<Found>> {
	const account = await outcomeOf("operator.account", { id });
	if (account.ok) return found({ account: account.value, payment: null });
	if (!MISSING.includes(account.problem.code)) return account;
	const payment = await outcomeOf("operator.payment", { id });
	if (payment.ok) return found({ account: null, payment: payment.value });
	// That it cannot be found out is not that there is none.
	return MISSING.includes(payment.problem.code) ? found({ account: null, payment: null }) : refused(payment.problem);
}

const found = (value: Found): Outcome<Found> => ({ ok: true, value, isReplay: false });

export default function Find() {
	const id = pathPart(1);
	const [text, setText] = useState(id);
	// Also after a link, or Back; before anybody can have written anything.
	useLayoutEffect(() => setText(id), [id]);
	return (
		<main class="stack">
			<Title app={t().name}>{t().find}</Title>
			<Form
				class="card row search"
				onSubmit={() => {
					if (text.trim()) go(`/find/${encodeURIComponent(text.trim())}`);
				}}
			>
				<Field
					label={t().findLabel}
					hint={t().findHint}
					type="search"
					value={text}
					autoCapitalize="none"
					onText={setText}
				/>
				<Submit isBusy={false}>{t().find}</Submit>
			</Form>
			{id && <FindOne key={id} id={id} />}
		</main>
	);
}

/** One thing from beginning to end: what is asked of another shows nothing here, and its dialogs are not for this one. */
function FindOne({ id }: { readonly id: string }) {
	const one = useLoaded(() => find(id), id);
	return (
		<Loaded of={one}>
			{({ account, payment }) => (
				<>
					{account && <Account found={account} onChanged={one.again} />}
					{payment && <Payment found={payment} />}
					{!account && !payment && <Empty icon="search" text={t().nothingFound} />}
				</>
			)}
		</Loaded>
	);
}
