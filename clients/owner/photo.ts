const POINTS_MAX = 640;
const BYTES_MAX = 100_000;

/**
 * A photo as the platform takes it: a square from the middle, small, and drawn anew, so that nothing of where it was taken is left in it.
 *
 * @returns base64; nothing if the file is no picture that this browser can show
 */
export async function photoFrom(file: Blob): Promise<string | undefined> {
	const picture = await createImageBitmap(file).catch(() => undefined);
	if (!picture) return undefined;
	const side = Math.min(picture.width, picture.height);
	const points = Math.min(POINTS_MAX, side);
	const canvas = new OffscreenCanvas(points, points);
	const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
	// JPEG has no transparency.
	context.fillStyle = "#ffffff";
	context.fillRect(0, 0, points, points);
	const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
	context.drawImage(picture, left, top, side, side, 0, 0, points, points);
	picture.close();
	for (const quality of [0.82, 0.65, 0.45, 0.25]) {
		const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality });
		if (jpeg.size <= BYTES_MAX) return base64Of(jpeg);
	}
	return undefined;
}

const base64Of = (blob: Blob): Promise<string> =>
	new Promise((resolve, reject) => {
		const reader = new FileReader();
		reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
		reader.onerror = () => reject(reader.error);
		reader.readAsDataURL(blob);
	});
