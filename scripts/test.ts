// `npm test`: everything. With file names behind it, only those: `npm test -- tests/api/crash.test.ts`.
import { nodeTest, runSteps, script, staticChecks } from "./steps.ts";

const chosen = process.argv.slice(2);
runSteps(
	chosen.length > 0
		? [nodeTest("chosen tests", ...chosen)]
		: [
				...staticChecks,
				nodeTest("tests", "{services,mixins,clients,tests,scripts}/**/*.test.ts"),
				script("tests of the API, every service in a process of its own", "scripts/test-distributed.ts"),
				nodeTest("faults, while people pay", "tests/cluster/faults-alone.ts"),
			],
);
