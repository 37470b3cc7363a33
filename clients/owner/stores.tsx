import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Icon } from "../ui/icon.tsx";
import { problemText } from "../ui/problem-text.ts";
import { go, Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { call, loadStores, stores, trouble } from "./person.ts";
import { t } from "./texts.ts";

export function Stores() {
	return (
		<main class="page stack narrow-page">
			<Title app={t().name}>{t().stores}</Title>
			{trouble.value && (
				<div class="notice danger" role="alert">
					<span>{problemText(trouble.value)}</span>
					<Button class="small-button" onPress={loadStores}>
						{t().again}
					</Button>
				</div>
			)}
			{stores.value?.length === 0 && <Empty icon="shop" text={t().noStores} />}
			{stores.value && stores.value.length > 0 && (
				<ul class="list card">
					{stores.value.map(({ id, name, role }) => (
						<li key={id}>
							<Link to={role === "owner" ? `/s/${id}/report` : `/s/${id}/staff-only`} class="store-link">
								<Icon name="shop" />
								<strong>{name}</strong>
								<span class="tag">{role === "owner" ? t().owner : t().staffRole}</span>
							</Link>
						</li>
					))}
				</ul>
			)}
			{stores.value || trouble.value ? <OpenStore /> : <div class="skeleton tall" aria-busy="true" />}
		</main>
	);
}

function OpenStore() {
	const [name, setName] = useState("");
	const [error, setError] = useState<string>();
	const [isBusy, open] = useAction(async () => {
		const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
		const outcome = await call("store.create", { name: name.trim(), timeZone });
		if (!outcome.ok) return setError(problemText(outcome.problem));
		await loadStores();
		go(`/s/${outcome.value.id}/products`);
	});
	return (
		<form
			class="card stack"
			noValidate
			onSubmit={(event) => {
				event.preventDefault();
				setError(undefined);
				open();
			}}
		>
			<h2>{t().open}</h2>
			<Field
				label={t().storeName}
				hint={t().storeNameHint}
				value={name}
				maxLength={60}
				error={error}
				onText={setName}
			/>
			<button type="submit" class="button primary wide" aria-busy={isBusy} aria-disabled={isBusy}>
				{t().open}
			</button>
		</form>
	);
}
