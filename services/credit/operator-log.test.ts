import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { LineChain, type LineDocument, OperatorLog } from "./operator-log.ts";

type Documents = ConstructorParameters<typeof OperatorLog>[0];

/** A log of five lines, kept in a way that anybody can edit. */
async function edited(edit: (lines: LineDocument[]) => LineDocument[]) {
	let kept: LineDocument[] = [];
	const documents = {
		find: async ({
			query = {},
			sort,
			limit = 100,
		}: {
			query?: { _id?: { $gt?: string; $lt?: string } };
			sort?: string;
			limit?: number;
		}) => {
			const { $gt = "", $lt = "~" } = query._id ?? {};
			const found = kept.filter(({ _id }) => _id > $gt && _id < $lt).sort((a, b) => (a._id < b._id ? -1 : 1));
			return (sort === "-_id" ? found.reverse() : found).slice(0, limit);
		},
		insert: async (line: LineDocument) => {
			if (kept.some(({ _id }) => _id === line._id)) throw Object.assign(new Error("taken"), { type: "DUPLICATE_KEY" });
			kept.push(line);
			return line;
		},
	} as unknown as Documents;
	const log = new OperatorLog(documents, Date.now);
	const note = { by: "kim", operation: "account.freeze", target: "wallet:u_x", reason: "why", of: null, detail: "" };
	await Promise.all([1, 2, 3, 4, 5].map(() => log.append({ ...note, phase: "begun" })));
	kept = edit(kept.sort((a, b) => (a._id < b._id ? -1 : 1)));
	const chain = new LineChain();
	let discrepancy: string | null = null;
	for (const line of await log.after(0)) discrepancy ??= chain.follow(line);
	return { lines: chain.head.sequence, discrepancy };
}

const at = (index: number, change: (line: LineDocument) => LineDocument) => (lines: LineDocument[]) =>
	lines.map((line, each) => (each === index ? change(line) : line));

test("a log that nobody touched is clean", async () => {
	const { lines, discrepancy } = await edited((lines) => lines);
	assert.deepEqual([lines, discrepancy], [5, null]);
});

test("whatever is changed in it is found, and where", async () => {
	const found = async (edit: (lines: LineDocument[]) => LineDocument[]) => (await edited(edit)).discrepancy;
	const other = ({ body, ...line }: LineDocument) => ({ ...line, body: body.replace('"kim"', '"lee"') });
	assert.equal(await found(at(2, other)), "line 3 is not what was hashed");
	assert.equal(await found((lines) => lines.filter((_, index) => index !== 2)), "line 3 is missing");
	assert.equal(await found((lines) => lines.slice(1)), "line 1 is missing");
	// Also when its hash was made anew: then the next line does not follow it.
	const rewritten = (line: LineDocument) => ({ ...other(line), hash: hash("sha256", other(line).body, "hex") });
	assert.equal(await found(at(2, rewritten)), "line 4 does not follow the one before it");
	const renumbered = (lines: LineDocument[]) =>
		lines.slice(1).map((line, index) => ({ ...line, _id: String(index + 1).padStart(12, "0") }));
	assert.equal(await found(renumbered), "line 1 says that it is another one");
});
