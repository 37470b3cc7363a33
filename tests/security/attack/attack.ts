import { isDeepStrictEqual } from "node:util";
import type { ProblemCode } from "../../../services/errors.ts";
import { withoutTrace } from "../../api/client.ts";
import type { ProblemBody } from "../../api/contract.ts";
import { codeAttacks, onceOnlyAttacks, reachAttacks } from "./codes.ts";
import { proofAttacks } from "./proofs.ts";
import { tillAttacks } from "./tills.ts";
import { tokenAttacks } from "./tokens.ts";
import { type Attack, holdings, type World } from "./world.ts";

/** Everything that must not work. What moves credit that is meant to move comes last. */
export const attacks: readonly Attack[] = [
	...proofAttacks,
	...tokenAttacks,
	...tillAttacks,
	...codeAttacks,
	...reachAttacks,
];
export { onceOnlyAttacks };

/** Of codes whose body may say nothing about what was wrong, so that it is the same each time. */
const SILENT: readonly ProblemCode[] = [
	"unauthenticated",
	"dpop_nonce_required",
	"invalid_credentials",
	"session_ended",
];
const bodies = new Map<string, object>();

/** What came of an attack: what is wrong with the answers, in words; nothing when it was refused as it should be. */
export async function tried({ run, refusals }: Attack, world: World): Promise<{ requests: number; wrong: string[] }> {
	const answers = await run(world);
	if (answers.length === 0) return { requests: 0, wrong: ["nothing was refused"] };
	const wrong = answers.flatMap((answer) => {
		const { code } = answer.body as Partial<ProblemBody>;
		if (answer.status < 400 || answer.status >= 500 || !refusals.includes(code as ProblemCode))
			return [`answered ${answer.status} ${answer.text.slice(0, 200)}`];
		if (!SILENT.includes(code as ProblemCode)) return [];
		const { detail: _, ...body } = withoutTrace(answer) as { detail?: unknown };
		const usual = bodies.get(String(code)) ?? body;
		bodies.set(String(code), usual);
		return isDeepStrictEqual(body, usual) ? [] : [`said more than usual: ${answer.text.slice(0, 300)}`];
	});
	return { requests: answers.length, wrong };
}

/** @param attack which may change nothing */
export async function triedInVain(attack: Attack, world: World) {
	const before = await holdings(world);
	const { requests, wrong } = await tried(attack, world);
	const changed = !isDeepStrictEqual(await holdings(world), before);
	return { requests, wrong: changed ? [...wrong, "something was changed"] : wrong };
}
