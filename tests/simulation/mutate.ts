import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A part of the ledger, or of what it stands on, that is wrong on purpose. */
export type Mutation = {
	readonly file: string;
	/** What the file says once. */
	readonly from: string;
	readonly to: string;
};

const root = resolve(import.meta.dirname, "../..");

/** Changes a file as it is loaded, in this thread only. @throws when that is loaded if it does not say what is to be changed */
export function mutate({ file, from, to }: Mutation): void {
	const wanted = pathToFileURL(resolve(root, file)).href;
	registerHooks({
		load(url, context, nextLoad) {
			const loaded = nextLoad(url, context);
			if (url !== wanted) return loaded;
			const parts = String(loaded.source).split(from);
			if (parts.length !== 2) throw new Error(`${file} says ${parts.length - 1} times: ${from}`);
			return { ...loaded, source: parts.join(to) };
		},
	});
}
