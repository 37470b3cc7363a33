import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { clientAddresses } from "./client-address.ts";

/** As much of a request as there is to see. */
const from = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
	({
		socket: { remoteAddress },
		headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
	}) as IncomingMessage;

test("without trusted proxies it is the peer, whatever is said", () => {
	const addressOf = clientAddresses([]);
	assert.equal(addressOf(from("203.0.113.7")), "203.0.113.7");
	assert.equal(addressOf(from("203.0.113.7", "198.51.100.1")), "203.0.113.7");
	assert.equal(addressOf(from("::ffff:203.0.113.7")), "203.0.113.7");
	assert.equal(addressOf(from(undefined)), "unknown");
});

test("of IPv6 it is the network", () => {
	const addressOf = clientAddresses([]);
	const one = addressOf(from("2001:db8:1:2:aaaa::1"));
	assert.equal(one, "2001:db8:1:2:0:0:0:0/64".replace(/(:0)+\/64$/, "::/64"));
	assert.equal(addressOf(from("2001:db8:1:2:ffff::9")), one);
	assert.notEqual(addressOf(from("2001:db8:1:3::1")), one);
});

test("behind trusted proxies it is the last address that none of them is", () => {
	const addressOf = clientAddresses(["10.0.0.0/8", "fd00::/8"]);
	assert.equal(addressOf(from("10.1.2.3", "203.0.113.7")), "203.0.113.7");
	assert.equal(addressOf(from("10.1.2.3", "198.51.100.9, 203.0.113.7, 10.9.9.9")), "203.0.113.7");
	assert.equal(addressOf(from("fd00::1", "203.0.113.7")), "203.0.113.7");
	assert.equal(addressOf(from("192.0.2.1", "203.0.113.7")), "192.0.2.1");
	assert.equal(addressOf(from("10.1.2.3")), "10.1.2.3");
});

test("what is no address counts for nothing", () => {
	const addressOf = clientAddresses(["10.0.0.0/8"]);
	for (const junk of ["", "unknown", "evil", "1", "0x7f.1", "203.0.113.999", "x".repeat(5_000), "::1::", "\u0000"]) {
		assert.equal(addressOf(from("10.1.2.3", junk)), "10.1.2.3", junk.slice(0, 20));
	}
	assert.equal(addressOf(from("10.1.2.3", "203.0.113.7:4711")), "203.0.113.7");
});
