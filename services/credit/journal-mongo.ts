import { setTimeout as sleep } from "node:timers/promises";
import type { Collection, Db } from "mongodb";
import { answered, DUPLICATE_KEY, DURABLE, define, Mongo, Patience, SCATTERED } from "../../mixins/mongo.ts";
import {
	type Appended,
	type ClaimKey,
	emptyHead,
	type Group,
	type Head,
	headOf,
	type Journal,
	keyOf,
	PAGE_CHARACTERS_MAX,
} from "./journal.ts";

const COLLECTION = "ledger_groups";
/** Of what is in it. A change of that is another number, see "How the log is stored" in this folder's README. */
const VERSION = 1;
/** Has one document, which says the version of the log beside it. */
const SCHEMA = "ledger_schema";
/** Between attempts that the database answered with nothing new. */
const PAUSE_MS = 20;
/** Groups that one query asks for, each with its own time. */
const GROUPS_AT_ONCE = 64;
/** Claims that one query asks for. */
const CLAIMS_AT_ONCE = 2_000;

/** A group as it is stored. `_id` is its sequence number: there is one lane now. */
type Stored = {
	readonly _id: number;
	readonly lane: number;
	readonly hash: string;
	readonly previousHash: string;
	readonly committedAtMs: number;
	/** See `keyOf`. */
	readonly claims: readonly ClaimKey[];
	readonly body: string;
};
type Schema = { readonly _id: string; readonly version: number };

/**
 * The journal in MongoDB: a group is one document, `_id` its sequence number, written by one insert that is acknowledged when it is in
 * the journal of a majority. Any number of processes may append.
 *
 * **Compare-and-append without a second round trip.** The unique `_id` lets one group have a number, so what is left to compare is the
 * group before it. A group that a majority has is never rolled back and never changed; hence what was once seen there stays true, and
 * the journal remembers the last group that it saw. Whoever appends usually appends behind that one, and nothing needs to be asked; if
 * not, the predecessor is read first. Nothing can happen to it between that and the insert.
 *
 * **Unknown results.** No answer to an insert (a dropped connection, a primary that steps down, a write concern error, too late) says
 * nothing about what became of it. The manual calls only this certain, of "linearizable" reads: "The query returns data that reflects
 * all successful majority-acknowledged writes that completed prior to the start of the read operation". So a group that is found is in
 * the log. One that is *not* found may come later: the request may still lie in the socket of a server that is slow, or frozen, and
 * that is the primary, or becomes it again. No read can exclude that; only another group with this number can. So the same group is
 * inserted again, which is harmless since its number and its hash are the same, and settles it: it is in, or it (by its hash), or
 * another one was there before. When the time for that is over, the append rejects, and nobody may take the group for absent.
 *
 * **Surely absent** is therefore only what never became bytes: no server could be found, no connection be had. The driver must not be
 * asked for that by its errors: when it retries a write by itself and then finds no server, it throws the same
 * `MongoServerSelectionError` as when it has sent nothing (7.9; the specification asks for the first error there). So the insert goes
 * out as a plain command, which the driver neither numbers nor repeats ("The method should send the user's command document to the
 * server as-is"), and it is noted when its document is serialized, which happens after a connection was found, right before sending.
 * From the moment that it is given up it cannot be serialized any more.
 */
export class MongoJournal implements Journal {
	readonly #mongo: Mongo;
	#prepared: Promise<Prepared> | null = null;
	readonly isShared = true;
	/** The last group that was seen in the log of a majority. */
	#known: Head = emptyHead;

	constructor(uri: string) {
		this.#mongo = Mongo.open(uri);
	}

