// What a request costs that does nothing, over moleculer-web as it comes, and over NATS where there is one: `node bench/echo.ts
// gateway|service|both NATS PORT`.
import { ServiceBroker, type ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";

const [, , what, transporter = "", port = "0"] = process.argv;
const gateway = {
	name: "api",
	mixins: [ApiGateway as unknown as ServiceSchema],
	settings: {
		port: Number(port),
		ip: "127.0.0.1",
		routes: [
			{ path: "/", aliases: { "POST /echo": "echo.say" }, bodyParsers: { json: true }, mappingPolicy: "restrict" },
		],
		logRequest: null,
		logResponse: null,
	},
} as unknown as ServiceSchema;
const service: ServiceSchema = { name: "echo", actions: { say: ({ params }) => params } };

const broker = new ServiceBroker({
	namespace: "hannip",
	nodeID: `echo-${what}`,
	...(transporter && { transporter: transporter as "NATS" }),
	logger: false,
});
if (what !== "service") broker.createService(gateway);
if (what !== "gateway") broker.createService(service);
await broker.start();
await broker.waitForServices("echo");
console.log("up");
