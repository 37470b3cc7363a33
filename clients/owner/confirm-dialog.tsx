import { useAction } from "../ui/action.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useFocus } from "../ui/effects.ts";
import { t } from "./texts.ts";

type Props = {
	readonly title: string;
	readonly text: string;
	/** What is done when it is confirmed. */
	readonly deed: string;
	readonly onConfirm: () => Promise<void>;
	readonly onClose: () => void;
};

export function ConfirmDialog({ title, text, deed, onConfirm, onClose }: Props) {
	// A second Enter must not confirm what the first one asked for.
	const stay = useFocus<HTMLButtonElement>();
	const [isBusy, confirm] = useAction(async () => {
		await onConfirm();
		onClose();
	});
	return (
		<Dialog title={title} isBusy={isBusy} onClose={onClose}>
			<p>{text}</p>
			<Button look="danger" class="wide" isDisabled={isBusy} onPress={confirm}>
				{isBusy && <span class="spinner" />}
				{deed}
			</Button>
			<button
				type="button"
				ref={stay}
				class="button quiet wide"
				aria-disabled={isBusy}
				onClick={isBusy ? undefined : onClose}
			>
				{t().cancel}
			</button>
		</Dialog>
	);
}