	async append(group: Group, claims: readonly string[]): Promise<Appended> {
		const patience = new Patience();
		const insertion = new Insertion(group, claims);
		try {
			if (!(await this.#followsAGroup(group, patience))) return { result: "conflict" };
			return await this.#insert(insertion, patience);
		} catch (error) {
			throw insertion.giveUp() ? unknown(error) : absent(error);
		}
	}

	async #insert(insertion: Insertion, patience: Patience): Promise<Appended> {
		for (;;) {
			const answer = await this.#attempt(insertion, patience);
			if (answer === "in") {
				this.#saw(headOf(insertion.group));
				return { result: "appended" };
			}
			const inTheWay = answer === "taken" && (await this.#whyNot(insertion, patience));
			if (inTheWay) return inTheWay;
			await sleep(PAUSE_MS);
		}
	}

	/** @returns undefined when there was no answer, or none that says anything, and there is time for another attempt */
	async #attempt(insertion: Insertion, patience: Patience): Promise<"in" | "taken" | undefined> {
		try {
			const { db } = await this.#groups(patience);
			return await answered(insertion.attempt(db, patience), patience);
		} catch (error) {
			const mayWorkSoon = (error as { type?: unknown }).type === "service_unavailable" && !patience.isOver;
			if (!mayWorkSoon) throw error;
			return undefined;
		}
	}

	/**
	 * What is in the way of a group. All three answers are final, also for earlier attempts that may still arrive: the number, or a claim,
	 * is taken by a group that a majority has.
	 *
	 * @returns undefined when nothing is: what was in the way was not durable and is gone, so the next attempt may succeed
	 */
	async #whyNot({ group, claims, mayStillCome }: Insertion, patience: Patience): Promise<Appended | undefined> {
		const there = await this.#hashAt(group.sequence, patience);
		// Our own group: an earlier attempt, whose answer got lost, has put it there. If there was none, it was appended long ago, by a
		// caller who then knows or will read it.
		if (there === group.hash && mayStillCome) return { result: "appended" };
		if (there !== undefined) return { result: "conflict" };
		const taken = await this.#find(claims, patience);
		// The number was taken while we looked: by an attempt of ours, perhaps.
		const isOvertaken = [...taken.values()].some((sequence) => sequence >= group.sequence);
		return taken.size > 0 && !isOvertaken ? { result: "duplicate", claims: [...taken.keys()] } : undefined;
	}

	async #followsAGroup({ sequence, previousHash }: Group, patience: Patience): Promise<boolean> {
		const before = sequence - 1;
		if (before === this.#known.sequence) return previousHash === this.#known.hash;
		// Numbers have no gaps, so those below the last one known are taken.
		if (before < this.#known.sequence) return false;
		return (await this.#hashAt(before, patience)) === previousHash;
	}

	/** Only groups that a majority has; and up to its end, where the log seems to end, see `#isThere`. */
	async read({ fromSequence, groupsMax }: { fromSequence: number; groupsMax: number }): Promise<Group[]> {
		const page = new Page(groupsMax);
		for (let next = fromSequence; page.room > 0; ) {
			const patience = new Patience();
			const limit = Math.min(page.room, GROUPS_AT_ONCE);
			const found = await this.#readInto(page, { from: next, limit }, patience);
			next += found;
			if (found < limit && page.room > 0 && !(await this.#isThere(next, patience))) break;
		}
		const last = page.groups.at(-1);
		if (last) this.#saw(headOf(last));
		return page.groups;
	}

	/** @returns how many were found */
	async #readInto(page: Page, { from, limit }: { from: number; limit: number }, patience: Patience): Promise<number> {
		const { groups } = await this.#groups(patience);
		const before = page.groups.length;
		const options = { ...at("majority", patience), sort: { _id: 1 }, limit, projection: { claims: 0 } } as const;
		const take = async () => {
			for await (const stored of groups.find({ _id: { $gte: from } }, options)) {
				page.add(toGroup(stored));
				if (page.room === 0) break;
			}
		};
		await answered(take(), patience);
		return page.groups.length - before;
	}

	/**
	 * A linearizable read first: the server that answers it is the primary, and a majority has everything that was acknowledged before. In
	 * most cases nothing comes behind the group that was seen last. Otherwise the last one is asked for, and the session makes sure
	 * that whoever answers knows as much as the first. To ask until nothing comes behind the last one would not end while others append.
	 */
	async head(): Promise<Head> {
		const patience = new Patience();
		const { groups } = await this.#groups(patience);
		const known = this.#known;
		return this.#mongo.causally(async ({ first, then }) => {
			const next = { ...at("linearizable", patience), session: first, projection: { _id: 1 } };
			if (!(await groups.findOne({ _id: known.sequence + 1 }, next))) return known;
			const options = {
				...at("majority", patience),
				session: then(),
				sort: { _id: -1 },
				projection: { claims: 0, body: 0 },
			} as const;
			const last = await groups.findOne({}, options);
			const head = last ? headOf(toGroup(last)) : emptyHead;
			this.#saw(head);
			return head;
		}, patience);
	}

	find(claims: readonly string[]): Promise<Map<string, number>> {
		return this.#find(claims, new Patience());
	}

	/** Claims that nobody seems to have made are asked for once more, as in `#isThere`: people act on "not seen". */
	async #find(claims: readonly string[], patience: Patience): Promise<Map<string, number>> {
		const found = await this.#holdersOf(claims, "majority", patience);
		const missing = claims.filter((claim) => !found.has(claim));
		for (const [claim, sequence] of await this.#holdersOf(missing, "linearizable", patience)) {
			found.set(claim, sequence);
		}
		return found;
	}

