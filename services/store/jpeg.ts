const POINTS_MAX = 1_024;

/** ITU-T T.81, table B.1. */
const MARKER = { start: 0xd8, end: 0xd9, scan: 0xda, huffman: 0xc4, quantization: 0xdb, restart: 0xdd, adobe: 0xee };
/** Baseline, extended and progressive: what browsers show. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2]);
const KEPT = new Set([
	...FRAMES,
	MARKER.start,
	MARKER.end,
	MARKER.scan,
	MARKER.huffman,
	MARKER.quantization,
	MARKER.restart,
	MARKER.adobe,
]);

/**
 * A JPEG with nothing in it but the picture: what cameras write beside it (where it was taken, a preview of what was cut off), comments,
 * and whatever stands behind its end are left away.
 *
 * @returns nothing if it is no JPEG, or has more than 1,024 points in a direction
 */
export function cleanJpeg(bytes: Buffer): Buffer | undefined {
	const segments = segmentsOf(bytes);
	const frames = segments?.filter(({ marker }) => FRAMES.has(marker)) ?? [];
	const hasScan = segments?.some(({ marker }) => marker === MARKER.scan);
	const [frame] = frames;
	// Of two frames, which one would count?
	if (!segments || !frame || frames.length > 1 || !hasScan || !isSmall(frame.bytes)) return undefined;
	return Buffer.concat(segments.filter(({ marker }) => KEPT.has(marker)).map((segment) => segment.bytes));
}

type Segment = { readonly marker: number; readonly bytes: Buffer };

/** From the start marker to the end marker, each scan with its picture. @returns nothing where it breaks off, or is something else */
function segmentsOf(bytes: Buffer): Segment[] | undefined {
	if (bytes.length < 2 || bytes.readUInt16BE(0) !== (0xff00 | MARKER.start)) return undefined;
	const segments = [{ marker: MARKER.start, bytes: bytes.subarray(0, 2) }];
	for (let at = 2; ; ) {
		const found = markerAt(bytes, at);
		if (!found) return undefined;
		const { marker, from, to } = found;
		at = marker === MARKER.scan ? endOfScan(bytes, to) : to;
		segments.push({ marker, bytes: bytes.subarray(from, at) });
		if (marker === MARKER.end) return segments;
	}
}

function markerAt(bytes: Buffer, at: number) {
	let from = at;
	// Any number of 0xff may stand before a marker (B.1.1.2).
	while (bytes[from] === 0xff && bytes[from + 1] === 0xff) from++;
	const marker = bytes[from + 1];
	if (bytes[from] !== 0xff || marker === undefined) return undefined;
	if (marker === MARKER.end) return { marker, from, to: from + 2 };
	// All others that may come here say how long they are.
	if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8) || from + 4 > bytes.length) return undefined;
	const to = from + 2 + bytes.readUInt16BE(from + 2);
	return to > from + 3 && to <= bytes.length ? { marker, from, to } : undefined;
}

/** Length 2, precision 1, height 2, width 2, components 1. */
function isSmall(frame: Buffer): boolean {
	if (frame.length < 10) return false;
	const [height, width, components] = [frame.readUInt16BE(5), frame.readUInt16BE(7), frame[9]];
	const fits = (points: number) => points >= 1 && points <= POINTS_MAX;
	return frame[4] === 8 && fits(height) && fits(width) && (components === 1 || components === 3);
}

/** Where the next marker is: within a scan, 0xff is followed by 0, or by a restart marker. */
function endOfScan(bytes: Buffer, from: number): number {
	let at = from;
	for (;;) {
		at = bytes.indexOf(0xff, at);
		if (at === -1) return bytes.length;
		const next = bytes[at + 1] ?? 0;
		if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
		at += 2;
	}
}
