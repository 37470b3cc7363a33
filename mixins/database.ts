import { join } from "node:path";
import type { ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import type { Scalar } from "./document-query.ts";
import { MongoAdapter } from "./mongo-adapter.ts";
import { SqliteAdapter } from "./sqlite-adapter.ts";

/** One collection of documents. */
export type Collection = { readonly collection: string; readonly indexes?: readonly Index[] };

/**
 * `unique`: no two documents have the same values in these fields; documents in which one of them is missing or null do not count.
 */
export type Index = { readonly fields: readonly string[]; readonly unique?: true };

type Settings = { readonly dataDir: string; readonly mongodbUri?: string | null };

/** What keeps a collection, outside of a service. */
export const adapterFor = ({ dataDir, mongodbUri }: Settings, collection: Collection): Adapter =>
	mongodbUri
		? new MongoAdapter({ uri: mongodbUri, ...collection })
		: new SqliteAdapter({ path: join(dataDir, "hannip.sqlite"), ...collection });

type Collections = ReadonlyMap<string, Adapter>;
type WithCollections = { readonly schema: { readonly collections: Collections } };

/**
 * Gives a service collections of documents: connected before the service's own `started`, closed after its own `stopped`.
 *
 *     mixins: [database(settings, { collection: "users", indexes: [{ fields: ["handle"], unique: true }] })]
 *     …
 *     const users = documents<User>(this); // with several collections: documents<User>(this, "users")
 *
 * Of moleculer-db's generated actions none is left, whatever a version of it generates. Their `query` and `search` let anyone guess
 * hidden fields, `update` and `create` accept any field (a role, a balance), an operator object as `_id` reaches other documents,
 * `limit: 0` has no limit. A service writes the few actions that it means, with strict parameters; their names are free.
 */
export function database(
	settings: Settings,
	...described: readonly [Collection, ...Collection[]]
): Partial<ServiceSchema> {
	const mixin: Partial<ServiceSchema> & { merged(schema: object): void } = {
		mixins: [library],
		actions: Object.fromEntries(Object.keys(library.actions ?? {}).map((name) => [name, false])),
		// Only now: Moleculer clones schemas while it merges them, and a connection cannot be cloned.
		merged(schema) {
			const collections = new Map(described.map((each) => [each.collection, adapterFor(settings, each)]));
			// moleculer-db knows one adapter for a service. The first is that one, and the others come and go with it.
			Object.assign(schema, { collections, adapter: collections.get(described[0].collection) });
		},
		// Fails the start when there is no database. moleculer-db's own `started` tries again for ever, and the process would hang
		// where it should say what is wrong.
		async started() {
			for (const adapter of collectionsOf(this).values()) await adapter.connect();
			await this.connect();
		},
		async stopped() {
			for (const adapter of collectionsOf(this).values()) await adapter.disconnect();
		},
	};
	return mixin;
}

// Typed as a class, but it is a schema.
const { started: _retriesForEver, ...library } = DbService as unknown as ServiceSchema;

const collectionsOf = (service: unknown): Collections => (service as WithCollections).schema.collections;

/** The documents of a service that has the `database` mixin. @param collection needed if it has several */
export function documents<T extends { readonly _id: string }>(service: object, collection?: string): Documents<T> {
	const { collections = new Map() } = (service as Partial<WithCollections>).schema ?? {};
	const [only, ...others] = collections.keys();
	const name = collection ?? (others.length === 0 ? only : undefined);
	const adapter = name === undefined ? undefined : collections.get(name);
	if (!adapter)
		throw new Error(`this service has no documents ${collection ?? "of one collection only"}, see the database mixin`);
	return adapter as unknown as Documents<T>;
}

/**
 * What a service can do with its documents, whatever keeps them. A promise that resolves means that it is durable. Refusals:
 * DUPLICATE_KEY (409, `data.fields`) from everything that writes, WRITE_CONFLICT (409) from `writeMany`, TypeError for
 * what is outside of the subset of `document-query.ts`.
 */
export interface Documents<T extends { readonly _id: string }> {
	/** Sorted as asked and then by `_id`. */
	find(filter?: Filter<T>): Promise<T[]>;
	findOne(query: Address<T>): Promise<T | null>;
	findById(id: T["_id"]): Promise<T | null>;
	/** Each document once, in no promised order; unknown ids are left out. */
	findByIds(ids: readonly T["_id"][]): Promise<T[]>;
	/** With a limit: no further than that. */
	count(filter?: { readonly query?: Query<T>; readonly limit?: number }): Promise<number>;
	insert(doc: Draft<T>): Promise<T>;
	insertMany(docs: readonly Draft<T>[]): Promise<T[]>;
	/** How many matched. `updateMany({_id, version}, {$set: …, $inc: {version: 1}}) === 1` is an optimistic lock. */
	updateMany(query: Address<T>, update: Update<T>): Promise<number>;
	updateById(id: T["_id"], update: Update<T>): Promise<T | null>;
	/** How many there were. */
	removeMany(query: Address<T>): Promise<number>;
	removeById(id: T["_id"]): Promise<number>;
	/** All or nothing; an update that finds no document aborts everything. */
	writeMany(operations: readonly WriteOperation<T>[]): Promise<void>;
}

/** What moleculer-db needs beside that. Connecting what is connected, and disconnecting what is not, does nothing. */
export interface Adapter extends Documents<StoredDocument> {
	init(): void;
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	entityToObject<T>(entity: T): T;
	beforeSaveTransformID(entity: object, idField: string): object;
	afterRetrieveTransformID(entity: object, idField: string): object;
}

export type StoredDocument = { readonly _id: string; [field: string]: unknown };

export type Filter<T> = {
	readonly query?: Query<T>;
	/** "field" ascending, "-field" descending. */
	readonly sort?: string;
	readonly limit?: number;
	readonly offset?: number;
};

/** A document to insert; without an id it gets one. */
export type Draft<T extends { readonly _id: string }> = T extends unknown
	? Omit<T, "_id"> & { readonly _id?: T["_id"] }
	: never;

/** The fields of T that can be compared: those that may hold a scalar. */
export type Query<T> = T extends unknown
	? { readonly [K in keyof T & string as Comparable<T, K>]?: Match<Extract<T[K], Scalar>> }
	: never;

/** A query that says which documents to change, or which one to find: here an id is an id, never an operator. */
export type Address<T extends { readonly _id: string }> = Query<T> & { readonly _id?: T["_id"] };

export type Update<T> = {
	readonly $set?: Partial<Changeable<T>>;
	readonly $inc?: { readonly [K in keyof Changeable<T> as Numeric<T, K>]?: number };
};

/** An update finds its document by `_id` and, if given, by what else must still be so. */
export type WriteOperation<T extends { readonly _id: string }> =
	| { readonly insert: Draft<T> }
	| {
			readonly update: { readonly _id: T["_id"] } & Equalities<T>;
			readonly set?: NonNullable<Update<T>["$set"]>;
			readonly inc?: NonNullable<Update<T>["$inc"]>;
	  };

type Changeable<T> = T extends unknown ? Omit<T, "_id"> : never;
type Numeric<T, K> = K extends keyof T ? ([Extract<T[K], number>] extends [never] ? never : K) : never;

type Comparable<T, K extends keyof T> = [Extract<T[K], Scalar>] extends [never] ? never : K;
type Equalities<T> = T extends unknown
	? { readonly [K in keyof T & string as Comparable<T, K>]?: Extract<T[K], Scalar> | null }
	: never;

type Match<V> = V | null | Operators<V>;
type Operators<V> = {
	readonly $in?: readonly Extract<V, string>[];
	readonly $gt?: NonNullable<V>;
	readonly $gte?: NonNullable<V>;
	readonly $lt?: NonNullable<V>;
	readonly $lte?: NonNullable<V>;
};
