// The experiment of the system that Hannip grew out of: 1 to 30 virtual users over 7 minutes, without a pause, each in turn logs the
// customer, the owner and the till in, charges, shows a code and pays. All of them are the same customer and the same shop. Whoever is told to
// come again in a second does so, as our apps do: that is not a pause of their own, and both what was refused and the waiting are in the table.
import exec from "k6/execution";
import { settled, stepsOf } from "./options.ts";
import { bePatient, newPerson, newTill, Phone, type StoredTill, Till } from "./platform.ts";

const USERS_MAX = Number(__ENV.USERS ?? 30);
const SECONDS = Number(__ENV.SECONDS ?? 420);

export const options = {
	scenarios: {
		original: {
			executor: "ramping-vus",
			startVUs: 1,
			stages: [{ duration: `${SECONDS}s`, target: USERS_MAX }],
			gracefulRampDown: "10s",
		},
	},
	...stepsOf("customer log in", "owner log in", "till log in", "charge", "show a code", "pay"),
};

type World = { readonly customer: string; readonly owner: string; readonly till: StoredTill };

export async function setup(): Promise<World> {
	const [customer, owner] = [newPerson(), newPerson()];
	const phone = await Phone.new();
	await phone.logIn(owner);
	return { customer, owner, till: await newTill(phone) };
}

/** What this virtual user has in its hands. */
let mine: { readonly customer: Phone; readonly owner: Phone; readonly till: Till } | undefined;

export default async function (world: World): Promise<void> {
	bePatient(60);
	mine ??= { customer: await Phone.new(), owner: await Phone.new(), till: await Till.of(world.till) };
	const { customer, owner, till } = mine;
	await settled(exec, async () => {
		await customer.logIn(world.customer, "customer log in");
		await owner.logIn(world.owner, "owner log in");
		await till.signIn();
		await customer.charge(10);
		await till.sell(await customer.code());
	});
}
