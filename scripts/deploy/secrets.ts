// `npm run -s secrets | kubectl create -n NAMESPACE -f -`: everything that nobody may know, made once for a namespace. `create`, as it refuses to
// replace what is there: keys that are sealed with the old secret could not be opened any more.
import { randomBytes } from "node:crypto";
import { serviceNames } from "../../moleculer.config.ts";
import type { NatsUser } from "../cluster/nats-server.ts";

/** Where pods find them: as in k8s/base. */
type Places = { readonly nats: string; readonly natsMembers: readonly string[]; readonly mongodb: readonly string[] };

const inKubernetes: Places = {
	nats: "nats:4222",
	natsMembers: [0, 1, 2].map((member) => `nats-${member}.nats-members:6222`),
	mongodb: [0, 1, 2].map((member) => `mongodb-${member}.mongodb:27017`),
};

const newSecret = (): string => randomBytes(32).toString("base64url");

/** By the name of the secret, its files. */
export function makeSecrets({
	nats,
	natsMembers,
	mongodb,
}: Places = inKubernetes): Record<string, Record<string, string>> {
	const users: NatsUser[] = [...serviceNames, "operator"];
	const natsPasswords = new Map(users.map((user) => [user, newSecret()]));
	const transporterOf = (user: NatsUser) => `nats://${user}:${natsPasswords.get(user)}@${nats}`;
	const [mongoPassword, routePassword] = [newSecret(), newSecret()];
	const mongodbUri = `mongodb://hannip:${mongoPassword}@${mongodb.join(",")}/hannip?replicaSet=rs0&authSource=admin`;
	const keeping = { "mongodb.uri": mongodbUri };
	const routes = natsMembers.map((member) => `"nats-route://route:${routePassword}@${member}"`);
	return {
		api: { transporter: transporterOf("api"), "operator.token": newSecret() },
		auth: { transporter: transporterOf("auth"), ...keeping, "key.secret": newSecret() },
		hasher: { transporter: transporterOf("hasher") },
		user: { transporter: transporterOf("user"), ...keeping },
		store: { transporter: transporterOf("store"), ...keeping, "webhook.secret": newSecret() },
		credit: { transporter: transporterOf("credit"), ...keeping },
		nats: {
			"passwords.conf": users.map((user) => `PASSWORD_${user.toUpperCase()}: "${natsPasswords.get(user)}"\n`).join(""),
			"route-password.conf": `PASSWORD_ROUTE: "${routePassword}"\nROUTES: [${routes.join(", ")}]\n`,
			// For whoever attaches the REPL.
			"operator.transporter": transporterOf("operator"),
		},
		mongodb: {
			"mongo.key": randomBytes(384).toString("base64"),
			"mongo-root.password": newSecret(),
			"mongo-hannip.password": mongoPassword,
			"mongo-backup.password": newSecret(),
		},
	};
}

const manifestOf = ([name, stringData]: [string, Record<string, string>]) => ({
	apiVersion: "v1",
	kind: "Secret",
	metadata: { name, labels: { "app.kubernetes.io/part-of": "hannip" } },
	stringData,
});

if (import.meta.main) {
	const items = Object.entries(makeSecrets()).map(manifestOf);
	console.log(JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, "\t"));
}
