import assert from "node:assert/strict";
import { test } from "node:test";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import * as served from "../../services/api/routes.ts";
import * as known from "./routes.ts";

const asClientsSeeIt = (routes: readonly served.Route[]) =>
	Object.fromEntries(
		routes.map(({ action, method, path, idempotent, binds, csv }) => [
			action,
			{
				method,
				path,
				...(idempotent && { statusPath: idempotent.statusPath }),
				...(binds && { binds }),
				...(csv && "into" in csv && { csv: csv.into }),
			},
		]),
	);

test("clients know the routes that there are, and no others", () => {
	assert.deepEqual(known.publicRoutes, asClientsSeeIt(served.publicRoutes));
	assert.deepEqual(known.internalRoutes, asClientsSeeIt(internalRoutes));
});
