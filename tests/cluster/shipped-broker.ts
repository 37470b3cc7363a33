import { ServiceBroker } from "moleculer";
import { brokerOptions, readSettings } from "../../moleculer.config.ts";
import { secretsFor } from "../api/platform.ts";

/** A broker by the configuration as it ships, without services. @param uri of NATS */
export function shippedBroker(nodeID: string, uri: string): ServiceBroker {
	const env = { TRANSPORTER: uri, MONGODB_URI: "mongodb://127.0.0.1/none" };
	const settings = readSettings({ ...env, ...secretsFor(env) });
	return new ServiceBroker({ ...brokerOptions(settings, nodeID), logger: false });
}
