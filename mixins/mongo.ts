import type {
	ClientSession,
	Db,
	IndexDescription,
	MongoBulkWriteError,
	MongoClient,
	MongoClientOptions,
	MongoError,
} from "mongodb";
import { fail } from "../services/errors.ts";
import { PrimaryClock } from "./primary-clock.ts";

/** How long anybody waits for the database: a request has 3 s, and must still be answered when the database is not. */
const ANSWER_TIMEOUT_MS = 2_400;

/** An answer means: on the disks of a majority, so that no failover undoes it. */
export const DURABLE = { w: "majority", j: true } as const;

/** How the connections behave; whoever runs the database may set each of these in the URI. */
const usual = {
	appName: "hannip",
	// A database that is away is said after this time (MongoDB's own: 30 s). An election that takes longer is left to the next request.
	serverSelectionTimeoutMS: 1_500,
	// How a server that has gone silent, with its connections open, is found out: it is asked every 2 s, and has 1.5 s for its answer.
	heartbeatFrequencyMS: 2_000,
	connectTimeoutMS: 1_500,
	// Each connection is a thread of the server. The ledger needs two or three, documents a few for each request that is under way.
	maxPoolSize: 20,
	// All of them are busy: better said than waited for without end.
	waitQueueTimeoutMS: 1_000,
} as const satisfies MongoClientOptions;

/** What the code relies on, whatever the URI says. */
const required = {
	// A dropped connection or a new primary: the driver repeats a read, or a write to one document, once. The server knows a repeated
	// write by its number, so it happens once. (The ledger's append has reasons to do this by itself, see `journal-mongo.ts`.)
	retryReads: true,
	retryWrites: true,
	// `{note: undefined}` is a document without a note, as in JSON; the driver's own way is a note that is null.
	ignoreUndefined: true,
	readPreference: "primary",
	// For what does not say it at the operation. Transactions say it themselves: they take nothing from here.
	readConcern: { level: "majority" },
	writeConcern: DURABLE,
} as const satisfies MongoClientOptions;

/** A user's hold on the client that all users of the same URI in this process share: its connections, its view of the replica set. */
export class Mongo {
	readonly #shared: Shared;
	#open = true;

	private constructor(shared: Shared) {
		this.#shared = shared;
		shared.users += 1;
	}

	/** Connects to nothing yet. @param uri names the database, as in `mongodb://db-0,db-1,db-2/hannip?replicaSet=rs0` */
	static open(uri: string): Mongo {
		const shared = clients.get(uri) ?? share(uri);
		return new Mongo(shared);
	}

	/**
	 * The URI's database. Connects if need be; if that fails, the next call tries again, so that no process must be restarted when
	 * the database comes back. Once connected, the driver itself follows the replica set through whatever happens to it.
	 *
	 * @throws service_unavailable
	 */
	async database(patience = new Patience()): Promise<Db> {
		const client = await this.#client(patience);
		this.#shared.database ??= client.db();
		return this.#shared.database;
	}

	async #client(patience: Patience): Promise<MongoClient> {
		if (!this.#open) throw new Error("this connection to MongoDB was closed");
		const shared = this.#shared;
		shared.connected ??= connect(shared).catch((error: unknown) => {
			shared.connected = null;
			throw error;
		});
		return answered(shared.connected, patience);
	}

	/**
	 * Runs `work` as one transaction, durable when this resolves; repeated by the driver when it meets another one.
	 *
	 * Both concerns are set here and not inherited: a transaction without write concern "majority" guarantees nothing, not even for
	 * what it read (Jepsen, MongoDB 4.2.6).
	 *
	 * @param work must do nothing but database calls with this session: it may run several times
	 */
	async transaction<T>(work: (session: ClientSession) => Promise<T>, patience = new Patience()): Promise<T> {
		const attempt = (session: ClientSession) => {
			// The driver would try for 120 s.
			if (patience.isOver) throw unavailable("a transaction met others again and again");
			return work(session);
		};
		const client = await this.#client(patience);
		const whole = client.withSession((session) =>
			session.withTransaction(attempt, {
				readConcern: { level: "snapshot" },
				writeConcern: DURABLE,
				readPreference: "primary",
				maxCommitTimeMS: patience.leftMs,
			}),
		);
		return answered(whole, patience);
	}

	/**
	 * A session whose reads see at least what another session's reads have seen, whichever server answers them. (Not by one session for all: the
	 * driver would then repeat a linearizable read, which may be the first in a session only, as its second.)
	 */
	async causally<T>(
		work: (sessions: { first: ClientSession; then: () => ClientSession }) => Promise<T>,
		patience = new Patience(),
	) {
		const client = await this.#client(patience);
		const read = client.withSession({ causalConsistency: false }, (first) =>
			client.withSession({ causalConsistency: true }, (second) => {
				const then = () => {
					if (first.clusterTime) second.advanceOperationTime(first.clusterTime.clusterTime);
					return second;
				};
				return work({ first, then });
			}),
		);
		return answered(read, patience);
	}

