// `npm run check`: what a developer runs before each commit, under a minute.
import { nodeTest, runSteps, staticChecks } from "./steps.ts";

runSteps([
	...staticChecks,
	nodeTest(
		"tidy and unit tests",
		"tests/tidy/*.test.ts",
		"services/**/*.test.ts",
		"mixins/**/*.test.ts",
		"clients/**/*.test.ts",
	),
]);
