// Makes what nobody may know, before anything else of compose.yaml starts: node secrets.mjs FOLDER USERS_OF_NATS
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

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
