import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { momentText } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { call } from "./person.ts";
import { t } from "./texts.ts";

export function Staff({ storeId }: { readonly storeId: string }) {
	const staff = useLoaded(() => call("store.listStaff", { storeId }), storeId);
	const [handle, setHandle] = useState("");
	const [error, setError] = useState<string>();
	const [leaving, setLeaving] = useState<string | null>(null);
	const [isBusy, add] = useAction(async () => {
		const outcome = await call("store.addStaff", { storeId, handle: handle.trim().replace(/^@/, "") });
		if (!outcome.ok)
			return setError(outcome.problem.code === "not_found" ? t().noSuchPerson : problemText(outcome.problem));
		setHandle("");
		toast(t().saved);
		await staff.again();
	});
	return (
		<main class="page stack narrow-page">
			<Title app={t().name}>{t().staff}</Title>
			<Form
				class="card row form-row"
				noValidate
				onSubmit={() => {
					setError(undefined);
					add();
				}}
			>
				<Field
					label={t().staffHandle}
					value={handle}
					autoComplete="off"
					autoCapitalize="none"
					maxLength={31}
					error={error}
					onText={setHandle}
				/>
				<button type="submit" class="button primary" aria-busy={isBusy} aria-disabled={isBusy}>
					{t().addStaff}
				</button>
			</Form>
			<Loaded of={staff}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty icon="user" text={t().noStaff} />
					) : (
						<ul class="list card">
							{items.map((member) => (
								<li key={member.handle} class="entry">
									<div>
										<strong>@{member.handle}</strong>
										<p class="soft small">{t().addedAt(momentText(member.addedAtMs))}</p>
									</div>
									<Button class="small-button" onPress={() => setLeaving(member.handle)}>
										{t().remove}
									</Button>
								</li>
							))}
						</ul>
					)
				}
			</Loaded>
			{leaving && (
				<ConfirmDialog
					title={t().remove}
					text={t().removeStaffText(leaving)}
					deed={t().remove}
					onClose={() => setLeaving(null)}
					onConfirm={async () => {
						const outcome = await call("store.removeStaff", { storeId, handle: leaving });
						const said = outcome.ok ? t().removedStaff(leaving) : problemText(outcome.problem);
						toast(said, outcome.ok ? "plain" : "danger");
						await staff.again();
					}}
				/>
			)}
		</main>
	);
}
