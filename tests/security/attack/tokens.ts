import type { OutgoingHttpHeaders } from "node:http";
import { newKey, newProver } from "../../api/client.ts";
import type { Answer } from "../../api/contract.ts";
import { newPerson, PASSWORD } from "../../api/people.ts";
import type { Attack, World } from "./world.ts";

// Tokens and sessions in the wrong hands, or at the wrong time.

const CHARGE = { method: "POST", path: "/v1/me/charges" };
const charge = {
	...CHARGE,
	body: '{"amount":1}',
	headers: { "content-type": "application/json", "idempotency-key": "attack-0001" },
};

const attack = (
	name: string,
	run: (world: World) => Promise<Answer | readonly Answer[]>,
	refusals: Attack["refusals"] = ["unauthenticated"],
): Attack => ({ name: `token: ${name}`, refusals, run: async (world) => [await run(world)].flat() });

/** A charge that shows the victim's token like this. */
const shown = (name: string, headers: (token: string, world: World) => OutgoingHttpHeaders): Attack =>
	attack(name, ({ phone, ...world }) => phone.charge({}, headers(phone.accessToken, { phone, ...world })));

/** A charge with the victim's token after this was done to it, proven by the victim's own key. */
const changed = (name: string, change: (token: string) => string): Attack =>
	attack(name, ({ anyone, victim }) => anyone.from(victim.prover, change(victim.accessToken)).raw(charge));

const withPart = (token: string, index: number, change: (json: Record<string, unknown>) => object): string => {
	const parts = token.split(".");
	const value = JSON.parse(Buffer.from(parts[index] ?? "", "base64url").toString());
	return parts.with(index, Buffer.from(JSON.stringify(change(value))).toString("base64url")).join(".");
};

const refreshTokenIn = ({ headers }: Answer): string =>
	/__Host-hannip-refresh=([^;]+)/.exec(String(headers["set-cookie"]))?.[1] ?? "";

/** Somebody who has just logged in, with the cookie. */
async function fresh({ anyone }: World) {
	const person = await newPerson(anyone, { name: "Fresh" });
	const device = anyone.from(person.prover);
	const login = await device.call("auth.login", { handle: person.handle, password: PASSWORD });
	return {
		person,
		device,
		api: device.as(login.body.accessToken),
		sessionId: login.body.sessionId,
		refreshToken: refreshTokenIn(login),
	};
}

