// Makes a replica set of mongods that have the same key file, and its users; what is there already it leaves, except that passwords become
// those of the secrets. Used by the job of Kubernetes and by compose.yaml: node init.mjs FOLDER_OF_SECRETS HOST:PORT,HOST:PORT,…
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";

const GIVE_UP_AFTER_MS = 300_000;
const [, , folder, hosts] = process.argv;
const secret = (name) => readFileSync(`${folder}/${name}`, "utf8").trim();

/** Who has the key file is a member, and members may everything; before there are users that is the only way in. */
const member = { username: "__system", password: secret("mongo.key").replaceAll(/\s/g, "") };
const users = [
	{ createUser: "root", pwd: secret("mongo-root.password"), roles: ["root"] },
	{ createUser: "hannip", pwd: secret("mongo-hannip.password"), roles: [{ role: "readWrite", db: "hannip" }] },
	{ createUser: "backup", pwd: secret("mongo-backup.password"), roles: ["backup"] },
];

async function asMember(address, work) {
	const options = {
		auth: member,
		authSource: "local",
		authMechanism: "SCRAM-SHA-256",
		serverSelectionTimeoutMS: 5_000,
	};
	const client = new MongoClient(`mongodb://${address}`, options);
	try {
		return await work(client.db("admin"));
	} finally {
		await client.close();
	}
}

/** So long nobody can pay when the primary dies: half of MongoDB's own, and still more than a member that works is ever silent. */
const settings = { electionTimeoutMillis: 5_000 };
const initiate = (admin) =>
	admin
		.command({
			replSetInitiate: { _id: "rs0", members: hosts.split(",").map((host, _id) => ({ _id, host })), settings },
		})
		.catch((error) => {
			if (error.codeName !== "AlreadyInitialized") throw error;
		});

async function makeUsers(admin) {
	for (const { createUser: name, ...user } of users)
		await admin.command({ createUser: name, ...user, writeConcern: { w: "majority" } }).catch((error) => {
			// 51003: it is there.
			if (error.code !== 51003) throw error;
			return admin.command({ updateUser: name, ...user, writeConcern: { w: "majority" } });
		});
}

// Members come up when they like, and then elect one.
for (const giveUpAt = Date.now() + GIVE_UP_AFTER_MS; ; await sleep(500)) {
	try {
		await asMember(`${hosts.split(",")[0]}/?directConnection=true`, initiate);
		await asMember(`${hosts}/?replicaSet=rs0`, makeUsers);
		break;
	} catch (error) {
		if (Date.now() > giveUpAt) throw error;
		console.error(`not yet: ${error.message}`);
	}
}
