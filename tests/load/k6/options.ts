import { Failed } from "./platform.ts";

/** k6 keeps figures of a step only where a threshold names it; these hold always, and judge nothing. */
export const stepsOf = (...steps: readonly string[]) => ({
	thresholds: Object.fromEntries(
		steps.flatMap((step) => [
			...["answered", "took"].map((trend) => [`${trend}{step:${step}}`, ["max>=0"]]),
			...["let_in", "failed", "refused"].map((counter) => [`${counter}{step:${step}}`, ["count>=0"]]),
		]),
	),
	summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max"],
	// What is made ready is not measured, and its patience is its own.
	setupTimeout: "120s",
	discardResponseBodies: false,
});

/** A failed request ends the iteration, as in any script that checks; it is counted where it happened. */
export async function settled(
	{ vu }: { readonly vu: { readonly iterationInScenario: number; readonly idInTest: number } },
	work: () => Promise<void>,
): Promise<void> {
	try {
		await work();
	} catch (error) {
		if (!(error instanceof Failed)) throw error;
		console.warn(`user ${vu.idInTest}, iteration ${vu.iterationInScenario}: ${error.message}`);
	}
}
