import type { IncomingMessage, ServerResponse } from "node:http";
import type { Service } from "moleculer";
import { metricsOf } from "../../mixins/metrics.ts";
import { tracesOf } from "../../mixins/traces.ts";
import { type ProblemCode, problems } from "../errors.ts";
import type { Failing } from "./answer-problem.ts";
import { httpMetricsIn } from "./http-metrics.ts";
import { saidMethodOf } from "./server.ts";

/** What is not in the table has one name: whatever a client makes up, there is not one label more. */
const NO_ROUTE = { method: "OTHER", path: "(none)" } as const;
const CLIENT_WENT_AWAY = 0;

type Watched = Failing & { readonly $admitted?: { readonly caller?: { readonly kind: string } } };

/** Sees each request of a gateway once, when it is over: counts it, times it, writes its line in the log, and keeps its trace if it went wrong. */
export function requestWatch(service: Service) {
	const { broker, name: gateway, logger } = service;
	const metrics = metricsOf(broker);
	const http = metrics && httpMetricsIn(metrics);
	const traces = tracesOf(broker);
	http?.running.set({ gateway }, 0);
	const over = (request: Watched, response: ServerResponse, tookMs: number) => {
		const ended = endOf(request, response, tookMs);
		const { method, path, status, traceId, isStream } = ended;
		const isKept = traces?.settle(traceId, { isFailed: status >= 500, tookMs: isStream ? 0 : tookMs });
		if (isKept === "kept") void broker.broadcast("traces.kept", { traceId });
		if (http) {
			http.running.dec({ gateway });
			http.requests.inc({ gateway, method, route: path, status });
			const exemplarLabels = (isKept ? { trace_id: traceId } : {}) as object;
			const labels = { gateway, method, route: path };
			if (!isStream) http.durations.observe({ labels, value: tookMs / 1_000, exemplarLabels });
		}
		writeLine(logger, request, ended);
	};
	return {
		see(request: IncomingMessage, response: ServerResponse): void {
			const startedAtMs = performance.now();
			http?.running.inc({ gateway });
			response.once("close", () => over(request as Watched, response, performance.now() - startedAtMs));
		},
		seeUnreadable(code: ProblemCode): void {
			http?.unreadable.inc({ gateway, code });
		},
	};
}

type Ended = ReturnType<typeof endOf>;

function endOf(request: Watched, response: ServerResponse, tookMs: number) {
	const { $alias: route, $problem: problem } = request;
	const isStream = String(response.getHeader("Content-Type") ?? "").startsWith("text/event-stream");
	return {
		method: route ? saidMethodOf(request) : NO_ROUTE.method,
		path: route?.fullPath ?? NO_ROUTE.path,
		status: statusOf(response, { isStream, cutOff: problem?.isCutOff ? problem.code : null }),
		traceId: String(response.getHeader("X-Request-ID") ?? ""),
		isStream,
		tookMs,
	};
}

function statusOf(
	{ writableFinished, statusCode }: ServerResponse,
	{ isStream, cutOff }: { isStream: boolean; cutOff: ProblemCode | null },
): number {
	if (cutOff) return problems[cutOff].status;
	return writableFinished || isStream ? statusCode : CLIENT_WENT_AWAY;
}

/** One for each request: the template of its route, never the address, which has ids and whatever a client makes up. */
function writeLine(
	logger: Service["logger"],
	request: Watched,
	{ method, path, status, tookMs, traceId }: Ended,
): void {
	const { $problem: problem, $admitted: admitted } = request;
	const said = problem ? problems[problem.code].log : "info";
	const level = said === "debug" ? "info" : said;
	logger[level](`${method} ${path}`, {
		status,
		ms: Math.round(tookMs * 10) / 10,
		...(problem && { code: problem.code }),
		...(admitted?.caller && { caller: admitted.caller.kind }),
		traceId,
		...(level === "error" && { error: problem?.error }),
	});
}
