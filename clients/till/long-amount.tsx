import { number } from "../ui/format.tsx";
import { language } from "../ui/i18n.ts";

/** A number that goes on below where it is too long for its place: between its groups of three, so that nobody reads two numbers. */
export function LongNumber({ value }: { readonly value: number }) {
	const [first, ...groups] = number(value).split(",");
	return (
		<span class="number long">
			{first}
			{groups.flatMap((group) => [",", <wbr />, group])}
		</span>
	);
}

export function LongAmount({ value }: { readonly value: number }) {
	return (
		<>
			<LongNumber value={value} />
			<span class="unit">{language.value === "ko" ? "닢" : " credit"}</span>
		</>
	);
}
