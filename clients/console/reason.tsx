import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { t } from "./texts.ts";

type Props = {
	readonly title: string;
	readonly children?: ComponentChildren;
	/** @returns whether it was done; then the dialog ends */
	readonly onDo: (reason: string) => Promise<boolean>;
	readonly onClose: () => void;
};

/** Nothing is changed without a reason. */
export function Reason({ title, children, onDo, onClose }: Props) {
	const [reason, setReason] = useState("");
	const [isBusy, start] = useAction(async () => {
		if (await onDo(reason.trim())) onClose();
	});
	return (
		<Dialog title={title} onClose={onClose}>
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					start();
				}}
			>
				{children}
				<Field label={t().reason} hint={t().reasonHint} required maxLength={200} onText={setReason} />
				<Submit isBusy={isBusy}>{title}</Submit>
				<Button look="quiet" class="wide" onPress={onClose}>
					{t().cancel}
				</Button>
			</form>
		</Dialog>
	);
}
