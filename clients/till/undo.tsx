import { useFocus } from "../ui/effects.ts";
import { t } from "./texts.ts";

/** Says what was thrown away, in its place, and takes it back. The focus comes here: what was pressed is gone. */
export function Undo({ text, onUndo }: { readonly text: string; readonly onUndo: () => void }) {
	const button = useFocus<HTMLButtonElement>();
	return (
		<div class="undo">
			<p id="undo-text">{text}</p>
			<button ref={button} type="button" class="button small-button" aria-describedby="undo-text" onClick={onUndo}>
				{t().undo}
			</button>
		</div>
	);
}
