import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export type Options = {
	readonly url: string;
	readonly internalUrl: string;
	readonly customers: number;
	readonly sales: number;
	readonly seed: number;
	readonly help: boolean;
};

export const help = `Plays a shop's day against a running Hannip, through HTTP, and checks every coin of it.

  npm run demo                        against http://127.0.0.1:3000, started by \`npm start\` in another shell
  npm run demo -- --url URL           against another one

  --url URL            the public port                          (http://127.0.0.1:3000)
  --internal-url URL   the operators' port, for the audit       (the next port, http://127.0.0.1:3001)
  --customers N        how many people buy, 2 to 200            (8)
  --sales N            how many baskets are sold, 2 to 10000    (24)
  --seed N             chooses the baskets: the same seed, the same day
  --help               this

It can be run again and again: every run signs up new people and opens a new shop.
Exits with 0 only if every step and the audit hold.`;

export class OptionsError extends Error {}

/** @throws OptionsError that says which option is wrong */
export function readOptions(args: readonly string[]): Options {
	const values = parse(args);
	const url = address("--url", values.url);
	return {
		url,
		internalUrl: address("--internal-url", values["internal-url"] ?? nextPort(url)),
		customers: whole("--customers", values.customers, { min: 2, max: 200 }),
		sales: whole("--sales", values.sales, { min: 2, max: 10_000 }),
		seed: values.seed === undefined ? randomInt(1_000_000) : whole("--seed", values.seed, { min: 0, max: 2 ** 32 - 1 }),
		help: values.help,
	};
}

function parse(args: readonly string[]) {
	try {
		return parseArgs({
			args: [...args],
			options: {
				url: { type: "string", default: "http://127.0.0.1:3000" },
				"internal-url": { type: "string" },
				customers: { type: "string", default: "8" },
				sales: { type: "string", default: "24" },
				seed: { type: "string" },
				help: { type: "boolean", default: false },
			},
		}).values;
	} catch (error) {
		throw new OptionsError((error as Error).message);
	}
}

function whole(name: string, text: string, { min, max }: { min: number; max: number }): number {
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= min && value <= max) return value;
	throw new OptionsError(`${name} ${text} is not a whole number from ${min} to ${max}`);
}

/** A fixed default would audit another platform than the one that was named. */
function nextPort(url: string): string {
	const { protocol, hostname, port } = new URL(url);
	return `${protocol}//${hostname}:${Number(port || (protocol === "https:" ? 443 : 80)) + 1}`;
}

function address(name: string, text: string): string {
	if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, "");
	throw new OptionsError(`${name} ${text} is not an address such as http://127.0.0.1:3000`);
}
