import { createReadStream, createWriteStream, renameSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { BSON, type Db, type Document, MongoClient } from "mongodb";
import { DURABLE } from "../../mixins/mongo.ts";
import { makeLog } from "../../services/credit/journal-mongo.ts";

const LOG = "ledger_groups";
/** Append-only too. A line comes before what it is about, and says what became of it after that. */
const OPERATORS = "operator_log";
/** Made of the log, or of interest for minutes only. */
const isLeftOut = (name: string): boolean => /^(read_|claims_short$|counters_short$|system\.)/.test(name);
const INSERTED_AT_ONCE = 500;
const { EJSON } = BSON;

type Line = { readonly in: string; readonly doc: Document } | { readonly end: End };
type End = { readonly lines: number; readonly sequence: number; readonly hash: string };

/**
 * First the documents, all as they were at one moment; then the log, up to the end that it has by then. It is never shorter than what the documents
 * rely on, and being append-only it need not be read at one moment, however long it is.
 *
 * @returns what to say of it
 */
export async function backUpMongo(uri: string, file: string): Promise<string> {
	const draft = `${file}.part`;
	const client = await MongoClient.connect(uri, { readPreference: "primary", readConcern: { level: "majority" } });
	try {
		const end: { latest?: End } = {};
		await pipeline(
			Readable.from(linesOf(client, end)),
			createGzip(),
			createWriteStream(draft, { mode: 0o600, flush: true }),
		);
		renameSync(draft, file);
		const { lines = 0, sequence = 0, hash = "" } = end.latest ?? {};
		return `${file} has ${lines} documents, and of them the ledger's log up to group ${sequence}, ${hash}`;
	} finally {
		rmSync(draft, { force: true });
		await client.close();
	}
}

async function* linesOf(client: MongoClient, told: { latest?: End }): AsyncGenerator<string> {
	let lines = 0;
	const written = (line: Line): string => `${EJSON.stringify(line, { relaxed: false })}\n`;
	const session = client.startSession({ snapshot: true });
	try {
		for (const name of await collectionsOf(client.db())) {
			if (name === LOG || name === OPERATORS) continue;
			for await (const doc of client.db().collection(name).find({}, { session })) {
				lines++;
				yield written({ in: name, doc });
			}
		}
	} finally {
		await session.endSession();
	}
	let head = { sequence: 0, hash: "" };
	let operations = "";
	// Until no operator wrote anything while the ledger was read: then each has what the other one says.
	for (let isQuiet = false; !isQuiet; ) {
		const groups = client.db().collection<{ _id: number; hash: string }>(LOG);
		for await (const doc of groups.find({ _id: { $gt: head.sequence } }).sort({ _id: 1 })) {
			if (doc._id !== head.sequence + 1) throw new Error(`the log lacks group ${head.sequence + 1}`);
			head = { sequence: doc._id, hash: doc.hash };
			lines++;
			yield written({ in: LOG, doc });
		}
		isQuiet = true;
		const log = client.db().collection<{ _id: string }>(OPERATORS);
		for await (const doc of log.find({ _id: { $gt: operations } }).sort({ _id: 1 })) {
			[operations, isQuiet] = [doc._id, false];
			lines++;
			yield written({ in: OPERATORS, doc });
		}
	}
	told.latest = { lines, ...head };
	yield written({ end: told.latest });
}

const collectionsOf = async (database: Db): Promise<string[]> => {
	const found = await database.listCollections({}, { nameOnly: true }).toArray();
	return found.map(({ name }) => name).filter((name) => !isLeftOut(name));
};

/** @throws when it is no whole backup, or something is there already; of what was cut off, the database has a part, and is to be dropped */
export async function restoreMongo(uri: string, file: string): Promise<string> {
	const client = await MongoClient.connect(uri, { writeConcern: DURABLE });
	try {
		const database = client.db();
		const taken = (await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
		if (taken.length > 0)
			throw new Error(`the database has ${taken.slice(0, 3).join(", ")} already; restore into an empty one`);
		const end = await insertAll(database, file);
		return `the database has ${end.lines} documents, and of them the ledger's log up to group ${end.sequence}, ${end.hash}`;
	} finally {
		await client.close();
	}
}

async function insertAll(database: Db, file: string): Promise<End> {
	const text = createReadStream(file).pipe(createGunzip());
	const waiting = new Map<string, Document[]>();
	const flush = async (name: string) => {
		const docs = waiting.get(name) ?? [];
		waiting.delete(name);
		if (name === LOG) await makeLog(database);
		if (docs.length > 0) await database.collection(name).insertMany(docs);
	};
	let lines = 0;
	let end: End | undefined;
	// A stream that breaks off ends the loop with its error.
	const broken = new Promise<never>((_, reject) => text.once("error", reject));
	broken.catch(() => undefined);
	const reading = (async () => {
		for await (const line of createInterface({ input: text })) {
			const said = EJSON.parse(line, { relaxed: false }) as Line;
			if ("end" in said) {
				// They come as MongoDB's own numbers.
				end = { ...said.end, lines: Number(said.end.lines), sequence: Number(said.end.sequence) };
				continue;
			}
			lines++;
			const docs = waiting.get(said.in) ?? [];
			docs.push(said.doc);
			waiting.set(said.in, docs);
			if (docs.length >= INSERTED_AT_ONCE) await flush(said.in);
		}
	})();
	await Promise.race([reading, broken]);
	for (const name of [...waiting.keys()]) await flush(name);
	if (end?.lines !== lines) throw new Error(`${file} is no whole backup: drop the database before you try another one`);
	return end;
}
