import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Document, MongoClient } from "mongodb";
import { partPath } from "../parts.ts";
import { Link } from "./link.ts";
import { endWithUs, freePorts, freeze, hasEnded, until } from "./processes.ts";

const SET = "hannip";
/** The least that a mongod takes: tests keep little. */
const CACHE_GB = 0.25;
/** MongoDB's own 10 s and 2 s would make every test of a failover wait for them. */
const ELECTION_TIMEOUT_MS = 1_000;
const HEARTBEAT_MS = 200;

type Place = {
	readonly port: number;
	readonly folder: string;
	readonly cacheGb: number;
	readonly isAlone: boolean;
	/** The way by which everybody else reaches it, the other members too; if it can be cut. */
	readonly link?: Link | undefined;
};
export type Member = Place & { process: ChildProcess };

type Options = {
	readonly members?: 1 | 3;
	/** What WiredTiger keeps in memory. */
	readonly cacheGb?: number;
	/** Whether a member can be cut off. It costs a little. */
	readonly isCuttable?: boolean;
};

/** Real mongods on loopback, in a temporary folder: a replica set of one or three, with everything that can happen to one. */
export class ReplicaSet {
	readonly members: readonly Member[];
	readonly #root: string;

	private constructor(members: readonly Member[], root: string) {
		this.members = members;
		this.#root = root;
	}

	/** @throws when mongod cannot be had, or does not start */
	static async start({
		members: count = 1,
		cacheGb = CACHE_GB,
		isCuttable = false,
	}: Options = {}): Promise<ReplicaSet> {
		const mongod = partPath("mongod");
		const root = mkdtempSync(join(tmpdir(), "hannip-mongo-"));
		const ports = await freePorts(2 * count);
		const members = ports.slice(0, count).map(async (port, index) => {
			const link = isCuttable ? await Link.open(ports[count + index] as number, port) : undefined;
			return startMember(mongod, { port, folder: join(root, String(port)), cacheGb, isAlone: count === 1, link });
		});
		const set = new ReplicaSet(await Promise.all(members), root);
		try {
			for (const member of set.members) await answers(member);
			await set.#initiate();
			return set;
		} catch (error) {
			await set.stop();
			throw error;
		}
	}

	uri(database: string): string {
		const hosts = this.members.map(addressOf).join(",");
		return `mongodb://${hosts}/${database}?replicaSet=${SET}`;
	}

