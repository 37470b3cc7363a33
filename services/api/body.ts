import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { fail } from "../errors.ts";
import { LINGER_MS } from "./answer-problem.ts";

type Request = IncomingMessage & { body?: unknown };
type Next = (error?: unknown) => void;

export const BODY_BYTES_MAX = 16_384;
/** Of a product list, or a photo. */
export const LARGE_BODY_BYTES_MAX = 1_000_000;

/** How a body may be packed (RFC 9110 8.4.1). */
type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
const unpackers: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
	["gzip", promisify(gunzip)],
	["deflate", promisify(inflate)],
	["br", promisify(brotliDecompress)],
	["zstd", promisify(zstdDecompress)],
]);

/** A middleware that puts the body's bytes, unpacked, into `body`: what is signed is bytes, and we say ourselves what is wrong with them. */
export const bodyReader =
	(bytesMax: number) =>
	(request: Request, response: ServerResponse, next: Next): void => {
		readBody(request, response, bytesMax).then((body) => {
			request.body = body;
			next();
		}, next);
	};

/** So many large bodies are read at once, and so many of one person: each of them is kept until its end, which may not come. */
const LARGE_AT_ONCE = 16;
const LARGE_OF_ONE = 2;

/**
 * The same for bodies that are worth an attack on the memory: read only of those who are known here, and of few at a time. Whoever is
 * refused while the body still comes cannot hold the connection by it.
 */
export function largeBodyReader(bytesMax: number) {
	const reading: string[] = [];
	const read = async (request: Request, response: ServerResponse, sender: string): Promise<void> => {
		const isTooMany =
			reading.length >= LARGE_AT_ONCE || reading.filter((each) => each === sender).length >= LARGE_OF_ONE;
		if (isTooMany) throw fail("overloaded");
		reading.push(sender);
		try {
			request.body = await readBody(request, response, bytesMax);
		} finally {
			reading.splice(reading.indexOf(sender), 1);
		}
	};
	/** @param senderOf throws unless it is known who sends it */
	return async (
		request: Request,
		response: ServerResponse,
		next: Next,
		senderOf: () => Promise<string>,
	): Promise<void> => {
		try {
			await read(request, response, await senderOf());
		} catch (error) {
			closeUnlessComplete(request, response);
			return next(error);
		}
		next();
	};
}

/** Not at once: the answer could be lost (RFC 9112 9.6). Until then Node throws away what comes. */
function closeUnlessComplete(request: IncomingMessage, response: ServerResponse): void {
	const close = () => void (request.complete || request.socket.destroy());
	response.once("finish", () => setTimeout(close, LINGER_MS).unref());
}

/**
 * @param bytesMax bounds the body as it comes and as it is unpacked
 * @throws payload_too_large as soon as it is, unsupported_media_type, malformed_request
 */
async function readBody(request: IncomingMessage, response: ServerResponse, bytesMax: number): Promise<Buffer> {
	const { "content-length": length = "0", "transfer-encoding": framing, "content-encoding": packing } = request.headers;
	if (length === "0" && framing === undefined) return Buffer.alloc(0);
	const name = (packing ?? "identity").toLowerCase();
	const unpack = unpackers.get(name);
	if (!unpack && name !== "identity") throw fail("unsupported_media_type", "The Content-Encoding is not known here");
	const bytes = await bytesOf(request, response, bytesMax);
	if (!unpack || bytes.length === 0) return bytes;
	try {
		return await unpack(bytes, { maxOutputLength: bytesMax });
	} catch (error) {
		if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw fail("payload_too_large");
		throw fail("malformed_request", "The body is not packed as Content-Encoding says");
	}
}

/** Not by `for await`: giving up in it would destroy the connection before the answer. What comes behind the limit is thrown away. */
function bytesOf(request: IncomingMessage, response: ServerResponse, bytesMax: number): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let byteCount = 0;
		// Every request is closed in the end, most of them after they were read.
		const broken = () => request.readableEnded || reject(fail("malformed_request", "The body broke off"));
		if (request.destroyed) broken();
		request.on("data", (chunk: Buffer) => {
			byteCount += chunk.length;
			if (byteCount <= bytesMax) chunks.push(chunk);
			else reject(fail("payload_too_large"));
		});
		request.once("end", () => resolve(Buffer.concat(chunks)));
		request.once("error", broken);
		request.once("close", broken);
		// What broke off or took too long the server answers by itself; then Node lets go of the request and says nothing more of it.
		response.once("close", broken);
	});
}
