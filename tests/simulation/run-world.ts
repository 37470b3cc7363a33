import { wordsOf } from "./invariants.ts";
import { mustBeSoOnDisk } from "./on-disk.ts";
import { type Report, World, type WorldOptions } from "./world.ts";

/** One in so many worlds is made into files in the end, which takes as long as the world itself. */
const ON_DISK = 40;

/** Where an error was thrown is only asked when there should be none: finding out takes a fifth of the time. */
export async function runWorld(options: WorldOptions): Promise<Report> {
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	const world = new World(options);
	const report = await world.run();
	Error.stackTraceLimit = stackTraceLimit;
	if (report.violation?.invariant === "unexpected") return new World(options).run();
	if (report.violation || options.seed % ON_DISK !== 0) return report;
	try {
		await mustBeSoOnDisk(world.log.groups);
		return report;
	} catch (error) {
		return { ...report, violation: { ...wordsOf(error), step: world.trace.steps, last: [] } };
	}
}