	/**
	 * "Linearizable read concern guarantees only apply if read operations specify a query filter that uniquely identifies a single
	 * document", says the manual, by a key that never changes and has a unique index. Each claim is such a key. Looking up several at
	 * once is a set of such reads, and they need not be of one moment.
	 */
	async #holdersOf(claims: readonly string[], level: Level, patience: Patience): Promise<Map<string, number>> {
		const found = new Map<string, number>();
		if (claims.length === 0) return found;
		for (let start = 0; start < claims.length; start += CLAIMS_AT_ONCE) {
			const some = claims.slice(start, start + CLAIMS_AT_ONCE);
			const keys = some.map(keyOf);
			const wanted = new Map(some.map((claim, index) => [nameOf(keys[index] as ClaimKey), claim]));
			const { groups } = await this.#groups(patience);
			// Of a thousand claims, those that are wanted.
			const those = { claims: { $setIntersection: ["$claims", { $literal: keys }] } };
			const options = { ...at(level, patience), projection: those, promoteBuffers: true } as const;
			const holders = await answered(groups.find({ claims: { $in: keys } }, options).toArray(), patience);
			for (const { _id, claims } of holders) {
				for (const holding of claims) {
					const claim = wanted.get(nameOf(holding));
					if (claim !== undefined) found.set(claim, _id);
				}
			}
		}
		return found;
	}

	/** The hash of the group with this number; undefined: none was acknowledged to anybody before this was asked. */
	async #hashAt(sequence: number, patience: Patience): Promise<string | undefined> {
		const { groups } = await this.#groups(patience);
		for (const level of ["majority", "linearizable"] as const) {
			const options = { ...at(level, patience), projection: { hash: 1, committedAtMs: 1 } };
			const stored = await answered(groups.findOne({ _id: sequence }, options), patience);
			if (!stored) continue;
			this.#saw({ sequence, hash: stored.hash, committedAtMs: stored.committedAtMs });
			return stored.hash;
		}
		return undefined;
	}

	/**
	 * A "majority" read never shows what may be rolled back, and is quick, but it may be old: a new primary "cannot update the commit
	 * point to reflect oplog entries from previous terms" until a majority has an entry of its own (MongoDB's architecture guide), which
	 * may take seconds; and an old primary that is cut off does not know yet that it is none. "linearizable" excludes both, since
	 * the server first makes an entry of its own durable in a majority; so it is asked wherever something seems not to be there.
	 */
	async #isThere(sequence: number, patience: Patience): Promise<boolean> {
		const { groups } = await this.#groups(patience);
		const options = { ...at("linearizable", patience), projection: { _id: 1 } };
		return (await answered(groups.findOne({ _id: sequence }, options), patience)) !== null;
	}

	#saw(head: Head): void {
		if (head.sequence > this.#known.sequence) this.#known = head;
	}

	/** Version and index must be durable before the first group that relies on them; where they are there these are quick questions. */
	async #groups(patience: Patience): Promise<Prepared> {
		this.#prepared ??= this.#mongo
			.database()
			.then(prepare)
			.catch((error: unknown) => {
				this.#prepared = null;
				throw error;
			});
		return answered(this.#prepared, patience);
	}

	async close(): Promise<void> {
		await this.#mongo.close();
	}
}

type Level = "majority" | "linearizable";
type Prepared = { readonly db: Db; readonly groups: Collection<Stored> };

/** Makes an empty log, where there is none. */
export function makeLog(db: Db): Promise<void> {
	return define(db, COLLECTION, [{ name: "claims", key: { claims: 1 }, unique: true, ...SCATTERED }]);
}

async function prepare(db: Db): Promise<Prepared> {
	const version = await versionOf(db);
	if (version !== VERSION) throw new Error(`the ledger's log has version ${version}, this Hannip knows ${VERSION}`);
	await answered(makeLog(db));
	return { db, groups: db.collection<Stored>(COLLECTION) };
}

