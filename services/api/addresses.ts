/** Where a request can go: `:name` in the path stands for any value. */
export type Address = { readonly method: string; readonly path: string };

type Asked = { readonly method?: string | undefined; readonly url?: string | undefined };
type Used = { readonly method?: string | undefined; readonly parsedUrl?: string };

/** Whether a url has the form of a path. */
export function fits(path: string, url: string): boolean {
	const parts = url.split("/");
	const wanted = path.split("/");
	return wanted.length === parts.length && wanted.every((part, index) => part.startsWith(":") || part === parts[index]);
}

/** @returns how to find which of these a request goes to; of two that its url fits, the one that names more of it */
export function finderOf<To extends Address>(addresses: readonly To[]) {
	const named = ({ path }: To) => path.split("/").filter((part) => !part.startsWith(":")).length;
	const byForm = Map.groupBy(
		[...addresses].sort((left, right) => named(right) - named(left)),
		({ method, path }) => formOf(method, path),
	);
	return ({ method = "", url = "" }: Asked): To | undefined => {
		const [path = ""] = url.split("?", 1);
		return byForm.get(formOf(method, path))?.find((address) => fits(address.path, path));
	};
}

const formOf = (method: string, path: string): string => `${method} ${path.split("/").length}`;

/** The methods that there are at this url (RFC 9110 10.2.1: also HEAD) if the one that was used is not among them. */
export function otherMethods(addresses: readonly Address[], { parsedUrl = "", method = "" }: Used): string[] {
	const methods = new Set(addresses.filter(({ path }) => fits(path, parsedUrl)).map((address) => address.method));
	if (methods.has(method)) return [];
	if (methods.has("GET")) methods.add("HEAD");
	return [...methods];
}

export const filledIn = (path: string, values: object): string =>
	path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String((values as Record<string, unknown>)[name])));
