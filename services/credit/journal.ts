import { hash } from "node:crypto";
import type { Entry } from "./model.ts";

/**
 * The unit of the log: everything that was decided at once, chained to the group before it.
 * The entries are kept as the text they were hashed as, so that no store and no version of a driver can change the bytes.
 */
export type Group = {
	/** One log per lane; there is one lane now. */
	readonly lane: number;
	/** 1, 2, 3 … without gaps. */
	readonly sequence: number;
	/** SHA-256 in hex, over lane, sequence, previous hash, time and body. */
	readonly hash: string;
	readonly previousHash: string;
	readonly committedAtMs: number;
	/** The entries, as JSON. */
	readonly body: string;
};

export type Head = { readonly sequence: number; readonly hash: string; readonly committedAtMs: number };

export const emptyHead: Head = { sequence: 0, hash: "0".repeat(64), committedAtMs: 0 };

/** A page of groups lies in memory as a whole: it ends before its bodies are larger than this together, or after the first group. */
export const PAGE_CHARACTERS_MAX = 16_000_000;

export type Appended =
	| { readonly result: "appended" }
	/**
	 * Another group has this sequence number: read what was missed, decide again. Final, also for a request that is still on its way:
	 * this very group will never be in the log.
	 */
	| { readonly result: "conflict" }
	/** These claims are taken by earlier groups: find them, decide again. */
	| { readonly result: "duplicate"; readonly claims: readonly string[] };

/**
 * All that touches a database on the commit path. `append` is a compare-and-append: of two groups with the same sequence number
 * one wins, whoever writes it; so any number of writers is right, without locks and without a leader.
 *
 * When `append` resolves, the group is durable, or surely absent. It rejects with `ledger_unavailable` when the group is surely
 * absent, with anything else when that is not known; then `head` and `read` tell, once they answer.
 */
export interface Journal {
	/** Whether other processes append to it as well. */
	readonly isShared: boolean;
	/** No group that was acknowledged to anybody when this was called is after it. */
	head(): Promise<Head>;
	/** @param claims what may exist only once in the whole log, see `claimsOf` */
	append(group: Group, claims: readonly string[]): Promise<Appended>;
	/**
	 * Groups from a sequence number on, in order: at most `groupsMax`, and fewer when they are large (see `PAGE_CHARACTERS_MAX`).
	 * None means that there are none.
	 */
	read(range: { fromSequence: number; groupsMax: number }): Promise<Group[]>;
	/** The sequence numbers of the groups that hold these claims; claims that nobody made are left out. */
	find(claims: readonly string[]): Promise<Map<string, number>>;
	close(): Promise<void>;
}

export function makeGroup(input: { lane: number; previous: Head; nowMs: number; entries: readonly Entry[] }): Group {
	const { lane, previous, entries } = input;
	const chained = {
		lane,
		sequence: previous.sequence + 1,
		previousHash: previous.hash,
		committedAtMs: input.nowMs,
		body: JSON.stringify(entries),
	};
	return { ...chained, hash: hashOf(chained) };
}

export const hashOf = (group: Omit<Group, "hash">): string =>
	hash(
		"sha256",
		`${group.lane}\n${group.sequence}\n${group.previousHash}\n${group.committedAtMs}\n${group.body}`,
		"hex",
	);

export const entriesOf = (group: Group): readonly Entry[] => JSON.parse(group.body);

export const headOf = ({ sequence, hash, committedAtMs }: Group): Head => ({ sequence, hash, committedAtMs });

/** An entry takes its id, the id it keeps out, and the payment code it uses up: none of them can be taken again. */
export function claimsOf(entry: Entry): string[] {
	const claims: string[] = [entry.id];
	if (entry.tombstone) claims.push(entry.tombstone);
	if (entry.redeemed) claims.push(codeClaim(entry.redeemed.jti));
	return claims;
}

export const codeClaim = (jti: string): string => `code:${jti}`;

export type ClaimKey = Buffer;

/** How an index has a claim: 128 bits of SHA-256, a third of the space of an id, so a third of the pages; two claims that meet in them will not be seen. */
export const keyOf = (claim: string): ClaimKey => hash("sha256", claim, "buffer").subarray(0, 16);
