import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";

// The credit service in a process of its own. `ledger.ts` starts it, and asks it by messages.

export type Question = {
	readonly id: number;
	readonly name: string;
	readonly params: object;
	readonly timeoutMs?: number | undefined;
};
/** An error is told apart by its type, and that is all of it that travels. */
export type Reply = {
	readonly id: number;
	readonly value?: unknown;
	readonly error?: { type: string; message: string };
};

const { broker, stop } = await startPlatform(readSettings(process.env));
process.on("message", ({ id, name, params, timeoutMs }: Question) => {
	broker.call(name, params, timeoutMs === undefined ? {} : { timeout: timeoutMs }).then(
		(value) => process.send?.({ id, value } satisfies Reply),
		({ type, message }) => process.send?.({ id, error: { type, message } } satisfies Reply),
	);
});
// Also when whoever asked is dead.
process.on("disconnect", () => stop().finally(() => process.exit()));
process.send?.("up");
