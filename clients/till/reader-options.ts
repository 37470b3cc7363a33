import type { ReaderOptions } from "zxing-wasm/reader";

/** What the till asks of ZXing; the bench asks the same. */
export const readerOptions: ReaderOptions = { formats: ["QRCode"], maxNumberOfSymbols: 1 };
