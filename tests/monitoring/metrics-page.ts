/** A page of metrics, read as Prometheus reads it. */
export type Sample = {
	readonly name: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
};

export async function readPage(probesUrl: string): Promise<{ text: string; samples: readonly Sample[] }> {
	const response = await fetch(`${probesUrl}/metrics`);
	const text = await response.text();
	if (!response.ok) throw new Error(`${response.status}: ${text}`);
	const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
	return { text, samples: lines.map(sampleOf) };
}

function sampleOf(line: string): Sample {
	const [, name = "", labels = "", value] = /^([\w:]+)(?:\{(.*?)\})? (\S+)(?: # .*)?$/.exec(line) ?? [];
	if (value === undefined) throw new Error(`not a sample: ${line}`);
	const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
	return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}

/** The sum of all samples of this name that have these labels. */
export const sumOf = (
	samples: readonly Sample[],
	name: string,
	labels: Readonly<Record<string, string>> = {},
): number =>
	samples
		.filter((sample) => sample.name === name)
		.filter((sample) => Object.entries(labels).every(([key, text]) => sample.labels[key] === text))
		.reduce((sum, { value }) => sum + value, 0);