export const tokenAttacks: readonly Attack[] = [
	shown("alone", () => ({ dpop: undefined })),
	shown("as a Bearer token", (token) => ({ authorization: `Bearer ${token}` })),
	shown("as a Bearer token, without proof", (token) => ({ authorization: `Bearer ${token}`, dpop: undefined })),
	shown("as a till's", (token) => ({ authorization: `Till ${token}` })),
	shown("as Basic", (token) => ({ authorization: `Basic ${Buffer.from(`${token}:`).toString("base64")}` })),
	shown("without a scheme", (token) => ({ authorization: token })),
	shown("twice in one header", (token) => ({ authorization: `DPoP ${token} ${token}` })),
	shown("in a list", (token) => ({ authorization: `DPoP ${token}, DPoP ${token}` })),
	shown("in no header", () => ({ authorization: undefined })),
	shown("in a cookie", (token) => ({ authorization: undefined, cookie: `access_token=${token}` })),
	shown("that is empty", () => ({ authorization: "DPoP " })),
	attack("of the victim, proven by the attacker's key", ({ anyone, eve, victim }) =>
		anyone.from(eve.prover, victim.accessToken).raw(charge),
	),
	attack("of the attacker, proven by the victim's key", ({ anyone, eve, victim }) =>
		anyone.from(victim.prover, eve.accessToken).raw(charge),
	),
	attack("of a till, as a person's", ({ anyone, victim, till }) =>
		anyone.from(victim.prover, till.accessToken).raw(charge),
	),
	changed("without its signature", (token) => token.split(".").slice(0, 2).join(".")),
	changed("with an empty signature", (token) => `${token.split(".").slice(0, 2).join(".")}.`),
	changed(
		"with one bit changed",
		(token) => token.slice(0, -10) + (token.at(-10) === "A" ? "B" : "A") + token.slice(-9),
	),
	changed("for another person", (token) => withPart(token, 1, (claims) => ({ ...claims, sub: "u_AAAAAAAAAAAAAAAA" }))),
	changed("that lives longer", (token) => withPart(token, 1, (claims) => ({ ...claims, exp: 9_999_999_999 }))),
	changed(
		"with alg none",
		(token) =>
			`${withPart(token, 0, (head) => ({ ...head, alg: "none" }))
				.split(".")
				.slice(0, 2)
				.join(".")}.`,
	),
	changed("with alg HS256", (token) => withPart(token, 0, (head) => ({ ...head, alg: "HS256" }))),
	changed("with a key of its own", (token) =>
		withPart(token, 0, (head) => ({ ...head, jwk: { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) } })),
	),
	changed("with the address of a key", (token) =>
		withPart(token, 0, (head) => ({ ...head, jku: "http://127.0.0.1:9/jwks.json" })),
	),
	...["../../../etc/passwd", "", "0", "' OR 1=1", "__proto__", "x".repeat(900)].map((kid) =>
		changed(`with key id ${JSON.stringify(kid).slice(0, 30)}`, (token) =>
			withPart(token, 0, (head) => ({ ...head, kid })),
		),
	),
	changed("of 3 kB", (token) => token + "A".repeat(3_000)),
	changed("that is none", () => "a.b.c"),
	changed(
		"whose payload is no JSON",
		() => `${Buffer.from('{"alg":"ES256","typ":"JWT"}').toString("base64url")}.eA.AAAA`,
	),
	changed("whose payload is no JSON, with a header of ours", (token) => `${token.split(".")[0]}.eA.AAAA`),
	attack("of somebody who has logged out", async (world) => {
		const { api } = await fresh(world);
		await api.ok("auth.logout", {});
		return [await api.raw(charge), await api.raw({ method: "GET", path: "/v1/me" })];
	}),
	attack("of a session that was ended from another device", async (world) => {
		const { api, person, sessionId } = await fresh(world);
		await person.api.ok("auth.revokeSession", { sessionId });
		return [await api.raw(charge), await api.raw({ method: "GET", path: "/v1/me" })];
	}),
	attack(
		"refresh: without the cookie",
		async ({ anyone, victim }) => anyone.from(victim.prover).raw({ method: "POST", path: "/v1/sessions/refresh" }),
		["session_ended"],
	),
	attack(
		"refresh: a stolen cookie with another key",
		async (world) => {
			const { refreshToken, device } = await fresh(world);
			const thief = world.anyone.from(await newProver(world.anyone.origin));
			const answers = [await thief.call("auth.refresh", { refreshToken })];
			// It does not end the session of whom it was stolen from either.
			await device.ok("auth.refresh", { refreshToken });
			return answers;
		},
		["session_ended"],
	),
	attack("refresh: a stolen cookie without a proof", async (world) => {
		const { refreshToken } = await fresh(world);
		return world.anyone.call("auth.refresh", { refreshToken });
	}),
	attack(
		"refresh: a cookie that was used twice over ends the session",
		async (world) => {
			const { refreshToken, device } = await fresh(world);
			const second = refreshTokenIn(await device.call("auth.refresh", { refreshToken }));
			const third = refreshTokenIn(await device.call("auth.refresh", { refreshToken: second }));
			const reused = await device.call("auth.refresh", { refreshToken });
			return [reused, await device.call("auth.refresh", { refreshToken: third })];
		},
		["session_ended"],
	),
	attack(
		"refresh: of a session that was logged out",
		async (world) => {
			const { refreshToken, device, api } = await fresh(world);
			await api.ok("auth.logout", {});
			return device.call("auth.refresh", { refreshToken });
		},
		["session_ended"],
	),
	attack(
		"refresh: caused by a page of another site",
		async (world) => {
			const { refreshToken, device } = await fresh(world);
			const headers = [{ origin: "https://evil.test" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }];
			return Promise.all(headers.map((header) => device.call("auth.refresh", { refreshToken }, { headers: header })));
		},
		["cross_site_request"],
	),
	attack("refresh: the cookie's value as an access token", async (world) => {
		const { refreshToken } = await fresh(world);
		return world.phone.charge({}, { authorization: `DPoP ${refreshToken}` });
	}),
	attack(
		"log-in: with a wrong password, and as nobody",
		async ({ anyone, victim }) => {
			const device = anyone.from(await newProver(anyone.origin));
			return [
				await device.call("auth.login", { handle: victim.handle, password: "not the one" }),
				await device.call("auth.login", { handle: `nobody${newKey().slice(0, 8)}`, password: "not the one" }),
			];
		},
		["invalid_credentials"],
	),
	attack("log-in: without a proof", async ({ anyone, victim }) =>
		anyone.call("auth.login", { handle: victim.handle, password: PASSWORD }),
	),
	attack(
		"log-in: that says itself which key it has, or where it comes from",
		async ({ anyone, victim }) => {
			const device = anyone.from(await newProver(anyone.origin));
			const said = { handle: victim.handle, password: PASSWORD };
			const wire = { method: "POST", path: "/v1/sessions", headers: { "content-type": "application/json" } };
			return Promise.all(
				[{ jkt: "A".repeat(43) }, { address: "1.2.3.4" }].map((more) =>
					device.raw({ ...wire, body: JSON.stringify({ ...said, ...more }) }),
				),
			);
		},
		["validation_failed"],
	),
];
