import { useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { basket } from "./order.ts";
import { t } from "./texts.ts";

export function NoteDialog({ onClose }: { readonly onClose: () => void }) {
	const [note, setNote] = useState(basket.value.note);
	return (
		<Dialog title={t().note} onClose={onClose}>
			<Form
				onSubmit={() => {
					basket.value = { ...basket.value, note: note.trim() };
					onClose();
				}}
			>
				<Field label={t().note} hint={t().noteHint} value={note} maxLength={140} onText={setNote} />
				<button type="submit" class="button primary wide">
					{t().save}
				</button>
				<Button look="quiet" onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}
