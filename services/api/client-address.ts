import type { IncomingMessage } from "node:http";
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
		if (!request.socket.remoteAddress) return "unknown";
		return blockOf(proxyAddr(request, isTrusted));
	};
}

function blockOf(text: string): string {
	if (!ipaddr.isValid(text)) return "unknown";
	const address = ipaddr.process(text);
	if (address.kind() === "ipv4") return address.toString();
	const bytes = address.toByteArray().map((byte, index) => (index < 8 ? byte : 0));
	return `${ipaddr.fromByteArray(bytes).toString()}/64`;
}
