import DataLoader from "dataloader";
import type {
	AnyBulkWriteOperation,
	ClientSession,
	IndexDescription,
	Collection as MongoCollection,
	Filter as MongoFilter,
} from "mongodb";
import { AdapterBase, checkedDocument } from "./adapter-base.ts";
import type { Adapter, Collection, Index, StoredDocument } from "./database.ts";
import { duplicateKey, writeConflict } from "./document-errors.ts";
import {
	checkId,
	checkIds,
	compileQuery,
	type Listing,
	type Purpose,
	parseListing,
	parseUpdate,
	parseWrite,
} from "./document-query.ts";
import { answered, DUPLICATE_KEY, DURABLE, define, Mongo, Patience } from "./mongo.ts";

/**
 * A moleculer-db adapter on MongoDB, with the same meaning as the one on SQLite. A write that was answered is in the journal of a
 * majority; everything that writes several documents is one transaction.
 *
 * Reads are "majority": they show nothing that may be rolled back. Right after an election they may lack for a moment what was
 * acknowledged before it, so nothing may be decided by a read alone. What must be true when it is written belongs into the write: a
 * unique index, a version in the query of `updateMany` or `writeMany`. These compare with the newest state, on the primary.
 *
 * @see SqliteAdapter why only the `database` mixin hands it to Moleculer
 */
export class MongoAdapter extends AdapterBase implements Adapter {
	readonly #uri: string;
	readonly #described: Collection;
	#connection: Connection | undefined;

	constructor({ uri, ...collection }: Collection & { readonly uri: string }) {
		super(collection.collection);
		this.#uri = uri;
		this.#described = collection;
	}

	async connect(): Promise<void> {
		if (this.#connection) return;
		const mongo = Mongo.open(this.#uri);
		try {
			const db = await mongo.database();
			const { collection, indexes = [] } = this.#described;
			await define(db, collection, indexesOf(indexes));
			this.#connection = { mongo, collection: db.collection<StoredDocument>(collection) };
		} catch (error) {
			await mongo.close();
			throw error;
		}
	}

	async disconnect(): Promise<void> {
		const connection = this.#connection;
		this.#connection = undefined;
		await connection?.mongo.close();
	}

	async find(listing: Listing = {}): Promise<StoredDocument[]> {
		const { query: asked, order, limit, offset: skip } = parseListing(listing);
		const query = checkedQuery(asked, "list");
		const { field, direction } = order ?? { field: "_id", direction: 1 };
		const page = { sort: { [field]: direction, _id: direction }, limit: limit ?? 0, skip };
		return this.#ask((documents, patience) => documents.find(query, { ...reading(patience), ...page }).toArray());
	}

	async findOne(query: object): Promise<StoredDocument | null> {
		const checked = checkedQuery(query, "address");
		return this.#ask((documents, patience) => documents.findOne(checked, reading(patience)));
	}

	async findById(id: string): Promise<StoredDocument | null> {
		return this.#byId.load(checkId(id));
	}

	async findByIds(ids: readonly string[]): Promise<StoredDocument[]> {
		const found = await Promise.all(checkIds(ids).map((id) => this.#byId.load(id)));
		return found.filter((document) => document !== null);
	}

	/** Those who ask in the same moment ask together: under load, each question of its own costs the database more than what is found. */
	readonly #byId = new DataLoader<string, StoredDocument | null>(
		async (ids) => {
			const found = await this.find({ query: { _id: { $in: [...new Set(ids)] } } });
			const known = new Map(found.map((document) => [document._id, document]));
			return ids.map((id) => known.get(id) ?? null);
		},
		{ cache: false, maxBatchSize: 1_000, batchScheduleFn: (ask) => setImmediate(ask) },
	);

	async count(listing: Listing = {}): Promise<number> {
		const { query: asked, limit } = parseListing(listing);
		const query = checkedQuery(asked, "list");
		const upTo = limit === null ? {} : { limit };
		return this.#ask((documents, patience) => documents.countDocuments(query, { ...reading(patience), ...upTo }));
	}

	/** @returns the document as it is stored, with its id */
	async insert(doc: object): Promise<StoredDocument> {
		const stored = drafted(doc);
		await this.#ask((documents) => documents.insertOne(stored, writing));
		return stored;
	}

	async insertMany(docs: readonly object[]): Promise<StoredDocument[]> {
		const stored = docs.map(drafted);
		if (stored.length > 0) await this.#together((documents, session) => documents.insertMany(stored, { session }));
		return stored;
	}

	/** @returns how many documents matched. With a version in the query it is an optimistic lock: exactly one caller gets 1. */
	async updateMany(query: object, update: object): Promise<number> {
		const checked = checkedQuery(query, "address");
		const changes = checkedUpdate(update);
		// One document needs no transaction: MongoDB changes it as a whole, and the driver can repeat that by itself.
		const { matchedCount } = isOfOne(checked)
			? await this.#ask((documents) => documents.updateOne(checked, changes, writing))
			: await this.#together((documents, session) => documents.updateMany(checked, changes, { session }));
		return matchedCount;
	}

	async updateById(id: string, update: object): Promise<StoredDocument | null> {
		const address = { _id: checkId(id) };
		const changes = checkedUpdate(update);
		const options = { ...writing, returnDocument: "after" } as const;
		return this.#ask((documents) => documents.findOneAndUpdate(address, changes, options));
	}

	/** @returns how many documents there were */
	async removeMany(query: object): Promise<number> {
		const checked = checkedQuery(query, "address");
		const { deletedCount } = isOfOne(checked)
			? await this.#ask((documents) => documents.deleteOne(checked, writing))
			: await this.#together((documents, session) => documents.deleteMany(checked, { session }));
		return deletedCount;
	}

	/**
	 * All or nothing.
	 *
	 * @throws WRITE_CONFLICT when an update finds no document that is still as its query says
	 */
	async writeMany(operations: readonly object[]): Promise<void> {
		const steps = operations.map(parseStep);
		if (steps.length === 0) return;
		const changes = steps.filter((step) => "query" in step).length;
		await this.#together(async (documents, session) => {
			const { matchedCount } = await documents.bulkWrite(steps.map(bulkOf), { session, ordered: true });
			if (matchedCount !== changes) throw writeConflict();
		});
	}

	/** One operation outside of a transaction. */
	#ask<T>(work: (documents: Documents, patience: Patience) => Promise<T>): Promise<T> {
		const patience = new Patience();
		return this.#refusing(() => answered(work(this.#open.collection, patience), patience));
	}

