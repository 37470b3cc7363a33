import { apply, decide } from "../services/credit/ledger.ts";
import type { AccountId, Command, CommandId } from "../services/credit/model.ts";
import { Draft, ResidentBook } from "../services/credit/resident-book.ts";

const GROUP = 128;

/** Commands per second through `decide` and `apply` alone, in groups as the group commit makes them: no I/O, no hashing, no JSON. */
export function coreCommandsPerS(count: number): number {
	const book = new ResidentBook();
	const accounts = Array.from({ length: 1_000 }, (_, index) => `wallet:${index}` as AccountId);
	const settle = (command: Command) => {
		const decision = decide(book, command, 1);
		if (decision.kind === "new") apply(book, decision.entry);
	};
	settle({
		type: "open",
		id: "open:funding" as CommandId,
		fingerprint: "",
		accountId: "system:funding" as AccountId,
		kind: "system",
		owner: "",
	});
	for (const accountId of accounts) {
		settle({
			type: "open",
			id: `open:${accountId}` as CommandId,
			fingerprint: "",
			accountId,
			kind: "wallet",
			owner: "",
		});
		settle(move(`charge:${accountId}`, "system:funding" as AccountId, accountId, 1_000_000_000));
	}
	const commands = Array.from({ length: count }, (_, index) =>
		move(
			`transfer:${index}`,
			accounts[(index * 7) % 1_000] as AccountId,
			accounts[(index * 7 + 1) % 1_000] as AccountId,
			1,
		),
	);
	const startedAt = performance.now();
	for (let from = 0; from < count; from += GROUP) {
		const draft = new Draft(book);
		for (const command of commands.slice(from, from + GROUP)) {
			const decision = decide(draft, command, 1);
			if (decision.kind === "new") apply(draft, decision.entry);
		}
		draft.absorbInto(book);
		book.turn({ head: from, watermark: from });
	}
	return (count / (performance.now() - startedAt)) * 1_000;
}

const move = (id: string, debitAccountId: AccountId, creditAccountId: AccountId, amount: number): Command => ({
	type: "transfer",
	id: id as CommandId,
	fingerprint: "f",
	kind: "p2p",
	debitAccountId,
	creditAccountId,
	amount,
	details: {},
});
