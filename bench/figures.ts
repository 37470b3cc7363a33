/** Every bench ends with its figures, one line each, for people and programs: `figure NAME VALUE UNIT`; ratios have the unit `x`. */
export function printFigures(figures: Readonly<Record<string, readonly [value: number, unit: string]>>): void {
	console.log();
	for (const [name, [value, unit]] of Object.entries(figures)) console.log(`figure ${name} ${rounded(value)} ${unit}`);
}

/** Three digits are as many as a noisy machine has. */
const rounded = (value: number): string =>
	value >= 1_000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((left, right) => left - right);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