	#together<T>(work: (documents: Documents, session: ClientSession) => Promise<T>): Promise<T> {
		const { mongo, collection } = this.#open;
		return this.#refusing(() => mongo.transaction((session) => work(collection, session)));
	}

	async #refusing<T>(work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} catch (error) {
			const fields = duplicateFieldsIn(error);
			throw fields ? duplicateKey(this.#described.collection, fields) : error;
		}
	}

	get #open(): Connection {
		if (!this.#connection) throw new Error(`the collection ${this.#described.collection} is not connected`);
		return this.#connection;
	}
}

type Documents = MongoCollection<StoredDocument>;
type Connection = { readonly mongo: Mongo; readonly collection: Documents };

const writing = { writeConcern: DURABLE } as const;

const reading = ({ leftMs, signal }: Patience) =>
	({ readConcern: { level: "majority" }, maxTimeMS: leftMs, signal }) as const;

// What comes in is checked by the same functions as for SQLite (the SQL that they make is not needed here), and copied: nobody can
// change it while it is under way, and what the checks saw is what is sent.

/** To the driver `_bsontype` would not be a field, but say that the object is something else. */
function plainCopy<T>(value: T): T {
	return JSON.parse(JSON.stringify(value), (name, inner) => {
		if (name === "_bsontype") throw new TypeError('"_bsontype" cannot be the name of a field');
		return inner;
	});
}

function checkedQuery(query: object, purpose: Purpose): MongoFilter<StoredDocument> {
	compileQuery(query, purpose);
	return plainCopy(query) as MongoFilter<StoredDocument>;
}

const isOfOne = ({ _id }: MongoFilter<StoredDocument>): boolean => typeof _id === "string";

function checkedUpdate(update: object): object {
	parseUpdate(update);
	// An update that changes nothing is one, too; to the driver, an empty object would be a document.
	return { $set: {}, ...plainCopy(update) };
}

const drafted = (doc: unknown): StoredDocument => plainCopy(checkedDocument(doc));

type Step =
	| { readonly insert: StoredDocument }
	| { readonly query: MongoFilter<StoredDocument>; readonly changes: object };

const bulkOf = (step: Step): AnyBulkWriteOperation<StoredDocument> =>
	"insert" in step
		? { insertOne: { document: step.insert } }
		: { updateOne: { filter: step.query, update: step.changes } };

function parseStep(operation: object): Step {
	const write = parseWrite(operation);
	if ("insert" in write) return { insert: drafted(write.insert) };
	return { query: checkedQuery(write.query, "address"), changes: checkedUpdate(write.update) };
}

// Indexes

function indexesOf(indexes: readonly Index[]): IndexDescription[] {
	const described = indexes.flatMap(indexDescriptions);
	return [...new Map(described.map((each) => [each.name, each])).values()];
}

/** The name has all that defines the index, so that another definition never hides behind a name that exists. */
function indexDescriptions({ fields, unique }: Index): IndexDescription[] {
	const names = fields.join(", ");
	const key = Object.fromEntries(fields.map((field) => [field, 1 as const]));
	const plain: IndexDescription = { name: `by ${names}`, key: { ...key, _id: 1 } };
	if (!unique) return [plain];
	const filter = { $and: fields.map(present) };
	const only: IndexDescription = { name: `unique ${names}`, key, unique, partialFilterExpression: filter };
	// A partial index serves queries for all of its fields. For those that name the first ones only there is a second index.
	return fields.length === 1 ? [only] : [only, plain];
}

/**
 * A field that is neither missing nor null. Written as comparisons, and not as `$type`, because of them the server sees that a query for
 * a value asks only for such documents, and uses the index; with `$type` each login would read all users (MongoDB 6).
 */
const present = (field: string): object => ({
	$or: ["", Number.NEGATIVE_INFINITY, false].map((lowest) => ({ [field]: { $gte: lowest } })),
});

/** The index is told by the message only, where many documents were written: "… index: unique storeId, sku dup key: …" or "… index: _id_ …". */
function duplicateFieldsIn(error: unknown): string[] | undefined {
	const { code, message } = error as { code?: unknown; message: string };
	if (code !== DUPLICATE_KEY) return undefined;
	// The first match: what comes behind it are values, which may look like anything.
	return / index: (?:_id_|unique (.+?)) dup key: /.exec(message)?.[1]?.split(", ") ?? ["_id"];
}
