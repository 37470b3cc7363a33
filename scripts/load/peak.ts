import { type Run, runK6 } from "./k6.ts";

/** How many times more payments than can be made are asked for. */
export const OVERLOAD = 3;
/** How late payments are once there are too many: later they must not become, however many more there are. */
export const JUST_BEYOND = 1.5;
const SECONDS = 20;
/** So many people without a pause find out what can be done, and none of them waits long. */
const USERS = 24;
/** What is not warm does half as much. */
const WARMING_SECONDS = 15;

type Env = { readonly SECONDS?: string };

/** Those that were made. */
export function paymentsOf({ steps }: Pick<Run, "steps">, { SECONDS: seconds = String(SECONDS) }: Env) {
	const pay = steps.find(({ name }) => name === "pay");
	if (!pay) throw new Error("nobody pays in this scenario");
	return { perS: (pay.requests - pay.failed) / Number(seconds), p99Ms: pay.p99Ms };
}

/** What is done when no more is asked for than can be. */
export async function peakOf(
	env: Env,
	signal: AbortSignal,
): Promise<{ readonly perS: number; readonly p99Ms: number }> {
	const peak = { SECONDS: String(SECONDS), ...env, USERS: String(USERS) };
	await runK6({ scenario: "payments", env: { ...peak, SECONDS: String(WARMING_SECONDS) }, signal });
	return paymentsOf(await runK6({ scenario: "payments", env: peak, signal }), peak);
}
