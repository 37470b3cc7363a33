import type { ActionParams, Context, Middleware, ServiceBroker, ServiceSchema } from "moleculer";
import type { Static } from "typebox";
import { TraceKept } from "../services/events.ts";
import { metricsOf } from "./metrics.ts";
import { type Span, ZipkinSender } from "./zipkin-sender.ts";

/** A request that takes longer is one that somebody will ask about. */
const SLOW_MS = 1_000;
/** How long spans are kept for a trace of which it is not known yet how it ends: longer than a request may take. */
const UNDECIDED_MS = 5_000;
const UNDECIDED_TRACES_MAX = 4_000;
const SPANS_PER_TRACE_MAX = 100;
/** In an incident everything fails; a few traces a second tell as much as all of them. */
const KEPT_PER_SECOND_MAX = 20;

export type TraceOptions = { readonly url: string; readonly rate: number };
type Undecided = { readonly since: number; readonly spans: Span[]; isKept: boolean };

/**
 * Which traces are kept. A share is kept from the start; which ones follows from the id, so that all processes that a request goes through
 * decide alike. Of the others spans wait in memory, and are kept as well when the gateway sees at the end that the request failed or was
 * slow; it tells that to the other processes.
 */
export class Traces {
	readonly #rate: number;
	readonly #sender: ZipkinSender;
	/** In the order in which they began. */
	readonly #undecided = new Map<string, Undecided>();
	#second = 0;
	#keptInSecond = 0;

	constructor(broker: ServiceBroker, { url, rate }: TraceOptions) {
		this.#rate = rate;
		const logger = broker.getLogger("traces");
		const failed = (reason: string, count: number) => logger.warn("Spans were not taken by Zipkin.", { count, reason });
		this.#sender = new ZipkinSender(url, failed);
		countSpans(broker, this.#sender);
	}

	/** What is finished by now is sent. */
	stop(): Promise<void> {
		return this.#sender.stop();
	}

	/** A call in this process is over. Of what it said and was told nothing is kept: a request's name is its route, see `nameSpan`. */
	sawCall(ctx: Context, call: Pick<Span, "startedAtMs" | "tookMs" | "error">): void {
		const { id, requestID, parentID, nodeID, broker, action, service } = ctx;
		// They come over NATS as another process wrote them.
		if (typeof requestID !== "string" || (isOfNoRequest(requestID) && call.error === undefined)) return;
		this.saw({
			...call,
			id,
			traceId: requestID,
			parentId: typeof parentID === "string" ? parentID : null,
			name: spanNames.get(ctx) ?? action?.name ?? "call",
			service: service?.name ?? "hannip",
			node: broker.nodeID,
			isServer: nodeID !== broker.nodeID || !parentID,
		});
	}

	/** What no request has begun, such as a look at what is due, would fill Zipkin with what nobody asks about, unless it fails. */
	saw(span: Span): void {
		if (isOfNoRequest(span.traceId) ? span.error !== undefined : this.isSampled(span.traceId)) this.#sender.send(span);
		else if (!isOfNoRequest(span.traceId)) this.#wait(span);
	}

	#wait(span: Span): void {
		const undecided = this.#undecided.get(span.traceId) ?? this.#begin(span.traceId);
		if (undecided.isKept) this.#sender.send(span);
		else if (undecided.spans.length < SPANS_PER_TRACE_MAX) undecided.spans.push(span);
	}

	/** Whether it is one of the share that is kept whatever becomes of it. */
	isSampled(traceId: string): boolean {
		return Number.parseInt(traceId.slice(0, 8), 16) / 0x1_0000_0000 < this.#rate;
	}

	/**
	 * A request is over.
	 *
	 * @returns whether its trace can be looked at; `kept` if the other processes must be told so
	 */
	settle(traceId: string, { isFailed, tookMs }: { isFailed: boolean; tookMs: number }): "sampled" | "kept" | null {
		if (this.isSampled(traceId)) return "sampled";
		if (!isFailed && tookMs < SLOW_MS) {
			this.#undecided.delete(traceId);
			return null;
		}
		if (!this.#mayKeepOneMore()) return null;
		this.keep(traceId);
		return "kept";
	}

	keep(traceId: string): void {
		const undecided = this.#undecided.get(traceId) ?? this.#begin(traceId);
		undecided.isKept = true;
		for (const span of undecided.spans.splice(0)) this.#sender.send(span);
	}

	#begin(traceId: string): Undecided {
		const now = performance.now();
		for (const [id, { since }] of this.#undecided) {
			if (since > now - UNDECIDED_MS && this.#undecided.size < UNDECIDED_TRACES_MAX) break;
			this.#undecided.delete(id);
		}
		const undecided = { since: now, spans: [], isKept: false };
		this.#undecided.set(traceId, undecided);
		return undecided;
	}

	#mayKeepOneMore(): boolean {
		const second = Math.floor(performance.now() / 1_000);
		if (second !== this.#second) [this.#second, this.#keptInSecond] = [second, 0];
		return this.#keptInSecond++ < KEPT_PER_SECOND_MAX;
	}
}

/** Moleculer's id of a call that no request has begun is a UUID. */
const isOfNoRequest = (traceId: string): boolean => traceId.includes("-");

const spanNames = new WeakMap<Context, string>();

/** A request is known by its route, which is found out after its call has begun; never by its address, which has ids in it. */
export function nameSpan(ctx: Context, name: string): void {
	if (known.has(ctx.broker)) spanNames.set(ctx, name);
}

const known = new WeakMap<ServiceBroker, Traces>();

/** Stands before whoever asks for `tracesOf`. Without options no traces are made. */
export const tracing = (options: TraceOptions | null): Middleware =>
	((broker: ServiceBroker) => {
		if (options) known.set(broker, new Traces(broker, options));
		return { name: "Traces", stopped: () => known.get(broker)?.stop() };
	}) as unknown as Middleware;

/** Nothing where no traces are made. */
export const tracesOf = (broker: ServiceBroker): Traces | undefined => known.get(broker);

/** By this the gateway tells the other processes which traces are kept; each has it. */
export const tracesService: ServiceSchema = {
	name: "traces",
	events: {
		"traces.kept": {
			params: TraceKept as object as ActionParams,
			handler(ctx: Context<Static<typeof TraceKept>>): void {
				tracesOf(ctx.broker)?.keep(ctx.params.traceId);
			},
		},
	},
};

function countSpans(broker: ServiceBroker, sender: ZipkinSender): void {
	metricsOf(broker)?.counter({
		name: "hannip_trace_spans_total",
		help: "Spans that Zipkin has taken, and those that were dropped since it did not",
		labelNames: ["outcome"],
		collect() {
			this.reset();
			this.inc({ outcome: "sent" }, sender.sent);
			this.inc({ outcome: "dropped" }, sender.dropped);
		},
	});
}
