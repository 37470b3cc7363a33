import type { IncomingMessage } from "node:http";
import { fail } from "../errors.ts";

/** What comes behind the scheme (RFC 9110 11.4: in any case, and one space or more) of the one Authorization header. @throws unauthenticated */
export function credentialIn(req: IncomingMessage, wanted: string): string {
	const [, scheme, credential] = /^([^ ]+) +([^ ]+)$/.exec(onlyHeader(req, "authorization")) ?? [];
	if (scheme?.toLowerCase() !== wanted || !credential) throw fail("unauthenticated");
	return credential;
}

/** @throws unauthenticated when there is none, or several: which one counts must not depend on who reads them */
export function onlyHeader({ rawHeaders }: IncomingMessage, wanted: string): string {
	const found = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === wanted);
	if (found.length !== 1) throw fail("unauthenticated");
	return found[0] as string;
}
