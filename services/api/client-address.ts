import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import proxyAddr from "proxy-addr";

/**
 * Makes what tells where a request comes from, for limits: the peer, or what trusted proxies say of it, the nearest first. What anybody
 * else writes into `X-Forwarded-For` counts for nothing, and no other header does.
 *
 * @param trustedProxies addresses and ranges
 * @returns an IPv4 address as it is, of an IPv6 address the /64: whoever has one of these has all of them
 */
export function clientAddresses(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
	const isTrusted = proxyAddr.compile([...trustedProxies]);
	return (request) => {
		// It has none any more when the connection broke.
		if (!request.socket.remoteAddress) return "unknown";
		const nearestFirst = proxyAddr.all(request, isTrusted);
		// Where a proxy says something that is no address, what is known is the proxy.
		return nearestFirst.map(blockOf).findLast((block) => block !== undefined) ?? "unknown";
	};
}

/** Some proxies say the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:\[([\da-fA-F:.%\w]+)\]|([\d.]+))(?::\d{1,5})?$/;

function blockOf(text: string): string | undefined {
	const [, v6, v4] = WITH_PORT.exec(text) ?? [];
	const plain = v6 ?? v4 ?? text;
	// The library takes more for an address, such as `1` and `0x7f.1`.
	if (isIP(plain) === 0) return undefined;
	const address = ipaddr.process(plain);
	if (address.kind() === "ipv4") return address.toString();
	const bytes = address.toByteArray().map((byte, index) => (index < 8 ? byte : 0));
	return `${ipaddr.fromByteArray(bytes).toString()}/64`;
}
