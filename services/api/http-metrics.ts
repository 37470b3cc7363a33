import { DURATION_BUCKETS_S, type Metrics } from "../../mixins/metrics.ts";

export type HttpMetrics = ReturnType<typeof openHttpMetrics>;

const opened = new WeakMap<Metrics, HttpMetrics>();

/** What both gateways of a process measure; `gateway` tells them apart. */
export function httpMetricsIn(metrics: Metrics): HttpMetrics {
	const known = opened.get(metrics) ?? openHttpMetrics(metrics);
	opened.set(metrics, known);
	return known;
}

const openHttpMetrics = (metrics: Metrics) => ({
	requests: metrics.counter({
		name: "hannip_http_requests_total",
		help: "Requests that were answered, by route template and status; 0 is the status of those whose client went away first",
		labelNames: ["gateway", "method", "route", "status"],
	}),
	durations: metrics.histogram({
		name: "hannip_http_request_duration_seconds",
		help: "From the first byte of a request to the last byte of its answer; without streams of events, which last as long as somebody listens",
		labelNames: ["gateway", "method", "route"],
		buckets: DURATION_BUCKETS_S,
		enableExemplars: true,
	}),
	running: metrics.gauge({
		name: "hannip_http_requests_running",
		help: "Requests that are not answered yet, streams of events among them",
		labelNames: ["gateway"],
	}),
	unreadable: metrics.counter({
		name: "hannip_http_unreadable_total",
		help: "What came over a connection and is no request, or one too many before the others were answered",
		labelNames: ["gateway", "code"],
	}),
	readStreams: (read: () => number) =>
		metrics.reads("hannip_event_streams_open", "Wallets that are told what happens while it happens", read),
});