	async #initiate(): Promise<void> {
		const members = this.members.map((member, _id) => ({ _id, host: addressOf(member) }));
		const settings = { electionTimeoutMillis: ELECTION_TIMEOUT_MS, heartbeatIntervalMillis: HEARTBEAT_MS };
		await command(this.members[0], { replSetInitiate: { _id: SET, members, settings } });
		await this.complete();
	}

	/** Every member is the primary or follows it. */
	async complete(): Promise<void> {
		await until(async () => {
			const { members } = await command(await this.primary(), { replSetGetStatus: 1 });
			return (members as Document[]).every(({ state }) => state === 1 || state === 2);
		}, "the replica set is complete");
	}

	/** The member that says it can be written to; undefined while there is none. Asks those that answer. */
	async primary(): Promise<Member | undefined> {
		const found = await Promise.all(
			this.members.map(async (member) => {
				const hello = await command(member, { hello: 1 }).catch(() => undefined);
				return hello?.isWritablePrimary ? member : undefined;
			}),
		);
		return found.find((member) => member !== undefined);
	}

	async waitForPrimary(other?: Member): Promise<Member> {
		let primary: Member | undefined;
		await until(async () => {
			primary = await this.primary();
			return primary !== undefined && primary !== other;
		}, "there is a primary");
		return primary as Member;
	}

	/**
	 * With -9 it is as if the machine had lost its power, except that what was given to the file system stays. Told to end, a primary hands its
	 * place over first.
	 */
	async kill(member: Member, signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
		const ended = once(member.process, "exit");
		member.process.ref();
		member.process.kill(signal);
		await ended;
	}

	async restart(member: Member): Promise<void> {
		member.process = startMember(partPath("mongod"), member).process;
		await answers(member);
	}

	/** Frozen: its connections stay open, and nothing comes out of them. To the others it is gone. */
	pause(member: Member): void {
		freeze(Number(member.process.pid));
	}

	resume(member: Member): void {
		member.process.kill("SIGCONT");
	}

	/**
	 * Nobody reaches it any more, neither clients nor the other members; what it sends by itself still arrives. So it learns that the others
	 * have elected another one, and when it was the primary, what it was about to acknowledge is rolled back or is not.
	 */
	cut({ link }: Member): void {
		if (!link) throw new Error("the members of this set cannot be cut off");
		link.cut();
	}

	heal({ link }: Member): void {
		link?.heal();
	}

	/** The primary gives up its place and may not have it again for some time. */
	async stepDown(seconds = 5): Promise<Member> {
		const primary = await this.waitForPrimary();
		await command(primary, { replSetStepDown: seconds, secondaryCatchUpPeriodSecs: 1, force: true });
		return primary;
	}

	/** What MongoDB's own tests use: `closeConnection`, `errorCode`, `writeConcernError`, `blockTimeMS` … for the next commands. */
	async failNext(times: number, data: Document): Promise<void> {
		await command(await this.waitForPrimary(), { configureFailPoint: "failCommand", mode: { times }, data });
	}

	async stop(): Promise<void> {
		await Promise.all(this.members.map((member) => (hasEnded(member.process) ? undefined : this.kill(member))));
		await Promise.all(this.members.map(({ link }) => link?.close()));
		rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 });
	}
}

const addressOf = ({ port, link }: Place): string => `127.0.0.1:${link?.port ?? port}`;

function startMember(mongod: string, { port, folder, cacheGb, isAlone, link }: Place): Member {
	mkdirSync(folder, { recursive: true });
	const settings = [
		...["enableTestCommands=1", "diagnosticDataCollectionEnabled=false", "ttlMonitorEnabled=false"],
		// So long it hands its place over, and lets those who use it go elsewhere. By itself it takes 15 s for that.
		"shutdownTimeoutMillisForSignaledShutdown=3000",
	];
	const mongodProcess = spawn(
		mongod,
		[
			...["--replSet", SET, "--bind_ip", "127.0.0.1", "--port", String(port), "--nounixsocket"],
			...["--dbpath", folder, "--wiredTigerCacheSizeGB", String(cacheGb), "--oplogSize", "256"],
			// Alone, a member waits that long before it says that an entry is on its disk. Among three each says it at once, and to flush so often
			// would only cost: a third of the CPU of a write, and two thirds of what they take at rest.
			...(isAlone ? ["--journalCommitInterval", "2"] : []),
			...["--quiet", "--logpath", join(folder, "mongod.log"), "--logappend"],
			...settings.flatMap((setting) => ["--setParameter", setting]),
		],
		{ stdio: "ignore" },
	);
	endWithUs(mongodProcess, { remove: dirname(folder) });
	return { port, folder, cacheGb, isAlone, link, process: mongodProcess };
}

async function answers(member: Member): Promise<void> {
	await until(async () => {
		if (hasEnded(member.process)) throw new Error(`mongod ended: ${lastLines(member)}`);
		await command(member, { ping: 1 });
		return true;
	}, "mongod answers");
}

const lastLines = ({ folder }: Member): string =>
	readFileSync(join(folder, "mongod.log"), "utf8").split("\n").slice(-5).join("\n");

/** Asks one member, whatever it is in the set. */
async function command(member: Member | undefined, request: Document): Promise<Document> {
	const client = new MongoClient(`mongodb://127.0.0.1:${member?.port}/?directConnection=true`, {
		serverSelectionTimeoutMS: 1_000,
		socketTimeoutMS: 10_000,
	});
	try {
		return await client.db("admin").command(request);
	} finally {
		await client.close();
	}
}
