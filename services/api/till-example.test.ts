import assert from "node:assert/strict";
import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import type { Service } from "moleculer";
import { Compile } from "typebox/compile";
import { authActions } from "../auth/auth.actions.ts";
import { TillAccess } from "./till-access.ts";
import { tillExample, tillExampleText } from "./till-example.ts";

/** The request as it is printed, read as HTTP is. */
function printedRequest() {
	const [, text = ""] = /```http\n(.*?)\n```/s.exec(tillExampleText) ?? [];
	const [head = "", body = ""] = text.split("\n\n");
	const [line = "", ...fields] = head.split("\n");
	const [method = "", originalUrl = ""] = line.split(" ");
	const rawHeaders = fields.flatMap((field) => [
		field.slice(0, field.indexOf(":")),
		field.slice(field.indexOf(": ") + 2),
	]);
	return { method, originalUrl, rawHeaders, body: Buffer.from(body) };
}

const verified = (request: object, nowMs = tillExample.createdS * 1_000) =>
	new TillAccess({} as Service, tillExample.origin).newSigner(request as IncomingMessage, nowMs);

test("the worked example is a request that the platform takes", async () => {
	const request = printedRequest();
	assert.ok(await verified(request));
	assert.ok(Compile(authActions.pairTill.params).Check(JSON.parse(request.body.toString())));
	assert.equal(await verified({ ...request, body: Buffer.from(`${request.body} `) }), undefined);
	assert.equal(await verified(request, tillExample.createdS * 1_000 + 61_000), undefined);
});

test("the text that it says was signed is what was signed", () => {
	const { body } = printedRequest();
	const { publicJwk } = JSON.parse(body.toString()) as {
		publicJwk: { crv: string; kty: string; x: string; y: string };
	};
	const { crv, kty, x, y } = publicJwk;
	const keyId = hash("sha256", JSON.stringify({ crv, kty, x, y }), "base64url");
	assert.ok(tillExample.input.includes(`keyid="${keyId}"`));
	const [, said] = /```\n("@method".*?)\n```/s.exec(tillExampleText) ?? [];
	assert.deepEqual(said?.split("\n"), [
		'"@method": POST',
		'"@target-uri": https://pay.example/v1/tills',
		`"content-digest": sha-256=:${hash("sha256", body, "base64")}:`,
		`"@signature-params": ${tillExample.input}`,
	]);
});
