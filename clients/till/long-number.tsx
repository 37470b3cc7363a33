import { breakable, number } from "../ui/format.tsx";

/** A number that goes on below where it is too long for its place. */
export function LongNumber({ value }: { readonly value: number }) {
	return <span class="number long">{breakable(number(value))}</span>;
}
