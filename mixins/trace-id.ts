import { randomUUID } from "node:crypto";

/** 32 hex digits, as W3C's Trace Context and Zipkin write them: what a client is told can be looked up as it is. */
export const newTraceId = (): string => randomUUID().replaceAll("-", "");