/** Of a new log it is written down first. 0: there are groups, and nothing says how they are stored. */
async function versionOf(db: Db): Promise<number> {
	const patience = new Patience();
	const schema = db.collection<Schema>(SCHEMA);
	const read = (level: Level) => answered(schema.findOne({ _id: COLLECTION }, at(level, patience)), patience);
	const groups = db.collection<Stored>(COLLECTION);
	const known = await read("majority");
	if (known) return known.version;
	const options = { ...at("linearizable", patience), projection: { _id: 1 } };
	const isNew = (await answered(groups.findOne({ _id: 1 }, options), patience)) === null;
	if (isNew) {
		const written = schema.insertOne({ _id: COLLECTION, version: VERSION }, { writeConcern: DURABLE });
		await answered(written, patience).catch((error: { code?: unknown }) => {
			// Another process was first.
			if (error.code !== DUPLICATE_KEY) throw error;
		});
	}
	return (await read("linearizable"))?.version ?? 0;
}

/** `maxTimeMS` as the manual demands it for linearizable reads, which else wait for a majority for ever; the same for the others. */
const at = (level: Level, patience: Patience) => ({
	readConcern: { level },
	maxTimeMS: patience.leftMs,
	signal: patience.signal,
});

const toGroup = ({ _id, lane, hash, previousHash, committedAtMs, body }: Stored): Group => ({
	lane,
	sequence: _id,
	hash,
	previousHash,
	committedAtMs,
	body,
});

/** What was read so far: at most so many groups, and not much more than so many characters. */
class Page {
	readonly groups: Group[] = [];
	readonly #groupsMax: number;
	#characters = 0;

	constructor(groupsMax: number) {
		this.#groupsMax = groupsMax;
	}

	get room(): number {
		return this.#characters >= PAGE_CHARACTERS_MAX ? 0 : Math.max(this.#groupsMax - this.groups.length, 0);
	}

	add(group: Group): void {
		this.groups.push(group);
		this.#characters += group.body.length;
	}
}

const nameOf = (key: ClaimKey): string => key.toString("base64");

/** One group on its way into the log, and what is known of that. */
class Insertion {
	readonly group: Group;
	readonly claims: readonly string[];
	#mayStillCome = false;
	#isGivenUp = false;

	constructor(group: Group, claims: readonly string[]) {
		this.group = group;
		this.claims = claims;
	}

	/** An attempt was sent, and nothing was heard of what became of it. */
	get mayStillCome(): boolean {
		return this.#mayStillCome;
	}

	/** Nothing more is sent. @returns whether what was sent may still come */
	giveUp(): boolean {
		this.#isGivenUp = true;
		return this.#mayStillCome;
	}

	/** @returns "taken": its number or a claim is, so this attempt, other than those before it, has no effect any more */
	async attempt(db: Db, patience: Patience): Promise<"in" | "taken"> {
		const before = this.#mayStillCome;
		const command = {
			insert: COLLECTION,
			documents: [this.#document()],
			writeConcern: DURABLE,
			// Also ends an attempt that the server would only come to when nobody waits for it any more.
			maxTimeMS: patience.leftMs,
		};
		// Write concern errors are thrown by the driver.
		const { writeErrors } = await db.command(command, { signal: patience.signal });
		this.#mayStillCome = before;
		if (!writeErrors) return "in";
		const [{ code, errmsg }] = writeErrors as [{ code: number; errmsg: string }];
		if (code === DUPLICATE_KEY) return "taken";
		throw new Error(`MongoDB refuses the group: ${errmsg}`);
	}

	/** Notes when the driver asks for what to send: before that, nothing can have left this process. */
	#document(): { toBSON(): Stored } {
		const { sequence, lane, hash, previousHash, committedAtMs, body } = this.group;
		return {
			toBSON: () => {
				if (this.#isGivenUp) throw new Error("the group was given up before it was sent");
				this.#mayStillCome = true;
				const claims = this.claims.map(keyOf);
				return { _id: sequence, lane, hash, previousHash, committedAtMs, claims, body };
			},
		};
	}
}

const absent = (cause: unknown): Error =>
	Object.assign(new Error("MongoDB did not get the group", { cause }), { type: "ledger_unavailable" });

/** Without a type: whoever gets it does not know what is in the log. */
const unknown = (cause: unknown): Error => new Error("MongoDB did not say what became of the group", { cause });
