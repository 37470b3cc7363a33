import { signal } from "@preact/signals";
import type { Answered } from "../../services/actions.ts";
import { OperatorClient } from "../sdk/operator-client.ts";
import type { Asking } from "../sdk/persistence.ts";
import { type Outcome, type Problem, refused } from "../sdk/problem.ts";
import type { Name, Said } from "../sdk/request.ts";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";

/** For this tab only: whoever sits down here later must not be an operator. */
const KEPT = "hannip.operator";
const KEPT_NAME = "hannip.operator.name";
/** It takes as long as the log is long. */
const AUDIT_MS = 600_000;

export const client = signal(keptClient());
/** Whether the platform does not take the token any more that was good before. */
export const hasEnded = signal(false);

/** Who is at work: what one operator is in doubt about is none of another's. */
export function operatorName(): string {
	return sessionStorage.getItem(KEPT_NAME) ?? "";
}

function keptClient(): OperatorClient | null {
	const token = sessionStorage.getItem(KEPT);
	return token === null || operatorName() === "" ? null : new OperatorClient(token);
}

/** @returns what is wrong with the token; null = it is good, and kept */
export async function enter(token: string): Promise<Problem | null> {
	const asked = new OperatorClient(token);
	const found = await asked.call("operator.listAdjustments", {});
	if (!found.ok) return found.problem;
	sessionStorage.setItem(KEPT, token);
	sessionStorage.setItem(KEPT_NAME, found.value.you);
	hasEnded.value = false;
	client.value = asked;
	return null;
}

export function leave(): void {
	sessionStorage.removeItem(KEPT);
	hasEnded.value = false;
	client.value = null;
}

/** The token is not good any more, and whoever worked here is told so. */
export function end(): void {
	leave();
	hasEnded.value = true;
}

/** What the platform says to it. */
export async function outcomeOf<N extends Name>(
	name: N,
	said: Said<N>,
	asking: Asking = {},
): Promise<Outcome<Answered<N>>> {
	const operator = client.value;
	if (!operator) return refused({ code: "unauthenticated", status: 401, title: "Nobody is at work here" });
	const outcome = await operator.call(name, said, asking);
	// Whoever has come in meanwhile has a token of their own.
	if (!outcome.ok && outcome.problem.code === "unauthenticated" && client.value === operator) end();
	return outcome;
}

/** @returns null when nothing came; why is said in passing */
export async function ask<N extends Name>(name: N, said: Said<N>): Promise<Answered<N> | null> {
	const outcome = await outcomeOf(name, said, name === "credit.audit" ? { attemptMs: AUDIT_MS } : {});
	if (outcome.ok) return outcome.value;
	if (outcome.problem.code !== "unauthenticated") toast(problemText(outcome.problem), "danger");
	return null;
}
