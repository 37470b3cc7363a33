// Somebody tries passwords, or a push message has woken every phone: more log-ins than can be checked. People at the counter must not notice.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { Phone } from "./platform.ts";
import { LoggedIn, makeWorld, type World } from "./world.ts";

const SECONDS = Number(__ENV.SECONDS ?? 60);
const USERS = Number(__ENV.USERS ?? 8);

export const options = {
	scenarios: {
		paying: { executor: "constant-vus", vus: USERS, duration: `${SECONDS}s`, exec: "pay", gracefulStop: "5s" },
		// Beyond what can be hashed, for the middle third.
		flood: {
			executor: "constant-arrival-rate",
			rate: Number(__ENV.RATE ?? 200),
			timeUnit: "1s",
			startTime: `${Math.ceil(SECONDS / 3)}s`,
			duration: `${Math.ceil(SECONDS / 3)}s`,
			preAllocatedVUs: 100,
			maxVUs: 700,
			exec: "logIn",
		},
	},
	...stepsOf("show a code", "pay", "log in"),
};

export const setup = (): Promise<World> => makeWorld({ people: USERS, tills: 4 });

let me: LoggedIn | undefined;

export async function pay(world: World): Promise<void> {
	me ??= new LoggedIn(world, exec.vu.idInTest);
	const [phone, till] = [await me.phone(), await me.till()];
	await settled(exec, async () => till.sell(await phone.code()));
}

let stranger: Phone | undefined;

export async function logIn({ people }: World): Promise<void> {
	stranger ??= await Phone.new();
	const phone = stranger;
	await settled(exec, async () => phone.logIn(people[exec.vu.idInTest % people.length]?.handle ?? "nobody"));
}
