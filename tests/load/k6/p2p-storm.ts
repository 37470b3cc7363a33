// Midnight of New Year: everybody sends credit to somebody, all at once.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { LoggedIn, makeWorld, type World } from "./world.ts";

const USERS = Number(__ENV.USERS ?? 50);

export const options = {
	scenarios: {
		storm: { executor: "constant-vus", vus: USERS, duration: `${__ENV.SECONDS ?? 30}s`, gracefulStop: "5s" },
	},
	...stepsOf("send credit"),
};

export const setup = (): Promise<World> => makeWorld({ people: Math.min(USERS, 50) });

let me: LoggedIn | undefined;

export default async function (world: World): Promise<void> {
	me ??= new LoggedIn(world, exec.vu.idInTest);
	const phone = await me.phone();
	const { other } = me;
	await settled(exec, async () => phone.sendTo(other, 1));
}
