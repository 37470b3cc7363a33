import assert from "node:assert/strict";
import { it } from "node:test";
import { LettingIn } from "./letting-in.ts";
import { publicRoutes, type Route } from "./routes.ts";

const routeOf = (action: string): Route => publicRoutes.find((route) => route.action === action) as Route;

/** As many as there can be at the same moment. */
function fill(lettingIn: LettingIn, action: string, nowMs = 0): ((nowMs: number) => void)[] {
	const leaving: ((nowMs: number) => void)[] = [];
	const enter = () => lettingIn.enter(routeOf(action), nowMs);
	for (let leave = enter(); leave; leave = enter()) leaving.push(leave);
	return leaving;
}

it("who looks is refused first, then who begins a payment, and last who ends one", () => {
	const lettingIn = new LettingIn(publicRoutes);
	const isLetIn = (action: string) => {
		const leave = lettingIn.enter(routeOf(action), 0);
		leave?.(1);
		return leave !== undefined;
	};
	const which = () => ["user.me", "user.issueCode", "store.sell"].map(isLetIn);
	assert.deepEqual(which(), [true, true, true]);
	const looking = fill(lettingIn, "user.me");
	assert.deepEqual(which(), [false, true, true]);
	const beginning = fill(lettingIn, "user.charge");
	assert.deepEqual(which(), [false, false, true]);
	const ending = fill(lettingIn, "store.refundSale");
	assert.deepEqual(which(), [false, false, false]);
	for (const leave of [...looking, ...beginning, ...ending]) leave(1);
	assert.deepEqual(which(), [true, true, true]);
});

it("who only looks, and always waits, is let in as often as before when it is fast again", () => {
	const lettingIn = new LettingIn(publicRoutes);
	const before = fill(lettingIn, "user.me");
	for (const leave of before) leave(2_000);
	const leaving = fill(lettingIn, "user.me", 3_000);
	assert.ok(leaving.length < before.length);
	for (let n = 0; n < 200_000; n++) {
		leaving.shift()?.(3_001);
		leaving.push(...fill(lettingIn, "user.me", 3_000));
	}
	assert.ok(leaving.length >= before.length);
});

it("log-ins, and what is no route, are counted for themselves", () => {
	const lettingIn = new LettingIn(publicRoutes);
	assert.ok(fill(lettingIn, "auth.login").length > 0);
	while (lettingIn.enter(undefined, 0));
	assert.ok(lettingIn.enter(routeOf("store.sell"), 0));
	assert.ok(lettingIn.enter(routeOf("user.me"), 0));
});
