/** Where a request can go: `:name` in the path stands for any value. */
export type Address = { readonly method: string; readonly path: string };

type Asked = { readonly method?: string | undefined; readonly url?: string | undefined };
type Used = { readonly method?: string | undefined; readonly parsedUrl?: string };

const partsOf = (path: string): readonly string[] => path.split("/");

const fitsParts = (wanted: readonly string[], parts: readonly string[]): boolean =>
	wanted.length === parts.length && wanted.every((part, index) => part.startsWith(":") || part === parts[index]);

/** Whether a url has the form of a path. */
export const fits = (path: string, url: string): boolean => fitsParts(partsOf(path), partsOf(url));

/** @returns how to find which of these a request goes to; of two that its url fits, the one that names more of it */
export function finderOf<To extends Address>(addresses: readonly To[]) {
	const known = addresses.map((address) => ({ address, parts: partsOf(address.path) }));
	const named = ({ parts }: { parts: readonly string[] }) => parts.filter((part) => !part.startsWith(":")).length;
	const byForm = Map.groupBy(
		known.sort((left, right) => named(right) - named(left)),
		({ address, parts }) => formOf(address.method, parts),
	);
	return ({ method = "", url = "" }: Asked): To | undefined => {
		const end = url.indexOf("?");
		const parts = partsOf(end === -1 ? url : url.slice(0, end));
		return byForm.get(formOf(method, parts))?.find((each) => fitsParts(each.parts, parts))?.address;
	};
}

const formOf = (method: string, parts: readonly string[]): string => `${method} ${parts.length}`;

/** The methods that there are at this url (RFC 9110 10.2.1: also HEAD) if the one that was used is not among them. */
export function otherMethods(addresses: readonly Address[], { parsedUrl = "", method = "" }: Used): string[] {
	const methods = new Set(addresses.filter(({ path }) => fits(path, parsedUrl)).map((address) => address.method));
	if (methods.has(method)) return [];
	if (methods.has("GET")) methods.add("HEAD");
	return [...methods];
}

export const filledIn = (path: string, values: object): string =>
	path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String((values as Record<string, unknown>)[name])));
