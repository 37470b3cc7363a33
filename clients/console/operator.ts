import { signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import { OperatorClient } from "../sdk/operator-client.ts";
import type { Problem } from "../sdk/problem.ts";
import type { Name, Said } from "../sdk/request.ts";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";

/** For this tab only: whoever sits down here later must not be an operator. */
const KEPT = "hannip.operator";
/** It takes as long as the log is long. */
const AUDIT_MS = 600_000;
const kept = sessionStorage.getItem(KEPT);

export const client = signal<OperatorClient | null>(kept === null ? null : new OperatorClient(kept));

/** @returns what is wrong with the token; null = it is good, and kept */
export async function enter(token: string): Promise<Problem | null> {
	const asked = new OperatorClient(token);
	const answer = await asked.call("operator.listOperations", { limit: 1 });
	if (!answer.ok) return answer.problem;
	sessionStorage.setItem(KEPT, token);
	client.value = asked;
	return null;
}

export function leave(): void {
	sessionStorage.removeItem(KEPT);
	client.value = null;
}

/** @returns null when nothing came; why is said in passing, unless it is to be found out by the caller */
export async function ask<N extends Name>(
	name: N,
	said: Said<N>,
	expected: readonly string[] = [],
): Promise<Result<N> | null> {
	const answer = await client.value?.call(name, said, name === "credit.audit" ? { attemptMs: AUDIT_MS } : {});
	if (!answer) return null;
	if (answer.ok) return answer.value;
	if (answer.problem.code === "unauthenticated") leave();
	else if (!expected.includes(answer.problem.code)) toast(problemText(answer.problem), "danger");
	return null;
}
