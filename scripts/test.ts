// `npm test`: everything. With file names behind it, only those: `npm test -- tests/api/crash.test.ts`.
import { nodeTest, runSteps, staticChecks } from "./steps.ts";

const chosen = process.argv.slice(2);
runSteps(
	chosen.length > 0
		? [nodeTest("chosen tests", ...chosen)]
		: [...staticChecks, nodeTest("tests", "{services,mixins,tests,scripts}/**/*.test.ts")],
);
