// The band has stopped playing, and the one stall that sells water has ten times as many customers as a moment ago.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { LoggedIn, makeWorld, type World } from "./world.ts";

const SECONDS = Number(__ENV.SECONDS ?? 60);
const RATE = Number(__ENV.RATE ?? 100);

export const options = {
	scenarios: {
		crowd: {
			executor: "ramping-arrival-rate",
			startRate: Math.ceil(RATE / 10),
			timeUnit: "1s",
			stages: [
				{ duration: `${Math.ceil(SECONDS / 4)}s`, target: Math.ceil(RATE / 10) },
				{ duration: "1s", target: RATE },
				{ duration: `${Math.ceil(SECONDS / 2)}s`, target: RATE },
				{ duration: "1s", target: Math.ceil(RATE / 10) },
				{ duration: `${Math.ceil(SECONDS / 4)}s`, target: Math.ceil(RATE / 10) },
			],
			preAllocatedVUs: Number(__ENV.USERS ?? 50),
			maxVUs: Number(__ENV.USERS ?? 50) * 6,
		},
	},
	...stepsOf("show a code", "pay"),
};

export const setup = (): Promise<World> => makeWorld({ people: 30, tills: 1 });

let me: LoggedIn | undefined;

export default async function (world: World): Promise<void> {
	me ??= new LoggedIn(world, exec.vu.idInTest);
	const [phone, till] = [await me.phone(), await me.till()];
	await settled(exec, async () => till.sell(await phone.code()));
}
