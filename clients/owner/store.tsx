import { useId, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { Looks } from "../ui/looks.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { call, leave, loadStores } from "./person.ts";
import { t } from "./texts.ts";

export function Store({ storeId }: { readonly storeId: string }) {
	const store = useLoaded(() => call("store.get", { storeId }), storeId);
	return (
		<main class="page stack narrow-page">
			<Title app={t().name}>{t().store}</Title>
			<Loaded of={store}>{(found) => <Edit store={found} />}</Loaded>
			{(store.value || store.problem) && <Device />}
		</main>
	);
}

function Device() {
	return (
		<>
			<div class="card stack">
				<Looks titled />
			</div>
			<Button
				onPress={async () => {
					const outcome = await leave();
					if (!outcome.ok) toast(problemText(outcome.problem), "danger");
				}}
			>
				{t().logout}
			</Button>
		</>
	);
}

function Edit({ store }: { readonly store: Result<"store.get"> }) {
	const [name, setName] = useState(store.name);
	const [registration, setRegistration] = useState(store.registration ?? "");
	const [place, setPlace] = useState(store.place ?? "");
	const [timeZone, setTimeZone] = useState(store.timeZone);
	const [errors, setErrors] = useState<{ readonly name?: string; readonly timeZone?: string }>({});
	const zones = useId();
	const [isBusy, save] = useAction(async () => {
		const outcome = await call("store.edit", {
			storeId: store.id,
			name: name.trim(),
			timeZone: timeZone.trim(),
			registration: registration.trim() || null,
			place: place.trim() || null,
		});
		if (!outcome.ok) {
			const [first] = outcome.problem.errors ?? [];
			const isZone = first?.at === "timeZone";
			return setErrors(isZone ? { timeZone: t().timeZoneWrong } : { name: problemText(outcome.problem) });
		}
		toast(t().saved);
		await loadStores();
	});
	return (
		<Form
			class="card stack"
			noValidate
			onSubmit={() => {
				setErrors({});
				save();
			}}
		>
			<Field
				label={t().storeName}
				hint={t().storeNameHint}
				value={name}
				maxLength={60}
				error={errors.name}
				onText={setName}
			/>
			<Field
				label={t().registration}
				hint={t().receiptHint}
				value={registration}
				maxLength={40}
				onText={setRegistration}
			/>
			<Field label={t().place} hint={t().receiptHint} value={place} maxLength={120} onText={setPlace} />
			<Field
				{...({ list: zones } as object)}
				label={t().timeZone}
				value={timeZone}
				maxLength={40}
				autoCapitalize="none"
				error={errors.timeZone}
				onText={setTimeZone}
			/>
			<datalist id={zones}>
				{Intl.supportedValuesOf("timeZone").map((zone) => (
					<option key={zone} value={zone} />
				))}
			</datalist>
			<Submit isBusy={isBusy}>{t().save}</Submit>
		</Form>
	);
}
