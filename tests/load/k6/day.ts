// A day as it is: four of five requests only look. What people do comes at its own rate, however long the answers take.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { LoggedIn, makeWorld, type World } from "./world.ts";

const USERS = Number(__ENV.USERS ?? 40);

export const options = {
	scenarios: {
		day: {
			executor: "constant-arrival-rate",
			rate: Number(__ENV.RATE ?? 60),
			timeUnit: "1s",
			duration: `${__ENV.SECONDS ?? 60}s`,
			preAllocatedVUs: USERS,
			maxVUs: USERS * 4,
		},
	},
	...stepsOf(
		...["look at the balance", "look at the history", "look at the sales"],
		...["charge", "send credit", "show a code", "pay"],
	),
};

export const setup = (): Promise<World> => makeWorld({ people: 20, tills: 5 });

let me: LoggedIn | undefined;

export default async function (world: World): Promise<void> {
	me ??= new LoggedIn(world, exec.vu.idInTest);
	const someone = me;
	await settled(exec, async () => doSomething(someone, Math.random()));
}

async function doSomething(me: LoggedIn, chance: number): Promise<void> {
	const phone = await me.phone();
	if (chance < 0.45) return phone.look("balance");
	if (chance < 0.7) return phone.look("history");
	if (chance < 0.83) return (await me.till()).look();
	if (chance < 0.87) return phone.charge(1_000);
	if (chance < 0.92) return phone.sendTo(me.other, 1);
	return (await me.till()).sell(await phone.code());
}
