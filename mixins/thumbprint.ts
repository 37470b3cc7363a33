/** What a key's thumbprint is the hash of (RFC 7638 3): these members, in this order, without spaces. Here alone, for every runtime that hashes. */
export const thumbprintInput = ({ x, y }: { readonly x: string; readonly y: string }): string =>
	`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`;
