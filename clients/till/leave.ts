import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { unpair } from "./shop.ts";

/** Ends selling here, or says why it cannot. */
export async function leaveTill(): Promise<void> {
	const problem = await unpair();
	if (problem) toast(problemText(problem), "danger");
}
