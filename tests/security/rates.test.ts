import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type Client, newProver } from "../api/client.ts";
import type { Answer } from "../api/contract.ts";
import { newPerson, newShop, newTill, PASSWORD, type Person, type Till } from "../api/people.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";

// Many people behind one address, of whom one asks as often as can be.

const LIMIT = 12;

let platform: TestPlatform;
let anyone: Client;
let ada: Person;
let till: Till;
before(async () => {
	platform = await startTestPlatform({
		REQUESTS_PER_MINUTE_ADDRESS: String(LIMIT),
		REQUESTS_PER_MINUTE_PERSON: String(LIMIT * 2),
		REQUESTS_PER_MINUTE_TILL: String(LIMIT * 2),
		TRUSTED_PROXIES: "127.0.0.1",
	});
	anyone = platform.anyone;
	ada = await newPerson(anyone);
	till = await newTill(anyone, await newShop(ada));
});
after(() => platform.stop());

let places = 0;
/** Its limits are not used up yet. */
const newPlace = (): string => `203.0.113.${++places}`;
const at = (place: string) => ({ headers: { "x-forwarded-for": place } });

const refreshTokenIn = ({ headers }: Answer): string =>
	/^__Host-hannip-refresh=([^;]*)/.exec(String(headers["set-cookie"]))?.[1] ?? "";

async function logIn(place: string) {
	const phone = anyone.from(await newProver());
	const answer = await phone.call("auth.login", { handle: ada.handle, password: PASSWORD }, at(place));
	assert.equal(answer.status, 201);
	return { phone, refreshToken: refreshTokenIn(answer), sessionId: answer.body.sessionId };
}

const read = (place: string) => anyone.raw({ method: "GET", path: "/.well-known/jwks.json", ...at(place) });
const madeUp = () => ({ refreshToken: `n_${"A".repeat(16)}.${"A".repeat(43)}` });
/** Asks until it is told that this was too often. */
async function useUp(ask: () => Promise<{ readonly status: number }>): Promise<void> {
	const statuses: number[] = [];
	for (let n = 0; n <= LIMIT; n++) statuses.push((await ask()).status);
	assert.deepEqual(
		statuses.map((status) => status === 429),
		[...Array<boolean>(LIMIT).fill(false), true],
	);
}

it("what anybody may read, used up at an address, keeps nobody there from going on, signing in or logging in", async () => {
	const place = newPlace();
	const { phone, refreshToken } = await logIn(place);
	await useUp(() => read(place));
	const photo = { method: "GET", path: `/v1/photos/${"A".repeat(22)}`, ...at(place) };
	assert.equal((await anyone.raw(photo)).status, 429);
	assert.equal((await phone.call("auth.refresh", { refreshToken }, at(place))).status, 200);
	await anyone.from(till.signer).ok("auth.signInTill", {}, at(place));
	await logIn(place);
});

it("log-ins, used up at an address, keep nobody there from going on or signing in", async () => {
	const place = newPlace();
	const { phone, refreshToken } = await logIn(newPlace());
	const stranger = anyone.from(await newProver());
	await useUp(() => stranger.call("auth.login", { handle: "nobody.there", password: PASSWORD }, at(place)));
	assert.equal((await phone.call("auth.refresh", { refreshToken }, at(place))).status, 200);
	await anyone.from(till.signer).ok("auth.signInTill", {}, at(place));
});

it("refreshes of sessions that are made up are bounded, and take nobody's share", async () => {
	const place = newPlace();
	const { phone, refreshToken, sessionId } = await logIn(place);
	const guessing = anyone.from(await newProver());
	await useUp(() => guessing.call("auth.refresh", madeUp(), at(place)));
	// Neither without a cookie, nor with a stolen one: the key is another one.
	for (const said of [{ refreshToken: "none" }, { refreshToken }, { refreshToken: `${sessionId}.${"A".repeat(43)}` }])
		await guessing.refused("auth.refresh", said, "rate_limited", at(place));
	const answer = await phone.call("auth.refresh", { refreshToken }, at(place));
	assert.equal(answer.status, 200);
	assert.match(String(answer.headers["ratelimit-policy"]), new RegExp(`q=${LIMIT * 2};`));
	await logIn(place);
	assert.equal((await read(place)).status, 200);
});

it("one till's signing in is bounded wherever it comes from", async () => {
	const { signer } = await newTill(anyone, await newShop(await newPerson(anyone)));
	for (let n = 1; n < LIMIT * 2; n++) await anyone.from(signer).ok("auth.signInTill", {}, at(newPlace()));
	await anyone.from(signer).refused("auth.signInTill", {}, "rate_limited", at(newPlace()));
});

it("one session's refreshes are bounded wherever they come from", async () => {
	const { phone, refreshToken } = await logIn(newPlace());
	let token = refreshToken;
	for (let n = 0; n < LIMIT * 2; n++) {
		const answer = await phone.call("auth.refresh", { refreshToken: token }, at(newPlace()));
		assert.equal(answer.status, 200);
		token = refreshTokenIn(answer);
	}
	await phone.refused("auth.refresh", { refreshToken: token }, "rate_limited", at(newPlace()));
});
