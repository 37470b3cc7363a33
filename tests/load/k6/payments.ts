// Payments alone: everybody is logged in, and pays as soon as the payment before is through.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { LoggedIn, makeWorld, type World } from "./world.ts";

const USERS = Number(__ENV.USERS ?? 32);

export const options = {
	scenarios: {
		payments: { executor: "constant-vus", vus: USERS, duration: `${__ENV.SECONDS ?? 60}s`, gracefulStop: "5s" },
	},
	...stepsOf("show a code", "pay"),
};

export const setup = (): Promise<World> => makeWorld({ people: Math.min(USERS, 50), tills: 10 });

let me: LoggedIn | undefined;

export default async function (world: World): Promise<void> {
	me ??= new LoggedIn(world, exec.vu.idInTest);
	const [phone, till] = [await me.phone(), await me.till()];
	await settled(exec, async () => till.sell(await phone.code()));
}
