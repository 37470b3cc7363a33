import { createHmac, hkdfSync } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { type RequestFilteringAgentOptions, useAgent } from "request-filtering-agent";

/** How long a receiver may take to answer. */
const TIMEOUT_MS = 10_000;
/** Early hints and the like, before an answer: whoever sends them without end would keep this process busy until the time is over. */
const INFORMATION_MAX = 16;

/**
 * The secret that a webhook and its receiver share, as Standard Webhooks writes it. It is kept nowhere: it is derived from the platform's
 * (HKDF, RFC 5869), and a new generation is another one.
 */
export const secretOf = (platformSecret: string, { _id, generation }: { _id: string; generation: number }): string =>
	`whsec_${Buffer.from(hkdfSync("sha256", platformSecret, "", `hannip: webhook ${_id} ${generation}`, 32)).toString("base64")}`;

/** What came of a request. */
export type Answered = {
	/** Null when there was no answer. */
	readonly status: number | null;
	/** Why it does not count as received; null when it does. */
	readonly error: string | null;
	/** How long the receiver asked to be left alone. */
	readonly retryAfterS: number | null;
	readonly tookMs: number;
};

export type Sending = {
	readonly url: string;
	/** Of the event: the receiver knows by it what it had already. */
	readonly id: string;
	readonly body: string;
	/** More than one while the secret is being changed. */
	readonly secrets: readonly string[];
	readonly signal: AbortSignal;
	/** Whether it may be an address that only this network knows. */
	readonly anyTarget: boolean;
	readonly timeoutMs?: number;
};

/**
 * Sends one event as Standard Webhooks says (standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature`. Only 2xx counts
 * as received; no redirection is followed, and nothing of the answer is kept but its status.
 *
 * **Whom it reaches.** Whoever registers a webhook chooses where our servers send to. So where the request really goes, after the name was
 * resolved, must be a public address: neither this machine, nor this network, nor a cloud's metadata.
 */
export async function send({ timeoutMs = TIMEOUT_MS, ...sending }: Sending): Promise<Answered> {
	const began = performance.now();
	const signal = AbortSignal.any([sending.signal, AbortSignal.timeout(timeoutMs)]);
	const outcome = await exchange(sending, signal).then(
		({ status, retryAfter }) => ({
			status,
			error: status >= 200 && status < 300 ? null : `answered ${status}`,
			retryAfterS: /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null,
		}),
		(error: unknown) => ({
			status: null,
			error: wordsFor(signal.aborted ? signal.reason : error),
			retryAfterS: null,
		}),
	);
	return { ...outcome, tookMs: Math.round(performance.now() - began) };
}

/**
 * Names are asked for by DNS itself. The system's own look-up keeps one of the process' few threads until it is answered, also when nobody
 * waits any more: a few owners with name servers that are silent would keep everybody else's receivers from being found.
 */
export const names = new Resolver({ timeout: 2_000, tries: 2 });

const lookUp: LookupFunction = (hostname, { all }, done) => {
	Promise.allSettled([names.resolve4(hostname), names.resolve6(hostname)]).then(([four, six]) => {
		const found = [four, six].flatMap((each, index) =>
			each.status === "fulfilled" ? each.value.map((address) => ({ address, family: index === 0 ? 4 : 6 })) : [],
		);
		const [first] = found;
		if (!first) done(four.status === "rejected" ? four.reason : new Error("no address"), all ? [] : "");
		else if (all) done(null, found);
		else done(null, first.address, first.family);
	});
};

function exchange({ url, id, body, secrets, anyTarget }: Sending, signal: AbortSignal) {
	const timestampS = Math.floor(Date.now() / 1_000);
	const headers = {
		"content-type": "application/json",
		"content-length": Buffer.byteLength(body),
		"user-agent": "Hannip-Webhooks",
		"webhook-id": id,
		"webhook-timestamp": timestampS,
		"webhook-signature": secrets.map((secret) => signatureOf({ id, timestampS, body, secret })).join(" "),
	};
	return new Promise<{ status: number; retryAfter: string }>((resolve, reject) => {
		const request = url.startsWith("https:") ? httpsRequest : httpRequest;
		const agent = useAgent(url, anyTarget ? anywhere : {});
		// In a network of one's own, names may be known to this machine only.
		const lookup = anyTarget ? {} : { lookup: lookUp };
		const outgoing = request(url, { method: "POST", headers, agent, signal, ...lookup });
		const answer = (incoming: IncomingMessage) => {
			resolve({ status: incoming.statusCode ?? 0, retryAfter: incoming.headers["retry-after"] ?? "" });
			// Whatever else it says, for as long as it likes.
			outgoing.destroy();
		};
		let informed = 0;
		outgoing.on("information", () => {
			informed += 1;
			if (informed > INFORMATION_MAX) outgoing.destroy(new Error("nothing but information"));
		});
		outgoing.once("response", answer);
		// Without a listener for it Node gives up a request that is answered 101, and tells nobody.
		outgoing.once("upgrade", (incoming, socket) => {
			answer(incoming);
			socket.destroy();
		});
		outgoing.once("error", reject);
		// The last two are for whatever else ends in silence: a place among those on their way is given back in any case.
		outgoing.once("close", () => reject(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" })));
		signal.addEventListener("abort", () => reject(signal.reason), { once: true });
		outgoing.end(body);
	});
}

const anywhere: RequestFilteringAgentOptions = { allowPrivateIPAddress: true, allowMetaIPAddress: true };

function signatureOf({
	id,
	timestampS,
	body,
	secret,
}: {
	id: string;
	timestampS: number;
	body: string;
	secret: string;
}) {
	const key = Buffer.from(secret.slice("whsec_".length), "base64");
	return `v1,${createHmac("sha256", key).update(`${id}.${timestampS}.${body}`).digest("base64")}`;
}

/** For the store's owner: nothing of our network, and no address that a name was resolved to. */
function wordsFor(error: unknown): string {
	const { name, code = "", message } = error as Error & { code?: string };
	if (name === "TimeoutError") return "did not answer in time";
	if (name === "AbortError") return "was broken off, and comes again";
	if (/is not allowed/.test(message)) return "is not a public address";
	return (
		words[code] ??
		(/^(ERR_TLS|ERR_SSL|CERT|DEPTH|SELF|UNABLE)/.test(code)
			? "has no certificate that is good"
			: "could not be reached")
	);
}

const words: Record<string, string> = {
	ECONNREFUSED: "refused the connection",
	ECONNRESET: "broke the connection off",
	ENOTFOUND: "is not known by this name",
	ENODATA: "is not known by this name",
	ESERVFAIL: "is not known by this name just now",
	ETIMEOUT: "is not known by this name just now",
	EAI_AGAIN: "is not known by this name just now",
};
