import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import QRCode from "qrcode";
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import { readerOptions } from "../clients/till/reader-options.ts";
import { randomOf } from "../tests/api/load.ts";

/** What a camera makes of a code. */
type Condition = {
	/** How many points of the picture a module of the code has. */
	readonly pointsPerModule: number;
	/** Of the lens and the hand: the deviation of a Gaussian, in modules. */
	readonly blur: number;
	readonly degrees: number;
	/** The grey levels between black and white, of 255; the rest is dark. */
	readonly contrast: number;
	/** The deviation of each point's noise, in grey levels. */
	readonly noise: number;
};

const usual: Condition = { pointsPerModule: 4, blur: 0.2, degrees: 5, contrast: 150, noise: 4 };

/** One thing gets worse at a time, from what is usual at a counter to what nobody should have to bear. */
const conditions: Readonly<Record<string, readonly Condition[]>> = {
	size: [6, 4, 3, 2, 1.75, 1.5].map((pointsPerModule) => ({ ...usual, pointsPerModule })),
	blur: [0.2, 0.3, 0.4, 0.5, 0.6].map((blur) => ({ ...usual, blur })),
	rotation: [0, 15, 30, 45, 180].map((degrees) => ({ ...usual, degrees })),
	light: [150, 80, 50, 40, 30].map((contrast) => ({ ...usual, contrast, noise: 6 })),
};

const WIDTH = 480;
const HEIGHT = 360;
const BACKGROUND = 110;

function openScanner(): void {
	const wasm = createRequire(import.meta.url).resolve("zxing-wasm/reader/zxing_reader.wasm");
	prepareZXingModule({ overrides: { wasmBinary: readFileSync(wasm).buffer as ArrayBuffer } });
}

/** In percent, one condition after the other. */
export async function scanRates(codes: readonly string[]): Promise<Record<string, number[]>> {
	openScanner();
	const rates: Record<string, number[]> = {};
	for (const [name, worse] of Object.entries(conditions)) {
		rates[name] = [];
		for (const condition of worse) {
			const read: boolean[] = [];
			for (const [seed, code] of codes.entries()) read.push(await isRead(code, condition, seed));
			rates[name].push((100 * read.filter(Boolean).length) / codes.length);
		}
	}
	return rates;
}

/** Whether the till's decoder, asked as the till asks it, reads the code from one picture. */
async function isRead(code: string, condition: Condition, seed: number): Promise<boolean> {
	const data = pictureOf(code, condition, seed);
	const picture = { data, width: WIDTH, height: HEIGHT, colorSpace: "srgb" } as ImageData;
	const [found] = await readBarcodes(picture, readerOptions);
	return found?.text === code;
}

function pictureOf(code: string, condition: Condition, seed: number): Uint8ClampedArray<ArrayBuffer> {
	const random = randomOf(seed);
	const { contrast, noise } = condition;
	const ink = blurred(inkOf(code, condition), condition.blur * condition.pointsPerModule);
	const data = new Uint8ClampedArray(new ArrayBuffer(WIDTH * HEIGHT * 4));
	for (let at = 0; at < ink.length; at++) {
		const light = 30 + contrast * (1 - Number(ink[at])) + noise * gaussian(random);
		data.set([light, light, light, 255], at * 4);
	}
	return data;
}

/** How black each point is, from 0 to 1: four looks at each, so that edges are as soft as a lens makes them. */
function inkOf(code: string, { pointsPerModule, degrees }: Condition): Float32Array {
	const { modules } = QRCode.create(code, { errorCorrectionLevel: "M" });
	const side = modules.size;
	const angle = (degrees * Math.PI) / 180;
	const [cos, sin] = [Math.cos(angle) / pointsPerModule, Math.sin(angle) / pointsPerModule];
	const blackAt = (x: number, y: number): number => {
		const [dx, dy] = [x - WIDTH / 2, y - HEIGHT / 2];
		const [column, row] = [dx * cos + dy * sin + side / 2, dy * cos - dx * sin + side / 2];
		const isInQuietZone = column > -4 && row > -4 && column < side + 4 && row < side + 4;
		if (!isInQuietZone) return 1 - BACKGROUND / 255;
		const isInCode = column >= 0 && row >= 0 && column < side && row < side;
		return isInCode && modules.get(Math.floor(row), Math.floor(column)) ? 1 : 0;
	};
	const looks = [0.25, 0.75];
	const ink = new Float32Array(WIDTH * HEIGHT);
	for (let at = 0; at < ink.length; at++) {
		const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
		for (const right of looks) for (const down of looks) ink[at] = Number(ink[at]) + blackAt(x + right, y + down) / 4;
	}
	return ink;
}

function blurred(ink: Float32Array, deviation: number): Float32Array {
	if (deviation < 0.1) return ink;
	const reach = Math.ceil(deviation * 3);
	const weights = Array.from({ length: 2 * reach + 1 }, (_, index) =>
		Math.exp(-((index - reach) ** 2) / (2 * deviation ** 2)),
	);
	const sum = weights.reduce((total, weight) => total + weight, 0);
	const along = (from: Float32Array, step: number, length: number): Float32Array =>
		from.map((_, at) => {
			const place = Math.floor(at / step) % length;
			let mixed = 0;
			for (const [index, weight] of weights.entries()) {
				const other = Math.min(length - 1, Math.max(0, place + index - reach));
				mixed += (weight / sum) * Number(from[at + (other - place) * step]);
			}
			return mixed;
		});
	return along(along(ink, 1, WIDTH), WIDTH, HEIGHT);
}

/** Box and Muller's. */
const gaussian = (random: () => number): number =>
	Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
