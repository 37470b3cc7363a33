import { createParser } from "eventsource-parser";
import type { Result } from "../../services/actions.ts";
import { pause } from "../sdk/pause.ts";
import type { WalletClient } from "../sdk/wallet-client.ts";
import type { Account, Transaction } from "./wallet.ts";

type Told = {
	readonly onAccount: (account: Account) => void;
	readonly onTransaction: (transaction: Transaction) => void;
};

export type Feed = { stop(): void };

const PATH = "/v1/me/events";
const AGAIN_MS = 1_000;
/** How often it is asked where streams do not come through. */
const POLL_MS = 2_500;
/** A stream says something at least every 15 s. */
const SILENCE_MS = 25_000;
/** After so many streams that said nothing, something on the way does not let them through. */
const SILENT_MAX = 2;

/**
 * What happens in the wallet, the moment it happens: by server-sent events, read with `fetch`, since each request needs its proof. It goes
 * on behind the last thing that it heard, whatever broke in between; where streams do not come through, it asks every few seconds.
 */
export function followEvents(client: WalletClient, told: Told): Feed {
	const stopping = new AbortController();
	void follow(client, told, stopping.signal);
	return { stop: () => stopping.abort() };
}

async function follow(client: WalletClient, told: Told, stop: AbortSignal): Promise<void> {
	let cursor: string | undefined;
	let silent = 0;
	while (!stop.aborted) {
		await visible(stop);
		if (stop.aborted) return;
		if (silent >= SILENT_MAX) {
			cursor = await poll(client, told, cursor, stop);
			await pause(POLL_MS, stop);
			continue;
		}
		const heard = await listen(client, told, cursor, stop);
		cursor = heard.cursor ?? cursor;
		silent = heard.isSilent ? silent + 1 : 0;
		await pause(AGAIN_MS, stop);
	}
}

async function listen(client: WalletClient, told: Told, after: string | undefined, stop: AbortSignal) {
	const connection = new AbortController();
	const end = () => connection.abort();
	stop.addEventListener("abort", end);
	let cursor = after;
	let heard = false;
	let isConnected = false;
	let quiet = setTimeout(end, SILENCE_MS);
	const parser = createParser({
		onEvent: ({ event, id, data }) => {
			cursor = id ?? cursor;
			if (event === "account") told.onAccount(JSON.parse(data) as Account);
			if (event === "transaction") told.onTransaction(JSON.parse(data) as Transaction);
		},
	});
	try {
		const headers = { accept: "text/event-stream", ...(after && { "last-event-id": after }) };
		const answer = await client.stream(PATH, headers, connection.signal);
		if (!answer.ok || !answer.body) return { cursor, isSilent: false };
		isConnected = true;
		const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
		for (let part = await reader.read(); !part.done; part = await reader.read()) {
			heard = true;
			clearTimeout(quiet);
			quiet = setTimeout(end, SILENCE_MS);
			parser.feed(part.value);
		}
	} catch {
		// It broke: the next one goes on where this one ended.
	} finally {
		clearTimeout(quiet);
		stop.removeEventListener("abort", end);
		end();
	}
	// What could not be reached at all says nothing about streams.
	return { cursor, isSilent: isConnected && !heard };
}

async function poll(client: WalletClient, told: Told, after: string | undefined, signal: AbortSignal) {
	const read = await client.call("user.listEvents", after === undefined ? {} : { after }, { signal });
	if (!read.ok) return after;
	const page: Result<"user.listEvents"> = read.value;
	for (const { cursor: _, ...transaction } of page.items) told.onTransaction(transaction);
	told.onAccount(page.account);
	return page.cursor;
}

/** A phone in a pocket need not be told: it asks for what it missed when it is looked at. */
function visible(stop: AbortSignal): Promise<void> {
	if (document.visibilityState === "visible") return Promise.resolve();
	return new Promise((resolve) => {
		const go = () => {
			document.removeEventListener("visibilitychange", go);
			resolve();
		};
		document.addEventListener("visibilitychange", go);
		stop.addEventListener("abort", go);
	});
}
