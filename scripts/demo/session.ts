import { newDeviceKey } from "../../clients/sdk/device-key.ts";
import { Prover } from "../../clients/sdk/prover.ts";
import { bodyOf, type Client, createClient } from "./client.ts";

type Credentials = { readonly handle: string; readonly password: string };

/** Renewed this long before it ends, so that no request arrives with a token that has just expired. */
const MARGIN_MS = 30_000;

/** Logs in and returns a client that acts for this person; a long day outlives the access token, so it logs in again in time. */
export async function logIn(guest: Client, url: string, { handle, password }: Credentials): Promise<Client> {
	const prover = new Prover(await newDeviceKey(), await originAt(guest));
	const device = createClient(url, { prover });
	let accessToken = "";
	let endsAtMs = 0;
	const renew = async () => {
		const answer = await device.post<"auth.login">("/v1/sessions", { handle, password }, { repeatable: true });
		const tokens = bodyOf(answer);
		accessToken = tokens.accessToken;
		endsAtMs = performance.now() + tokens.expiresInS * 1_000 - MARGIN_MS;
	};
	await renew();
	return createClient(url, {
		prover,
		accessToken: async () => {
			if (performance.now() >= endsAtMs) await renew();
			return accessToken;
		},
	});
}

/** How the platform names itself: what is proven is an address as it knows it, wherever it was reached. */
async function originAt(guest: Client): Promise<string> {
	const { servers } = bodyOf(await guest.get("/openapi.json")) as unknown as { servers: { url: string }[] };
	return String(servers[0]?.url);
}
