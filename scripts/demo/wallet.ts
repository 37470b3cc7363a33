import { randomUUID } from "node:crypto";
import { bodyOf } from "./client.ts";
import type { Day, Person } from "./day.ts";
import { readQr } from "./qr.ts";
import type { Step } from "./steps.ts";

export async function charge({ books }: Day, step: Step, person: Person, amount: number): Promise<void> {
	const answer = await person.client.post<"user.charge">("/v1/me/charges", { amount }, { key: randomUUID() });
	const { state, balanceAfter } = bodyOf(answer);
	books.charge(person.handle, amount);
	step.expect(
		`charge of ${person.displayName}`,
		{ state, balanceAfter },
		{
			state: "posted",
			balanceAfter: books.balanceOf(person.handle),
		},
	);
}

/** People charge when what they want costs more than they have. */
export async function haveAtLeast(day: Day, step: Step, person: Person, amount: number): Promise<void> {
	const missing = amount - day.books.balanceOf(person.handle);
	if (missing > 0) await charge(day, step, person, Math.ceil(missing / 10_000) * 10_000);
}

/** The customer's phone shows a QR code; this reads it from the picture, as the till's camera does. */
export async function showCode({ qr }: Day, step: Step, person: Person, cap?: number): Promise<string> {
	const asked = { image: "png" as const, ...(cap && { cap }) };
	const { code, image } = await step.lap("ask for a code as PNG", async () =>
		// A code that is never shown does no harm, so it may be asked for twice.
		bodyOf(await person.client.post<"user.issueCode">("/v1/me/codes", asked, { repeatable: true })),
	);
	const seen = await step.lap("read the picture", async () => (image === null ? null : readQr(image)));
	qr.add(seen, { text: code });
	step.expect(`what ${person.displayName}'s QR says`, seen?.text ?? "(cannot be read)", code);
	return seen?.text ?? code;
}
