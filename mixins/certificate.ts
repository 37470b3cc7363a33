import { isIP } from "node:net";
import { connect } from "node:tls";
import type { Metrics } from "./metrics.ts";

const LOOK_MS = 3_600_000;
const TIMEOUT_MS = 5_000;

/**
 * When the certificate ends that clients see at `PUBLIC_ORIGIN`, whoever it is that shows it: looked at now and each hour. Where the
 * origin has none, or cannot be reached from here, there is no value.
 */
export function watchCertificate(metrics: Metrics, publicOrigin: string): void {
	const { protocol, hostname, port } = new URL(publicOrigin);
	if (protocol !== "https:") return;
	let found: { readonly atMs: number; readonly endsAtMs: Promise<number | null> } | undefined;
	metrics.reads(
		"hannip_certificate_expiry_timestamp_seconds",
		"When the certificate ends that clients see",
		async () => {
			if (!found || found.atMs + LOOK_MS < Date.now())
				found = { atMs: Date.now(), endsAtMs: certificateEndsAtMs(hostname, Number(port || 443)).catch(() => null) };
			const endsAtMs = await found.endsAtMs;
			return endsAtMs && endsAtMs / 1_000;
		},
	);
}

/** Also of one that nobody should trust, such as one that has ended. @throws when nobody answers there */
export function certificateEndsAtMs(host: string, port: number): Promise<number> {
	const options = { host, port, rejectUnauthorized: false, timeout: TIMEOUT_MS };
	return new Promise((resolve, reject) => {
		const socket = connect({ ...options, ...(!isIP(host) && { servername: host }) }, () => {
			resolve(Date.parse(socket.getPeerCertificate().valid_to));
			socket.destroy();
		});
		socket.once("error", reject);
		socket.once("timeout", () => socket.destroy(new Error(`${host}:${port} does not answer`)));
	});
}
