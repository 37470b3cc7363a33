import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Prepared } from "./client.ts";

/**
 * Sends a request and cuts the line as soon as its last byte is handed to the network: what a till lives through when the
 * Wi-Fi drops between the payment and its answer. The outcome cannot be known from here; that is the point.
 */
export function sendAndHangUp({ url, init }: Prepared): Promise<void> {
	const { method, headers, body = "" } = init;
	const open = url.startsWith("https:") ? requestHttps : requestHttp;
	return new Promise((resolve) => {
		const request = open(url, {
			method,
			headers: { ...headers, "content-length": Buffer.byteLength(body) },
			agent: false,
		});
		request.on("error", () => resolve());
		request.on("close", () => resolve());
		request.on("finish", () => request.destroy());
		request.end(body);
	});
}
