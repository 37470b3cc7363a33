import { language } from "./i18n.ts";

/** Making a formatter costs a hundred times what using it does. */
const formatters = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function formatter<T extends Intl.NumberFormat | Intl.DateTimeFormat>(what: string, make: (locale: string) => T): T {
	const locale = language.value === "ko" ? "ko-KR" : "en-GB";
	const key = `${locale} ${what}`;
	const found = (formatters.get(key) as T | undefined) ?? make(locale);
	formatters.set(key, found);
	return found;
}

/** `1,234,500`, with a real minus. */
export const number = (amount: number): string =>
	formatter("number", (locale) => new Intl.NumberFormat(locale))
		// Without the sign of a negative zero.
		.format(amount || 0)
		.replace("-", "−");

/** The number and its unit as plain text, for sentences: `4,500닢`, `4,500 credit`. */
export const credit = (amount: number): string =>
	language.value === "ko" ? `${number(amount)}닢` : `${number(amount)} credit`;

/** Where it is too long for its place it goes on below between its groups of three: nobody reads two numbers. */
export const breakable = (figures: string) =>
	figures.split(/(?<=\d,)(?=\d)/).map((group, index) => [index > 0 && <wbr />, group]);

/** A sentence whose numbers are broken only where one is longer than a line. */
export const breakableIn = (text: string) =>
	text.split(/(\S*\d,\d\S*)/).map((part, index) =>
		index % 2 === 0 ? (
			part
		) : (
			<span key={index} class="figures">
				{breakable(part)}
			</span>
		),
	);

type AmountProps = {
	readonly value: number;
	/** `always` also says that it came in. */
	readonly sign?: "auto" | "always";
	/** `isLong`: it may go on below on any screen. */
	readonly isLong?: boolean;
};

/** An amount as it stands on a screen. */
export function Amount({ value, sign = "auto", isLong = false }: AmountProps) {
	return (
		<span class={isLong ? "number long" : "number"}>
			{sign === "always" && value > 0 ? "+" : ""}
			{breakable(number(value))}
			<span class="unit">{language.value === "ko" ? "닢" : " credit"}</span>
		</span>
	);
}

const dateText = (what: string, options: Intl.DateTimeFormatOptions) => (atMs: number) =>
	formatter(what, (locale) => new Intl.DateTimeFormat(locale, options)).format(atMs);

export const dayText = dateText("day", { month: "long", day: "numeric", weekday: "short" });
export const shortDayText = dateText("short day", { month: "short", day: "numeric" });
export const monthText = dateText("month", { year: "numeric", month: "long" });
export const timeText = dateText("time", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const momentText = dateText("moment", { dateStyle: "medium", timeStyle: "short" });
