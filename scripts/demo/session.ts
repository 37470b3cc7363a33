import { bodyOf, type Client, createClient } from "./client.ts";

type Credentials = { readonly handle: string; readonly password: string };

/** Renewed this long before it ends, so that no request arrives with a token that has just expired. */
const MARGIN_MS = 30_000;

/** Logs in and returns a client that acts for this person; a long day outlives the access token, so it logs in again in time. */
export async function logIn(guest: Client, url: string, { handle, password }: Credentials): Promise<Client> {
	let accessToken = "";
	let endsAtMs = 0;
	const renew = async () => {
		const answer = await guest.post<"auth.login">("/v1/sessions", { handle, password }, { repeatable: true });
		const tokens = bodyOf(answer);
		accessToken = tokens.accessToken;
		endsAtMs = performance.now() + tokens.expiresInS * 1_000 - MARGIN_MS;
	};
	await renew();
	return createClient(url, async () => {
		if (performance.now() >= endsAtMs) await renew();
		return accessToken;
	});
}
