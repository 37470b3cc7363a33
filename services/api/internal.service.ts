import type { ServiceSchema } from "moleculer";
import type { Settings } from "../../moleculer.config.ts";
import { clientFiles } from "./client-files.ts";
import { gateway } from "./gateway.ts";
import { internalRoutes } from "./internal-routes.ts";

/** The gateway for operators. Its port is never routed from outside, and is closed even so to whoever does not show their token. */
export const internalGateway = (settings: Settings): ServiceSchema =>
	gateway({
		name: "internal",
		port: settings.internalPort,
		audience: "operators",
		routes: internalRoutes,
		// The page itself is no secret; what it shows it asks for with the operator's token.
		files: clientFiles(["console"]),
		settings,
	});
