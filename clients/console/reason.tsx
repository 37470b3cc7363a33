import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Outcome, Problem } from "../sdk/problem.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { t } from "./texts.ts";

type Props = {
	readonly title: string;
	/** What the button says, where that is more than the title. */
	readonly deed?: string;
	readonly children?: ComponentChildren;
	/** @returns what became of it: when it was done, the dialog ends; null when what is wrong is said already */
	readonly onDo: (reason: string) => Promise<Outcome<unknown> | null>;
	readonly onClose: () => void;
};

/** Nothing is changed without a reason. */
export function Reason({ title, deed = title, children, onDo, onClose }: Props) {
	const [reason, setReason] = useState("");
	const [problem, setProblem] = useState<Problem | null>(null);
	const [isBusy, start] = useAction(async () => {
		setProblem(null);
		const outcome = await onDo(reason.trim());
		if (outcome?.ok) onClose();
		else if (outcome) setProblem(outcome.problem);
	});
	return (
		<Dialog title={title} isBusy={isBusy} onClose={onClose}>
			<Form onSubmit={start}>
				{children}
				<Field label={t().reason} hint={t().reasonHint} required maxLength={200} onText={setReason} />
				{problem && (
					<p class="notice danger" role="alert">
						{problemText(problem)}
					</p>
				)}
				<Submit isBusy={isBusy}>{deed}</Submit>
				<Button look="quiet" class="wide" isDisabled={isBusy} onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}