	/** How far behind the primary each member of the replica set was when it was asked last; null for those that do not answer. */
	memberLagsMs(): readonly (number | null)[] {
		const members = [...this.#shared.members.values()];
		const primaryMs = Math.max(0, ...members.flatMap((member) => (member?.isPrimary ? member.writtenAtMs : [])));
		return members.map((member) => member && Math.max(0, primaryMs - member.writtenAtMs));
	}

	/** By how many ms this process's clock is ahead of the primary's; null as long as that was not heard. */
	get aheadMs(): number | null {
		return this.#shared.clock.aheadMs;
	}

	/** The last user's closes the client. */
	async close(): Promise<void> {
		if (!this.#open) return;
		this.#open = false;
		const shared = this.#shared;
		shared.users -= 1;
		if (shared.users > 0) return;
		clients.delete(shared.uri);
		await shared.client?.close();
	}
}

/**
 * The one clock of all processes, for what one of them says and another one judges: until when something is good. On MongoDB it is the
 * primary's, as far as this process is connected to it; where there is only one machine it is that one's. In ms since 1970.
 */
export const clockOf =
	({ mongodbUri }: { readonly mongodbUri: string | null }): (() => number) =>
	() =>
		(mongodbUri === null ? undefined : clients.get(mongodbUri)?.clock.nowMs()) ?? Date.now();

/**
 * For an index whose keys come in no order, so that nearly each write changes another page of it: small pages are cheaper to write again than
 * WiredTiger's own of 16 kB, and more of them may wait in its cache. With two million transfers stored the ledger is half as fast again with it.
 */
export const SCATTERED = { storageEngine: { wiredTiger: { configString: "leaf_page_max=4KB" } } } as const;

const NAMESPACE_EXISTS = 48;

/**
 * Makes a collection with its indexes; what is there already stays as it is. Durable, since a unique index that a failover undoes would
 * protect nothing; made by a majority, so that a member that is down holds up nobody's start. A large one takes its time.
 */
export async function define(db: Db, name: string, indexes: readonly IndexDescription[]): Promise<void> {
	await db.createCollection(name, { writeConcern: DURABLE }).catch((error: { code?: unknown }) => {
		if (error.code !== NAMESPACE_EXISTS) throw error;
	});
	if (indexes.length === 0) return;
	const durable = { commitQuorum: "majority", writeConcern: DURABLE } as const;
	await db.collection(name).createIndexes([...indexes], durable);
}

type Shared = {
	readonly uri: string;
	readonly options: MongoClientOptions;
	client: MongoClient | null;
	connected: Promise<MongoClient> | null;
	/** Of `client`: made once, since each takes as long as some of what it is asked. */
	database: Db | null;
	users: number;
	/** By address, as the driver's last look at each found it. */
	readonly members: Map<string, Member | null>;
	readonly clock: PrimaryClock;
};
type Member = { readonly isPrimary: boolean; readonly writtenAtMs: number };

const clients = new Map<string, Shared>();

function share(uri: string): Shared {
	const shared: Shared = {
		uri,
		options: optionsFor(uri),
		client: null,
		connected: null,
		database: null,
		users: 0,
		members: new Map(),
		clock: new PrimaryClock(),
	};
	clients.set(uri, shared);
	return shared;
}

/** Loads the driver only now: where no MongoDB is used it would cost 60 MB, and 0.2 s of each start. */
async function connect(shared: Shared): Promise<MongoClient> {
	const driver = await import("mongodb");
	if (shared.users === 0) throw new Error("this connection to MongoDB was closed");
	shared.client ??= watched(clientOf(driver, shared), shared);
	return shared.client.connect();
}

type Hello = {
	readonly isWritablePrimary?: boolean;
	readonly secondary?: boolean;
	readonly lastWrite?: { lastWriteDate: Date };
	readonly localTime: Date;
};

/** The driver asks every member every two seconds; what they say is noted, so that nobody has to ask for it. */
function watched(client: MongoClient, { members, clock }: Shared): MongoClient {
	return client
		.on("serverHeartbeatSucceeded", ({ connectionId, reply }) => {
			const { isWritablePrimary = false, secondary = false, lastWrite, localTime } = reply as Hello;
			const member = { isPrimary: isWritablePrimary, writtenAtMs: Number(lastWrite?.lastWriteDate ?? 0) };
			if (isWritablePrimary) clock.heard(connectionId, Number(localTime));
			members.set(connectionId, isWritablePrimary || secondary ? member : null);
		})
		.on("serverHeartbeatFailed", ({ connectionId }) => void members.set(connectionId, null))
		.on("serverClosed", ({ address }) => void members.delete(address));
}

/** The driver says what it does not understand, but not where it stands. */
function clientOf({ MongoClient }: typeof import("mongodb"), { uri, options }: Shared): MongoClient {
	try {
		return new MongoClient(uri, options);
	} catch (error) {
		throw new TypeError(`MONGODB_URI: ${(error as Error).message}`);
	}
}

/** No message has the URI in it: there may be a password. @throws TypeError when it names no database */
function optionsFor(uri: string): MongoClientOptions {
	const parts = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)(?:\?(.*))?$/.exec(uri);
	// The driver would take a database "test".
	if (!parts) throw new TypeError("the URI of MongoDB must name the database: mongodb://host/database");
	const given = new Set([...new URLSearchParams(parts[2]).keys()].map((name) => name.toLowerCase()));
	const rest = Object.entries(usual).filter(([name]) => !given.has(name.toLowerCase()));
	return { ...Object.fromEntries(rest), ...required };
}

/** How long the work that belongs together may take, all its steps together. */
export class Patience {
	readonly #endsAt: number;
	#over: AbortController | undefined;

