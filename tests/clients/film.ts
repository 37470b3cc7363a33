import { writeFileSync } from "node:fs";
import { PNG } from "pngjs";

const WIDTH = 960;
const HEIGHT = 720;

/**
 * Writes a picture as a film (YUV4MPEG2) that a browser takes for its camera's: in the middle of a grey table, as a phone would be. What a
 * browser has opened already it reads again when the camera is started again.
 */
export function writeFilm(path: string, png: Buffer, { share = 0.6 } = {}): void {
	const picture = PNG.sync.read(png);
	const side = Math.round(HEIGHT * share);
	const [left, top] = [Math.round((WIDTH - side) / 2), Math.round((HEIGHT - side) / 2)];
	const luma = Buffer.alloc(WIDTH * HEIGHT, 150);
	for (let y = 0; y < side; y++)
		for (let x = 0; x < side; x++)
			luma[(top + y) * WIDTH + left + x] = lumaAt(picture, (x + 0.5) / side, (y + 0.5) / side);
	// Without colour.
	const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
	const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, chroma]);
	const header = `YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420jpeg\n`;
	writeFileSync(path, Buffer.concat([Buffer.from(header), ...Array.from({ length: 4 }, () => frame)]));
}

/** ITU-R BT.601. @param x @param y parts of the width and height */
function lumaAt({ width, height, data }: PNG, x: number, y: number): number {
	const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
	return Math.round(0.299 * Number(data[at]) + 0.587 * Number(data[at + 1]) + 0.114 * Number(data[at + 2]));
}
