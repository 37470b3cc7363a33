/** Where a request can go: `:name` in the path stands for any value. */
export type Address = { readonly method: string; readonly path: string };

type Used = { readonly method?: string | undefined; readonly parsedUrl?: string };

/** Whether a url has the form of a path. */
export function fits(path: string, url: string): boolean {
	const parts = url.split("/");
	const wanted = path.split("/");
	return wanted.length === parts.length && wanted.every((part, index) => part.startsWith(":") || part === parts[index]);
}

/** The methods that there are at this url (RFC 9110 10.2.1: also HEAD) if the one that was used is not among them. */
export function otherMethods(addresses: readonly Address[], { parsedUrl = "", method = "" }: Used): string[] {
	const methods = new Set(addresses.filter(({ path }) => fits(path, parsedUrl)).map((address) => address.method));
	if (methods.has(method)) return [];
	if (methods.has("GET")) methods.add("HEAD");
	return [...methods];
}

export const filledIn = (path: string, values: object): string =>
	path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String((values as Record<string, unknown>)[name])));
