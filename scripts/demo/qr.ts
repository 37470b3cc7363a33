import jsQr from "jsqr";
import { PNG } from "pngjs";

export type ReadQr = {
	readonly text: string;
	/** 1 to 40 */
	readonly version: number;
	/** Dark and light squares along one side. */
	readonly modules: number;
	readonly pixels: number;
};

const PREFIX = "data:image/png;base64,";

/** Reads a QR code out of the picture itself, as a till's camera would. null = it cannot be read. @throws if it is no PNG */
export function readQr(dataUrl: string): ReadQr | null {
	if (!dataUrl.startsWith(PREFIX)) throw new Error(`Expected a PNG data URL, came ${dataUrl.slice(0, 40)}…`);
	const { width, height, data } = PNG.sync.read(Buffer.from(dataUrl.slice(PREFIX.length), "base64"));
	const found = jsQr.default(new Uint8ClampedArray(data), width, height, { inversionAttempts: "dontInvert" });
	// By the standard: version 1 has 21 modules, each further one four more.
	return found && { text: found.data, version: found.version, modules: 17 + 4 * found.version, pixels: width };
}

/** Gathers what was seen of all pictures, for the last line of the demo. */
export type QrFacts = {
	add(qr: ReadQr | null, expected: { text: string }): void;
	/** How many pictures came, how many of them read as what they should say, and the kinds that were seen. */
	summary(): { pictures: number; decoded: number; kinds: readonly string[] };
};

export function createQrFacts(): QrFacts {
	let pictures = 0;
	let decoded = 0;
	const kinds = new Set<string>();
	return {
		add: (qr, { text }) => {
			pictures += 1;
			if (qr?.text !== text) return;
			decoded += 1;
			kinds.add(`version ${qr.version}, ${qr.modules}×${qr.modules} modules, ${qr.pixels}×${qr.pixels} px`);
		},
		summary: () => ({ pictures, decoded, kinds: [...kinds] }),
	};
}
