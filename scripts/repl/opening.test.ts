import assert from "node:assert/strict";
import { it } from "node:test";
import type { ProblemCode } from "../../services/errors.ts";
import { type Ask, Refused, Unreachable } from "./ask.ts";
import { warningAtOpening } from "./opening.ts";

const askThatFails = (error: Error): Ask => (async () => Promise.reject(error)) as Ask;

it("opens without a word where all is well", async () =>
	assert.equal(await warningAtOpening((async () => ({ items: [], silent: [] })) as unknown as Ask), null));

for (const code of [
	"service_unavailable",
	"internal_error",
	"rate_limited",
	null,
] as const satisfies (ProblemCode | null)[])
	it(`opens with a warning of ${code ?? "what is no problem of ours"}`, async () =>
		assert.equal(await warningAtOpening(askThatFails(new Refused("Its words.", code))), "Its words."));

for (const code of ["unauthenticated", "forbidden"] as const satisfies ProblemCode[])
	it(`does not open where it is ${code}`, async () => {
		const refused = new Refused("Its words.", code);
		await assert.rejects(warningAtOpening(askThatFails(refused)), refused);
	});

it("does not open where nobody is", async () => {
	const nobody = new Unreachable("http://127.0.0.1:1 does not answer");
	await assert.rejects(warningAtOpening(askThatFails(nobody)), nobody);
});
