import {
	type ActionParams,
	type Context,
	type ServiceBroker,
	type ServiceSchema,
	type Span,
	type Tracer,
	TracerExporters,
} from "moleculer";
import type { Static } from "typebox";
import { TraceKept } from "../services/events.ts";
import { metricsOf } from "./metrics.ts";
import { traceIdOf, ZipkinSender } from "./zipkin-sender.ts";

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
export class Traces extends TracerExporters.Base {
	readonly #rate: number;
	readonly #url: string;
	#sender: ZipkinSender | undefined;
	/** In the order in which they began. */
	readonly #undecided = new Map<string, Undecided>();
	#second = 0;
	#keptInSecond = 0;

	constructor({ url, rate }: TraceOptions) {
		super({});
		[this.#url, this.#rate] = [url, rate];
	}

	override init(tracer: Tracer): void {
		super.init(tracer);
		const { broker } = tracer;
		const logger = broker.getLogger("traces");
		const failed = (reason: string, count: number) => logger.warn("Spans were not taken by Zipkin.", { count, reason });
		this.#sender = new ZipkinSender(this.#url, failed);
		countSpans(broker, this.#sender);
		known.set(broker, this);
	}

	override async stop(): Promise<void> {
		await this.#sender?.stop();
	}

	override spanFinished(span: Span): void {
		const traceId = traceIdOf(span.traceID);
		// What no request has begun, such as a look at what is due, would fill Zipkin with what nobody asks about.
		const isOfRequest = !span.traceID.includes("-");
		if (isOfRequest ? this.isSampled(traceId) : span.error) this.#sender?.send(span);
		else if (isOfRequest) this.#wait(span, traceId);
	}

	#wait(span: Span, traceId: string): void {
		const undecided = this.#undecided.get(traceId) ?? this.#begin(traceId);
		if (undecided.isKept) this.#sender?.send(span);
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
		for (const span of undecided.spans.splice(0)) this.#sender?.send(span);
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

const known = new WeakMap<ServiceBroker, Traces>();

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
