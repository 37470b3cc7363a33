import { batch, computed, signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import type { Problem } from "../sdk/problem.ts";
import { type Session, WalletClient } from "../sdk/wallet-client.ts";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { type Feed, followEvents } from "./feed.ts";

export type Me = Result<"user.me">;
export type Account = Pick<Me, "balance" | "available" | "pending" | "state">;
export type Transaction = Result<"user.listTransactions">["items"][number];
export type Approval = Result<"store.listApprovals">["items"][number] & {
	/** By the monotonic clock. */
	readonly untilMs: number;
};

/** What the app is before anything is on the screen. */
export const phase = signal<"starting" | "out" | "in" | "unreachable">("starting");
export const isOnline = signal(navigator.onLine);
/** Who is logged in. */
export const session = signal<Session | null>(null);
export const me = signal<Me | null>(null);
export const account = signal<Account | null>(null);
/** The newest, as the home screen shows them. */
export const recent = signal<readonly Transaction[] | null>(null);
export const approvals = signal<readonly Approval[]>([]);
/** What has just happened, until the person has seen it. */
export const arrived = signal<Transaction | null>(null);
export const isFrozen = computed(() => account.value !== null && account.value.state !== "open");

/** By `transferId`. What was on the screen before needs no second look. */
export const known = new Map<string, Transaction>();

const RECENT = 6;

let opened: WalletClient | undefined;
let feed: Feed | undefined;

/** The platform. @throws before `start` */
export function client(): WalletClient {
	if (!opened) throw new Error("The wallet has not started");
	return opened;
}

export async function start(): Promise<void> {
	addEventListener("online", () => {
		isOnline.value = true;
	});
	addEventListener("offline", () => {
		isOnline.value = false;
	});
	opened = await WalletClient.open();
	opened.watchSession((found) => void onSession(found));
	await resume();
}

/** Goes on where this browser was, if the platform can be reached. */
export async function resume(): Promise<void> {
	const resumed = await client().resume();
	if (!resumed.ok) phase.value = "unreachable";
	else if (!resumed.value) phase.value = "out";
}

async function onSession(found: Session | null): Promise<void> {
	feed?.stop();
	feed = undefined;
	session.value = found;
	if (!found) {
		batch(() => {
			me.value = null;
			account.value = null;
			recent.value = null;
			approvals.value = [];
			arrived.value = null;
			phase.value = "out";
		});
		return;
	}
	phase.value = "in";
	feed = followEvents(client(), {
		onAccount: (now) => {
			account.value = now;
			void lookForApprovals();
		},
		onTransaction: (transaction) => {
			recent.value = [transaction, ...without(withRefund(recent.value ?? [], transaction), transaction)].slice(
				0,
				RECENT,
			);
			if (transaction.reference) known.delete(transaction.reference);
			arrived.value = transaction;
		},
	});
	await Promise.all([readMe(), readRecent()]);
}

export async function readMe(): Promise<void> {
	const read = await client().call("user.me", {});
	if (!read.ok) return void say(read.problem);
	const { balance, available, pending, state } = read.value;
	batch(() => {
		me.value = read.value;
		account.value = { balance, available, pending, state };
	});
	await lookForApprovals();
}

async function readRecent(): Promise<void> {
	const read = await client().call("user.listTransactions", { limit: RECENT });
	if (!read.ok) return;
	const known = recent.value ?? [];
	const older = read.value.items.filter((item) => !known.some((other) => other.transferId === item.transferId));
	recent.value = [...known, ...older].sort((a, b) => b.postedAtMs - a.postedAtMs).slice(0, RECENT);
}

const without = (items: readonly Transaction[], { transferId }: Transaction) =>
	items.filter((other) => other.transferId !== transferId);

/** A purchase shows what was given back of it. One that is told twice was given back once. */
function withRefund(items: readonly Transaction[], refund: Transaction): readonly Transaction[] {
	const { kind, transferId, reference, amount } = refund;
	if (kind !== "refund" || items.some((item) => item.transferId === transferId)) return items;
	return items.map((item) =>
		item.transferId === reference ? { ...item, refunded: item.refunded + Math.abs(amount) } : item,
	);
}

/** What is held waits for the person: only then is there something to ask for. */
export async function lookForApprovals(): Promise<void> {
	if (!account.value?.pending) {
		if (approvals.value.length > 0) approvals.value = [];
		return;
	}
	const read = await client().call("store.listApprovals", {});
	if (!read.ok) return;
	const nowMs = performance.now();
	approvals.value = read.value.items.map((item) => ({ ...item, untilMs: nowMs + item.expiresInMs }));
}

/** Says in passing what went wrong. What ends the session shows by itself. */
export function say(problem: Problem): void {
	if (problem.code !== "session_ended") toast(problemText(problem), "danger");
}
