import { crc32, deflateSync } from "node:zlib";
import QRCode from "qrcode";

/** Modules of quiet zone on each side, as ISO/IEC 18004 wants. */
const MARGIN = 4;

/**
 * The code as a picture in a data URL. Alphanumeric mode and level M: the smallest QR that holds it; more error correction would
 * only make the modules smaller (and Korea's standard asks to limit it).
 */
export async function drawCode(code: string, format: "png" | "svg"): Promise<string> {
	const segments = [{ data: code, mode: "alphanumeric" as const }];
	const options = { errorCorrectionLevel: "M" as const, margin: MARGIN };
	if (format === "png") return pngOf(QRCode.create(segments, options).modules);
	const svg = await QRCode.toString(segments, { ...options, type: "svg" });
	return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}

/** An address as a picture in a data URL. */
export const drawLink = (link: string): string => pngOf(QRCode.create(link, { errorCorrectionLevel: "M" }).modules);

type Modules = { readonly size: number; get(row: number, column: number): number };

const pngOf = (modules: Modules): string => `data:image/png;base64,${toPng(modules).toString("base64")}`;

/**
 * A PNG (ISO/IEC 15948) of one bit for each point, black or white, and eight points a side for each module: so a module is a byte of its line. The
 * library's own has 32 bits a point, tries five filters on each line, and takes as long as four payments on the loop that they all share.
 */
function toPng(modules: Modules): Buffer {
	const width = modules.size + 2 * MARGIN;
	// No filter, then the points; 1 is white.
	const blank = Buffer.alloc(1 + width, 0xff).fill(0, 0, 1);
	const line = (row: number): Buffer => {
		const bytes = Buffer.from(blank);
		for (let column = 0; column < modules.size; column++) if (modules.get(row, column)) bytes[1 + MARGIN + column] = 0;
		return bytes;
	};
	const margin = Array<Buffer>(MARGIN).fill(blank);
	const rows = [...margin, ...Array.from({ length: modules.size }, (_, row) => line(row)), ...margin];
	const points = Buffer.concat(rows.flatMap((row) => Array<Buffer>(8).fill(row)));
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width * 8, 0);
	header.writeUInt32BE(width * 8, 4);
	// One bit a point, of grey.
	header.set([1, 0, 0, 0, 0], 8);
	return Buffer.concat([
		Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
		chunk("IHDR", header),
		chunk("IDAT", deflateSync(points)),
		chunk("IEND", Buffer.alloc(0)),
	]);
}

function chunk(type: string, data: Buffer): Buffer {
	const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
	const ends = Buffer.alloc(8);
	ends.writeUInt32BE(data.length, 0);
	ends.writeUInt32BE(crc32(body), 4);
	return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
