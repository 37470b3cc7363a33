import { encode } from "uqr";

/**
 * The code as a QR symbol (ISO/IEC 18004): level M, one path, dark on light in every theme, since readers want it so. What stands around
 * it is light, too: the quiet zone of four modules.
 */
export function Qr({ code, label }: { readonly code: string; readonly label: string }) {
	const { size, data } = encode(code, { ecc: "M", border: 0 });
	return (
		<svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
			<path d={data.map(rowPath).join("")} fill="#000" />
		</svg>
	);
}

/** One stroke for each run of dark modules. */
function rowPath(row: readonly boolean[], y: number): string {
	let path = "";
	for (let x = 0; x < row.length; x++) {
		const from = x;
		while (row[x]) x++;
		if (x > from) path += `M${from} ${y}h${x - from}v1H${from}z`;
	}
	return path;
}
