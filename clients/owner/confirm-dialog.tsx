import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
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
	return (
		<Dialog title={title} onClose={onClose}>
			<p>{text}</p>
			<Button
				look="danger"
				class="wide"
				onPress={async () => {
					await onConfirm();
					onClose();
				}}
			>
				{deed}
			</Button>
			<Button look="quiet" class="wide" onPress={onClose}>
				{t().cancel}
			</Button>
		</Dialog>
	);
}
