import QRCode from "qrcode";

/**
 * The code as a picture in a data URL. Alphanumeric mode and level M: the smallest QR that holds it; more error correction would
 * only make the modules smaller (and Korea's standard asks to limit it). A quiet zone of 4 modules, as ISO/IEC 18004 wants.
 */
export async function drawCode(code: string, format: "png" | "svg"): Promise<string> {
	const segments = [{ data: code, mode: "alphanumeric" as const }];
	const options = { errorCorrectionLevel: "M" as const, margin: 4 };
	if (format === "png") return QRCode.toDataURL(segments, { ...options, scale: 8 });
	const svg = await QRCode.toString(segments, { ...options, type: "svg" });
	return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
