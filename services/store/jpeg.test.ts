import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PHOTO } from "../../tests/api/photo.ts";
import { cleanJpeg } from "./jpeg.ts";

const photo = Buffer.from(PHOTO, "base64");
const clean = cleanJpeg(photo) as Buffer;
const segment = (marker: number, content: string) => {
	const head = Buffer.from([0xff, marker, 0, 0]);
	head.writeUInt16BE(content.length + 2, 2);
	return Buffer.concat([head, Buffer.from(content, "latin1")]);
};
const start = photo.subarray(0, 2);
const rest = photo.subarray(2);
/** Where the frame says how large it is. */
const frameAt = photo.indexOf(Buffer.from([0xff, 0xc0])) + 5;

test("what is left is the picture, and cleaning it again changes nothing", () => {
	assert.ok(clean.length < photo.length);
	assert.deepEqual(cleanJpeg(clean), clean);
	assert.deepEqual(clean.subarray(-2), Buffer.from([0xff, 0xd9]));
});

test("what stands beside the picture is left away", () => {
	const secrets = [0xe1, 0xe2, 0xed, 0xfe].map((marker) => segment(marker, "37.5665 N, 126.9780 E"));
	for (const each of [...secrets, Buffer.concat(secrets)])
		assert.deepEqual(cleanJpeg(Buffer.concat([start, each, rest])), clean);
	assert.deepEqual(cleanJpeg(Buffer.concat([photo, Buffer.from("<script>alert(1)</script>")])), clean);
	assert.deepEqual(cleanJpeg(Buffer.concat([start, Buffer.from([0xff, 0xff, 0xff]), rest])), clean);
});

test("what is no JPEG is refused", () => {
	const others = [
		"",
		"\xff",
		"\xff\xd8",
		"\xff\xd8\xff\xd9",
		"GIF89a",
		"\x89PNG\r\n\x1a\n",
		"RIFF....WEBP",
		"<svg/>",
		"BM",
	];
	for (const other of others) assert.equal(cleanJpeg(Buffer.from(other, "latin1")), undefined, other);
	for (let length = 0; length < photo.length; length++)
		assert.equal(cleanJpeg(photo.subarray(0, length)), undefined, `broken off after ${length}`);
});

test("what is too large, or has nothing in it, is refused", () => {
	for (const [at, points] of [
		[frameAt, 0],
		[frameAt, 1_025],
		[frameAt + 2, 0],
		[frameAt + 2, 65_535],
	] as const) {
		const other = Buffer.from(photo);
		other.writeUInt16BE(points, at);
		assert.equal(cleanJpeg(other), undefined);
	}
	const largest = Buffer.from(photo);
	largest.writeUInt16BE(1_024, frameAt);
	assert.ok(cleanJpeg(largest));
	const frame = photo.subarray(frameAt - 5, frameAt + 14);
	assert.equal(cleanJpeg(Buffer.concat([start, frame, rest])), undefined, "of two frames, which one would count?");
});

test("whatever comes, it is a clean picture or nothing", () => {
	const damaged = fc.array(fc.tuple(fc.nat(photo.length - 1), fc.nat(255)), { maxLength: 8 }).map((changes) => {
		const bytes = Buffer.from(photo);
		for (const [at, value] of changes) bytes[at] = value;
		return bytes;
	});
	fc.assert(
		fc.property(
			fc.oneof(
				damaged,
				fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
			),
			(bytes) => {
				const cleaned = cleanJpeg(bytes);
				assert.ok(cleaned === undefined || (cleaned.length <= bytes.length && cleanJpeg(cleaned)?.equals(cleaned)));
			},
		),
		{ numRuns: 20_000 },
	);
});
