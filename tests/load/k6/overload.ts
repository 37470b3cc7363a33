// More payments than can be made, at a rate that does not wait for the answers: what is too much must be refused at once, and what is let in
// must be as fast as ever.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { LoggedIn, makeWorld, type World } from "./world.ts";

const USERS = Number(__ENV.USERS ?? 600);

export const options = {
	scenarios: {
		overload: {
			executor: "constant-arrival-rate",
			rate: Number(__ENV.RATE ?? 1_000),
			timeUnit: "1s",
			duration: `${__ENV.SECONDS ?? 20}s`,
			gracefulStop: "5s",
			preAllocatedVUs: USERS,
			maxVUs: USERS,
		},
	},
	...stepsOf("show a code", "pay"),
};

export const setup = (): Promise<World> => makeWorld({ people: 20, tills: 5 });

let me: LoggedIn | undefined;

export default async function (world: World): Promise<void> {
	me ??= new LoggedIn(world, exec.vu.idInTest);
	const someone = me;
	// Whoever is let in shows a code and pays; whoever is not comes again as somebody else.
	await settled(exec, async () => (await someone.till()).sell(await (await someone.phone()).code()));
}
