import type { ActionParams, ActionSchema, Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { Static } from "typebox";
import { metricsOf } from "../../mixins/metrics.ts";
import { isTraceId } from "../../mixins/trace-id.ts";
import type { Settings } from "../../moleculer.config.ts";
import { action, afterBooking, type Meta, type Result } from "../actions.ts";
import { fail, failAt } from "../errors.ts";
import { LedgerAppended } from "../events.ts";
import { type AuditProgress, auditLedger } from "./audit-run.ts";
import { witnessOf } from "./commit-trace.ts";
import { creditActions, REFUNDS_MAX, TOTALS_MAX } from "./credit.actions.ts";
import { readFeed } from "./feed.ts";
import type { Head } from "./journal.ts";
import { LedgerMetrics } from "./ledger-metrics.ts";
import {
	type Account,
	type AccountId,
	type AccountKind,
	availableOf,
	balanceOf,
	type Command,
	type CommandId,
	type Counters,
	type Details,
	type Entry,
	type Jti,
	type Transfer,
	type TransferId,
} from "./model.ts";
import { isFirstOfLedger, nightOf } from "./nightly-audit.ts";
import { logOf } from "./operation.ts";
import { operatorService } from "./operator.service.ts";
import type { OperatorLog } from "./operator-log.ts";
import type { Place } from "./read-model.ts";
import { RunningLedger } from "./running-ledger.ts";
import { checkRange, endOf, placeOf, toCursor } from "./statement-cursor.ts";
import { howManyFit, pageAfter, pageOf } from "./statement-page.ts";
import { openStorage } from "./storage.ts";
import { traceOf } from "./trace.ts";

/** The service that keeps it runs in the same process, and starts after this one. @throws service_unavailable before that */
function operatorLogBeside(broker: ServiceBroker): OperatorLog {
	const service = broker.getLocalService("operator");
	if (!service) throw fail("service_unavailable");
	return logOf(service);
}

const SECOND_MS = 1_000;
const SYSTEM_ACCOUNTS = ["system:funding", "system:settlement", "system:fees", "system:adjustment"];

type Credit = Service & {
	ledger: RunningLedger;
	measure: LedgerMetrics | null;
	everySecond: NodeJS.Timeout;
	/** The last one that this process knows, and with it whether it is time for an audit. */
	night: number;
	/** The one that is under way. */
	audit?: { readonly progress: AuditProgress | null; readonly result: Promise<Result<"credit.audit">> } | null;
};
const ledgerOf = (service: Service): RunningLedger => (service as Credit).ledger;

/** The ledger, and beside it those who operate it: what they do is kept where what must not be edited is kept. */
export default (settings: Settings): readonly ServiceSchema[] => [ledgerService(settings), operatorService(settings)];

/** The ledger as a service: it checks, submits and words the answer; every rule is in `ledger.ts`. */
const ledgerService = (settings: Settings): ServiceSchema => ({
	name: "credit",

	actions: onOneProcess({
		open: action("public", creditActions.open, async function (ctx) {
			const { accountId, owner } = ctx.params;
			const kind = accountId.slice(0, accountId.indexOf(":")) as AccountKind;
			const id = `system.open:${accountId}` as CommandId;
			const ids = { id, fingerprint: `${kind} ${owner}` };
			await submit(this, ctx, { type: "open", ...ids, accountId: accountId as AccountId, kind, owner });
			return view(await afterBooking(() => existing(this, accountId)));
		}),

		transfer: action("public", creditActions.transfer, async function (ctx) {
			const { hold, redeem, deadlineMs, ...rest } = ctx.params;
			const command: Command = {
				type: "transfer",
				...(rest as Omit<Extract<Command, { type: "transfer" }>, "type">),
				details: traced(ctx, rest.details as Details),
				...(hold && { hold }),
				...(redeem && { redeem: { ...redeem, jti: redeem.jti as Jti } }),
				...(deadlineMs !== undefined && { deadlineMs }),
			};
			return booked(await submit(this, ctx, command));
		}),

		refuse: action("public", creditActions.refuse, async function (ctx) {
			const { id, ...rest } = ctx.params;
			const command: Command = { type: "refuse", id: id as CommandId, ...rest };
			const receipt = await ledgerOf(this).submit(command, witnessOf(ctx));
			const { refusal } = receipt.entry;
			if (!refusal) return booked(receipt);
			if (refusal !== rest.refusal) throw fail(refusal);
			return null;
		}),

		recall: action("public", creditActions.recall, async function (ctx) {
			const { id, fingerprint } = ctx.params;
			const ledger = ledgerOf(this);
			const { entry } = await ledger.settled(id as CommandId);
			if (!entry) return null;
			if (entry.tombstone === id) throw fail("cancelled");
			if (entry.fingerprint !== fingerprint || entry.type !== "transfer") throw fail("idempotency_key_reused");
			if (entry.refusal) throw fail(entry.refusal);
			return booked({ entry, replayed: true, sequence: ledger.sequence });
		}),

		post: action("public", creditActions.post, async function (ctx) {
			const params = ctx.params as Ids & { transferId: TransferId; amount?: number };
			const { replayed } = await submit(this, ctx, { type: "post", ...params });
			return afterBooking(async () => ({ ...(await existingTransfer(this, params.transferId)), replayed }));
		}),

		void: action("public", creditActions.void, async function (ctx) {
			const params = ctx.params as Ids & { transferId: TransferId };
			const { replayed } = await submit(this, ctx, { type: "void", ...params });
			return afterBooking(async () => ({ ...(await existingTransfer(this, params.transferId)), replayed }));
		}),

		refund: action("public", creditActions.refund, async function (ctx) {
			const params = ctx.params as Ids & { transferId: TransferId; amount?: number; details: Details };
			return booked(await submit(this, ctx, { type: "refund", ...params, details: traced(ctx, params.details) }));
		}),

		cancel: action("public", creditActions.cancel, async function (ctx) {
			const params = ctx.params as Ids & { targetId: CommandId; details: Details };
			const details = traced(ctx, params.details);
			const { entry, replayed } = await submit(this, ctx, { type: "cancel", ...params, details });
			return { effect: effectOfCancel(entry), refund: entry.created ?? null, replayed };
		}),

		setState: action("public", creditActions.setState, async function (ctx) {
			const { accountId, ...rest } = ctx.params;
			await submit(this, ctx, {
				type: "set-state",
				accountId: accountId as AccountId,
				...rest,
				id: rest.id as CommandId,
			});
			return view(await afterBooking(() => existing(this, accountId)));
		}),

		account: action("published", creditActions.account, async function (ctx) {
			return view(await existing(this, ctx.params.accountId));
		}),

		outcome: action("published", creditActions.outcome, async function (ctx) {
			return outcome(ledgerOf(this), ctx.params.id);
		}),

		trace: action("public", creditActions.trace, async function (ctx) {
			const ledger = ledgerOf(this);
			await ledger.latest();
			return { entries: await traceOf(ledger, ctx.params.id) };
		}),

		listHolds: action("published", creditActions.listHolds, async function (ctx) {
			// Asked for nothing in particular, there may be no parameters at all.
			const { limit = 20, ...asked } = ctx.params ?? {};
			const ledger = ledgerOf(this);
			await ledger.latest();
			const holds = ledger.holds(asked);
			const first = holds.slice(0, limit);
			const items = first.slice(0, howManyFit(first));
			return { items, isAll: items.length === holds.length };
		}),

		statement: action("published", creditActions.statement, async function (ctx) {
			const { cursor, accountId, limit = 20, order = "newest first", ...rest } = ctx.params;
			checkRange(rest);
			const ledger = ledgerOf(this);
			await existing(this, accountId);
			const place = cursor === undefined ? null : placeOf(cursor, "cursor");
			// The page before may be of a process that knew more: what lies behind it must not be taken for all that there is.
			if (place && (order === "oldest first" || place.sequence > ledger.sequence)) await ledger.latest();
			// Whoever was told that it is booked must find it here. What came since may be in the read model in part: no line of it, or the
			// next page would go on behind one that was not there yet.
			const { sequence } = ledger;
			await ledger.readModel.reached(sequence);
			const asked = { ...rest, accountId: accountId as AccountId, limit };
			if (order === "newest first") return pageOf(ledger.readModel, { ...asked, before: place ?? endOf(sequence) });
			return pageAfter(ledger.readModel, { ...asked, after: { place: place ?? endOf(0), lastSequence: sequence } });
		}),

		activity: action("public", creditActions.activity, async function (ctx) {
			const { accountId, after, limit = 20 } = ctx.params;
			const ledger = ledgerOf(this);
			const account = await existing(this, accountId);
			const { sequence } = ledger;
			const asked = after === undefined ? endOf(sequence) : placeOf(after, "after");
			// From a log that went on further before it was restored: what was told of that is not there any more.
			const place = asked.sequence > sequence ? endOf(sequence) : asked;
			await ledger.readModel.reached(sequence);
			const query = { accountId: account.id, limit, after: { place, lastSequence: sequence } };
			const lines = await ledger.readModel.statement(query);
			const isAll = lines.length < limit;
			const items = lines.map((line) => ({ ...line, cursor: toCursor(line) }));
			return {
				items,
				isAll,
				cursor: toCursor(isAll ? endOf(sequence) : (lines.at(-1) as Place)),
				account: view(account),
			};
		}),

		feed: action("public", creditActions.feed, async function (ctx) {
			// Asked from now on, there may be no parameters at all.
			const { after } = ctx.params ?? {};
			const ledger = ledgerOf(this);
			await ledger.latest();
			const place = after === undefined ? endOf(ledger.sequence) : placeOf(after, "after");
			const { items, end, isAll } = await readFeed(ledger, place);
			return {
				items: items.map((item) => ({ ...item, accountIds: [...item.accountIds] })),
				cursor: toCursor(end),
				isAll,
			};
		}),

		totals: action("public", creditActions.totals, async function (ctx) {
			const { accountId, fromMs, toMs } = ctx.params;
			const ledger = ledgerOf(this);
			await ledger.latest();
			await ledger.readModel.reached(ledger.sequence);
			const totals = await ledger.readModel.totals({ accountId: accountId as AccountId, fromMs, toMs });
			if (totals.length > TOTALS_MAX) throw failAt("toMs", "is of more hours than can be told at once");
			return [...totals];
		}),

		audit: action("published", creditActions.audit, async function () {
			const credit = this as Credit;
			// Whoever asks while one is under way gets its result: two would take twice from the payments beside them.
			credit.audit ??= {
				progress: null,
				result: auditLedger(credit.ledger, {
					operations: operatorLogBeside(this.broker),
					onProgress: (progress) => Object.assign(credit.audit ?? {}, { progress }),
				})
					.then((result) => {
						credit.measure?.audited(result);
						// What it is may name somebody; whoever asks for an audit hears it.
						if (!result.clean) this.logger.error("An audit found something wrong.");
						return result;
					})
					.finally(() => {
						credit.audit = null;
					}),
			};
			return credit.audit.result;
		}),

		status: action("published", creditActions.status, async function () {
			const { sequence, waiting, appended, readModel } = ledgerOf(this);
			const auditing = (this as Credit).audit?.progress ?? null;
			return { sequence, waiting, appended, readModelSequence: readModel.watermark, auditing };
		}),
	}),

	events: {
		"ledger.appended": {
			params: LedgerAppended as object as ActionParams,
			handler(ctx: Context<Static<typeof LedgerAppended>>) {
				ledgerOf(this).follow(ctx.params.sequence);
			},
		},
	},

	async started() {
		const metrics = metricsOf(this.broker);
		const measure = metrics && new LedgerMetrics(metrics);
		const ledger = await RunningLedger.open({
			...(await openStorage(settings)),
			onFailed: (error) => {
				measure?.failed(error);
				this.logger.error("A group of the ledger failed.", error);
			},
			onAppended: (head, entries) => {
				measure?.appended(entries);
				tell(this.broker, head, entries);
			},
			observer: measure ?? undefined,
		});
		measure?.read(ledger);
		this.measure = measure;
		this.ledger = ledger;
		for (const accountId of SYSTEM_ACCOUNTS) {
			// Asked for again it would be found in the log, but only by an append, which waits for its turn beside another process's.
			if (!(await ledger.account(accountId as AccountId))) await this.actions.open?.({ accountId, owner: "system" });
		}
		this.night = nightOf(Date.now(), settings.auditHour);
		this.everySecond = setInterval(() => {
			auditByNight(this as Credit, settings.auditHour);
			ledger.lookForMore();
			ledger.expireHolds().catch((error: unknown) => this.logger.warn("Holds could not be expired.", error));
		}, SECOND_MS);
	},

	async stopped() {
		clearInterval(this.everySecond);
		await this.ledger?.close();
	},
});

/** Once a night somebody looks at all of it, also where nobody asks. */
function auditByNight(credit: Credit, hour: number): void {
	const night = nightOf(Date.now(), hour);
	if (night === credit.night) return;
	credit.night = night;
	if (!isFirstOfLedger(credit.broker)) return;
	const audited = credit.actions.audit?.({});
	audited?.catch((error: unknown) => credit.logger.error("The audit of this night could not be made.", error));
}

/**
 * To every process of the ledger, this one too, which knows it already; to the gateways, where people wait for news of their wallets;
 * and to those who send webhooks. Whoever does not hear it looks by itself soon.
 */
function tell(broker: ServiceBroker, { sequence }: Head, entries: readonly Entry[]): void {
	broker.broadcast("ledger.appended", { sequence, accountIds: touchedBy(entries) }, ["credit", "api", "store"]);
}

/** The wallets and stores that are not any more what they were. */
function touchedBy(entries: readonly Entry[]): AccountId[] {
	const ids = entries.flatMap(({ counters = [], stateSet }) => [
		...counters.map(([id]) => id),
		...(stateSet ? [stateSet.accountId] : []),
	]);
	return [...new Set(ids)].filter((id) => !id.startsWith("system:"));
}

/**
 * Callers name a lane (see `hedging`), and Moleculer sends all of a lane to one process while it is there. That makes it fast: two
 * writers are right as well, but one of them always has to decide anew. And who asks there reads what was booked there.
 */
const onOneProcess = (actions: Record<string, ActionSchema>): Record<string, ActionSchema> => {
	const byLane = { strategy: "Shard", strategyOptions: { shardKey: "#lane" } };
	return Object.fromEntries(Object.entries(actions).map(([name, schema]) => [name, { ...schema, ...byLane }]));
};

type Ids = { id: CommandId; fingerprint: string };

/**
 * The receipt of what is booked says in which request that was: of the same command asked again, the first one. Nothing tells commands apart by it;
 * what no request from outside has begun has none.
 */
const traced = ({ requestID }: Context, details: Details): Details =>
	isTraceId(requestID) ? { ...details, traceId: requestID } : details;

/** @throws the refusal's code */
async function submit(service: Service, ctx: Context<unknown, Meta>, command: Command) {
	const receipt = await ledgerOf(service).submit(command, witnessOf(ctx));
	const { refusal } = receipt.entry;
	if (refusal) throw fail(refusal);
	return receipt;
}

function booked({
	entry,
	replayed,
	sequence,
}: {
	entry: Entry;
	replayed: boolean;
	sequence: number;
}): Result<"credit.transfer"> {
	const [debit, credit] = entry.counters as readonly [Counters, Counters];
	const balance = ([, debits, credits]: Counters) => credits - debits;
	const transfer = entry.created as Transfer;
	return { transfer, debitBalance: balance(debit), creditBalance: balance(credit), replayed, sequence };
}

function effectOfCancel({ created, changed, tombstone }: Entry): Result<"credit.cancel">["effect"] {
	if (created) return "refunded";
	if (changed) return "voided";
	return tombstone ? "kept_out" : "none";
}

async function outcome(ledger: RunningLedger, id: string): Promise<Result<"credit.outcome">> {
	await ledger.latest();
	const { state, entry } = await ledger.outcome(id as CommandId);
	// What is not seen is asked for again and again by whoever waits for it.
	const transfer = (entry?.created && (await ledger.transfer(id as TransferId))) ?? null;
	await ledger.readModel.reached(ledger.sequence);
	const refunds = transfer?.refunded ? await ledger.readModel.refundsOf(transfer.id, REFUNDS_MAX) : [];
	const refusal = entry?.tombstone === id ? "cancelled" : (entry?.refusal ?? null);
	// Of a refund that was refused the log has the command's type only.
	const kind = transfer?.kind ?? entry?.kind ?? (entry?.type === "refund" ? "refund" : null);
	return { state, kind, refusal, transfer, refunds: [...refunds] };
}

async function existing(service: Service, id: string): Promise<Account> {
	const ledger = ledgerOf(service);
	await ledger.latest();
	const account = await ledger.account(id as AccountId);
	if (!account) throw fail("account_not_found");
	return account;
}

async function existingTransfer(service: Service, id: string): Promise<Transfer> {
	const ledger = ledgerOf(service);
	await ledger.latest();
	const transfer = await ledger.transfer(id as TransferId);
	if (!transfer) throw fail("transfer_not_found");
	return transfer;
}

const view = (account: Account): Result<"credit.account"> => ({
	id: account.id,
	kind: account.kind,
	owner: account.owner,
	state: account.state,
	balance: balanceOf(account),
	available: availableOf(account),
	pending: account.debitsPending,
});