	constructor(ms = ANSWER_TIMEOUT_MS) {
		this.#endsAt = performance.now() + ms;
	}

	/** At least 1: to MongoDB, 0 is without end. */
	get leftMs(): number {
		return Math.max(Math.ceil(this.#endsAt - performance.now()), 1);
	}
	get isOver(): boolean {
		return performance.now() >= this.#endsAt;
	}
	/** For the operations that take one, within `answered` with this patience: when that gives up, the driver closes the connection, and nothing goes on behind our back. */
	get signal(): AbortSignal {
		this.#over ??= new AbortController();
		return this.#over.signal;
	}
	giveUp(reason: Error): void {
		this.#over ??= new AbortController();
		this.#over.abort(reason);
	}
}

/**
 * Waits for the database, but not for ever: a server that was frozen, or a network that swallows everything, answers nothing at all,
 * and the driver finds that out later than a request can wait. What a write that was given up has done is not known.
 *
 * @throws service_unavailable when the database is away, else what the database says
 */
export async function answered<T>(work: Promise<T>, patience = new Patience()): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => {
			const error = unavailable("no answer in time", true);
			reject(error);
			patience.giveUp(error);
		}, patience.leftMs);
	});
	try {
		return await Promise.race([work, late]);
	} catch (error) {
		throw isAway(error) ? unavailable(error, isUnreachable(error)) : error;
	} finally {
		clearTimeout(timer);
	}
}

const unavailable = (cause: unknown, lacksDatabase = false): Error =>
	Object.assign(fail("service_unavailable", "The database does not answer", lacksDatabase ? { lacksDatabase } : {}), {
		cause,
	});

/** The server's code for a value that a unique index has already. */
export const DUPLICATE_KEY = 11_000;

/** The driver's classes for a server that is not there, or that did not answer: another process may reach it. */
const UNREACHABLE_NAMES = new Set([
	"MongoServerSelectionError",
	"MongoNetworkError",
	"MongoNetworkTimeoutError",
	"MongoOperationTimeoutError",
	"MongoPoolClearedError",
	"PoolClearedOnNetworkError",
	"MongoPoolClosedError",
	"MongoServerClosedError",
	"MongoTopologyClosedError",
	"MongoWaitQueueTimeoutError",
	"AbortError",
	"TimeoutError",
]);
/** The server's codes for: not the primary (any more), shutting down, took too long. */
const AWAY_CODES = new Set([6, 7, 50, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);
/** Node's, for a connection that the other end has closed: now and then the driver passes them on as they are (7.9). */
const AWAY_SOCKETS = new Set(["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"]);
const AWAY_LABELS = ["RetryableWriteError", "TransientTransactionError", "UnknownTransactionCommitResult"];

/** Nothing is wrong with what was asked: the same may succeed later. */
function isAway(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	// A write of many documents wraps what went wrong, under a name that says nothing of it.
	if (isBulkWriteError(error) && isAway(error.errorResponse)) return true;
	if (isUnreachable(error) || error.name === "MongoWriteConcernError") return true;
	if (AWAY_CODES.has(Number((error as { code?: unknown }).code))) return true;
	return isMongoError(error) && AWAY_LABELS.some(error.hasErrorLabel, error);
}

/** Another process may reach the server. */
function isUnreachable(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	if (isBulkWriteError(error) && isUnreachable(error.errorResponse)) return true;
	return UNREACHABLE_NAMES.has(error.name) || AWAY_SOCKETS.has(String((error as NodeJS.ErrnoException).code));
}

const isMongoError = (error: Error): error is MongoError => "hasErrorLabel" in error;

export const isBulkWriteError = (error: unknown): error is MongoBulkWriteError =>
	error instanceof Error && error.name === "MongoBulkWriteError";
