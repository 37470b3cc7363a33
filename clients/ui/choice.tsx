import { useId } from "preact/hooks";

type Props<Value extends string> = {
	readonly label: string;
	readonly value: Value;
	readonly options: readonly (readonly [value: Value, text: string])[];
	readonly onChoose: (value: Value) => void;
};

/** One of a few that are all seen at once. */
export function Choice<Value extends string>({ label, value, options, onChoose }: Props<Value>) {
	const name = useId();
	return (
		<fieldset class="choice">
			<legend class="hidden-text">{label}</legend>
			{options.map(([each, text]) => (
				<label key={each}>
					<input type="radio" name={name} value={each} checked={each === value} onChange={() => onChoose(each)} />
					{text}
				</label>
			))}
		</fieldset>
	);
}
