import { useRef, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import type { Outcome } from "../sdk/problem.ts";
import { useAction } from "../ui/action.ts";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { Icon } from "../ui/icon.tsx";
import { problemText } from "../ui/problem-text.ts";
import { go, Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { Trouble } from "../ui/trouble.tsx";
import { useOnce } from "./once.ts";
import { call, loadStores, stores, trouble } from "./person.ts";
import { t } from "./texts.ts";

export function Stores() {
	return (
		<main class="page stack narrow-page">
			<Title app={t().name}>{t().stores}</Title>
			{trouble.value && <Trouble problem={trouble.value} again={loadStores} />}
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

type Stores = Result<"store.list">["items"];

type Known = Outcome<readonly { readonly id: string }[]>;

/** Those on the screen, where there are any. */
const storesNow = async (): Promise<Known> => {
	if (stores.value) return { ok: true, value: stores.value, isReplay: false };
	const found = await call("store.list", {});
	return found.ok ? { ...found, value: found.value.items } : found;
};

/** One of that name that was not there before. */
async function newStore(
	name: string,
	known: readonly { readonly id: string }[],
): Promise<Outcome<Stores[number] | undefined>> {
	const found = await call("store.list", {});
	if (!found.ok) return found;
	const isNew = (store: Stores[number]) => store.name === name && !known.some(({ id }) => id === store.id);
	return { ...found, value: found.value.items.find(isNew) };
}

function OpenStore() {
	const once = useOnce();
	const known = useRef<Known | null>(null);
	const [name, setName] = useState("");
	const [error, setError] = useState<string>();
	const [isBusy, open] = useAction(async () => {
		const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
		const said = { name: name.trim(), timeZone };
		// As they were before the first attempt.
		const before = known.current ?? (await storesNow());
		if (!before.ok) return setError(problemText(before.problem));
		known.current = before;
		const made = await once<{ id: string }>({
			create: () => call("store.create", said),
			find: () => newStore(said.name, before.value),
		});
		if (!made.ok) return setError(made.text);
		await loadStores();
		go(`/s/${made.value.id}/products`);
	});
	return (
		<Form
			class="card stack"
			noValidate
			onSubmit={() => {
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
		</Form>
	);
}
