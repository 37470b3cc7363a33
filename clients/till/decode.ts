import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url";
import { readerOptions } from "./reader-options.ts";

type Detector = { detect(source: ImageBitmapSource): Promise<readonly { readonly rawValue: string }[]> };
type Native = { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> };

/** Reads QR codes out of a picture. */
export type Decode = (picture: ImageData) => Promise<string | undefined>;

/** The browser's own where it has one; else ZXing, from our own files. */
export async function decoder(): Promise<Decode> {
	const { BarcodeDetector: native } = globalThis as { BarcodeDetector?: Native };
	const formats: readonly string[] = (await native?.getSupportedFormats().catch(() => [])) ?? [];
	if (native && formats.includes("qr_code")) {
		const detector = new native({ formats: ["qr_code"] });
		return async (picture) => (await detector.detect(picture))[0]?.rawValue;
	}
	prepareZXingModule({ overrides: { locateFile: () => wasmUrl }, fireImmediately: true });
	return async (picture) => (await readBarcodes(picture, readerOptions))[0]?.text;
}
