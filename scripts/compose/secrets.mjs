// Makes what nobody may know, before anything else of compose.yaml starts: node secrets.mjs FOLDER USERS_OF_NATS
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const [, , folder, users] = process.argv;
const secret = () => randomBytes(32).toString("base64url");
const keep = (name, text) => {
	// Of a run that was cut off: nobody may write to it.
	rmSync(`${folder}/.new`, { force: true });
	writeFileSync(`${folder}/.new`, text, { mode: 0o440, flush: true });
	renameSync(`${folder}/.new`, `${folder}/${name}`);
};

const mongo = secret();
const files = {
	"key.secret": secret(),
	"webhook.secret": secret(),
	"operator.token": secret(),
	"mongo.key": randomBytes(384).toString("base64"),
	"mongo-root.password": secret(),
	"mongo-hannip.password": mongo,
	"mongo-backup.password": secret(),
	"mongodb.uri": `mongodb://hannip:${mongo}@mongo-1,mongo-2,mongo-3/hannip?replicaSet=rs0&authSource=admin`,
	"nats.conf": "include ./users.conf\n",
	// The last one says that all are there: some without the others would not fit together.
	made: "",
};
if (!existsSync(`${folder}/made`)) for (const [name, text] of Object.entries(files)) keep(name, text);

// Who may say what comes with the code, as does who there is: a service that is new has no password yet.
const passwords = ["api", "auth", "hasher", "user", "store", "credit", "operator"].map((user) => {
	const name = `transporter.${user}`;
	if (!existsSync(`${folder}/${name}`)) keep(name, `nats://${user}:${secret()}@nats:4222`);
	const { password } = new URL(readFileSync(`${folder}/${name}`, "utf8"));
	return `PASSWORD_${user.toUpperCase()}: "${password}"\n`;
});
keep("passwords.conf", passwords.join(""));
keep("users.conf", readFileSync(users, "utf8"));

const same = (...names) => Object.fromEntries(names.map((name) => [name, name]));
const service = (name, ...others) => ({ transporter: `transporter.${name}`, ...same(...others) });
// By who reads it, the names that it has there. A container mounts its own folder and no other one, so it can tell nobody more than that.
const folders = {
	api: service("api", "operator.token"),
	auth: service("auth", "mongodb.uri", "key.secret"),
	hasher: service("hasher"),
	user: service("user", "mongodb.uri"),
	store: service("store", "mongodb.uri", "webhook.secret"),
	credit: service("credit", "mongodb.uri"),
	nats: same("nats.conf", "users.conf", "passwords.conf"),
	mongod: same("mongo.key"),
	"mongo-init": same("mongo.key", "mongo-root.password", "mongo-hannip.password", "mongo-backup.password"),
};
for (const [reader, files] of Object.entries(folders)) {
	mkdirSync(`${folder}/${reader}`, { recursive: true, mode: 0o750 });
	for (const [name, source] of Object.entries(files))
		keep(`${reader}/${name}`, readFileSync(`${folder}/${source}`, "utf8"));
	// What it needed once.
	for (const name of readdirSync(`${folder}/${reader}`)) if (!(name in files)) rmSync(`${folder}/${reader}/${name}`);
}
