import { randomUUID } from "node:crypto";

/** 32 hex digits, as W3C's Trace Context and Zipkin write them: what a client is told can be looked up as it is. */
export const newTraceId = (): string => randomUUID().replaceAll("-", "");

export const isTraceId = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
