const FLUSH_MS = 1_000;
const SEND_TIMEOUT_MS = 5_000;
/** While a process stops, nobody waits longer for a collector that is silent. */
const LAST_TIMEOUT_MS = 2_000;
/** What is finished while the collector is away, or slow; more is dropped. Some 10 MB. */
const QUEUE_MAX = 10_000;
const BATCH_MAX = 1_000;

/** What is known of a call, or of another piece of work in one, when it is over. */
export type Span = {
	readonly id: string;
	readonly traceId: string;
	readonly parentId: string | null;
	readonly name: string;
	readonly service: string;
	readonly node: string;
	/** Whether it was asked by a client or another process. */
	readonly isServer: boolean;
	readonly startedAtMs: number;
	readonly tookMs: number;
	readonly error?: unknown;
	readonly tags?: Readonly<Record<string, string>>;
};

/** Zipkin's v2 format, as much of it as is used here. */
export type ZipkinSpan = {
	readonly traceId: string;
	readonly id: string;
	readonly parentId?: string;
	readonly name: string;
	readonly kind?: "SERVER";
	readonly timestamp: number;
	readonly duration: number;
	readonly localEndpoint: { readonly serviceName: string };
	readonly tags: Readonly<Record<string, string>>;
};

type OnFailed = (reason: string, count: number) => void;

/**
 * Sends spans to Zipkin in batches, one after the other, and what waits is bounded: a collector that is down, slow or silent costs a
 * payment nothing but the span.
 */
export class ZipkinSender {
	readonly #endpoint: string;
	readonly #onFailed: OnFailed;
	readonly #timer: NodeJS.Timeout;
	#queue: ZipkinSpan[] = [];
	#sending: Promise<void> | null = null;
	sent = 0;
	dropped = 0;

	constructor(url: string, onFailed: OnFailed) {
		this.#endpoint = `${url}/api/v2/spans`;
		this.#onFailed = onFailed;
		this.#timer = setInterval(() => void this.flush(), FLUSH_MS).unref();
	}

	send(span: Span): void {
		if (this.#queue.length < QUEUE_MAX) this.#queue.push(toZipkin(span));
		else this.dropped++;
	}

	/** Resolves when what waits now is sent, or given up. */
	flush(timeoutMs = SEND_TIMEOUT_MS): Promise<void> {
		this.#sending ??= this.#sendAll(timeoutMs).finally(() => {
			this.#sending = null;
		});
		return this.#sending;
	}

	/** What is finished by now is sent before this resolves, if the collector takes it in time. */
	async stop(): Promise<void> {
		clearInterval(this.#timer);
		const late = new Promise((resolve) => setTimeout(resolve, LAST_TIMEOUT_MS).unref());
		await Promise.race([this.#sending, late]);
		await Promise.race([this.flush(LAST_TIMEOUT_MS), late]);
	}

	async #sendAll(timeoutMs: number): Promise<void> {
		while (this.#queue.length > 0) {
			const batch = this.#queue.splice(0, BATCH_MAX);
			const problem = await this.#post(batch, timeoutMs);
			if (problem === null) this.sent += batch.length;
			else {
				this.dropped += batch.length;
				this.#onFailed(problem, batch.length);
				return;
			}
		}
	}

	async #post(batch: readonly ZipkinSpan[], timeoutMs: number): Promise<string | null> {
		try {
			const response = await fetch(this.#endpoint, {
				method: "POST",
				headers: { "Content-Type": "application/json" },
				body: JSON.stringify(batch),
				signal: AbortSignal.timeout(timeoutMs),
			});
			await response.body?.cancel();
			return response.ok ? null : `status ${response.status}`;
		} catch (error) {
			const { message, cause } = error as Error & { cause?: { code?: string } };
			return cause?.code ?? message;
		}
	}
}

/** Of an error only its code: a message may say anything. */
export function toZipkin(span: Span): ZipkinSpan {
	const { id, traceId, parentId, name, service, node, isServer, startedAtMs, tookMs, error, tags } = span;
	const failure = error && ((error as { type?: unknown }).type ?? (error as Error).name ?? "error");
	return {
		traceId: traceIdOf(traceId),
		id: spanIdOf(id),
		...(parentId && { parentId: spanIdOf(parentId) }),
		name,
		...(isServer && { kind: "SERVER" as const }),
		timestamp: Math.round(startedAtMs * 1_000),
		// Zipkin takes 0 for unknown.
		duration: Math.max(1, Math.round(tookMs * 1_000)),
		localEndpoint: { serviceName: service },
		tags: { node, ...(failure ? { error: String(failure) } : {}), ...tags },
	};
}

/** 128 bits: as the gateway tells it, or Moleculer's UUID of a call that no request has begun. */
export const traceIdOf = (id: string): string => id.replaceAll("-", "").slice(0, 32);
/** 64 bits. */
const spanIdOf = (id: string): string => id.replaceAll("-", "").slice(0, 16);
