// `node scripts/deploy/network-picture.ts` draws docs/network-policy.svg: who reaches whom in production, as the NetworkPolicies let them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { manifestsOf } from "./manifests.ts";
import { type Edge, networkMatrix } from "./network-matrix.ts";

export const pictureFile = join(import.meta.dirname, "../../docs/network-policy.svg");

const CELL = 34;
const [LEFT, TOP] = [150, 130];
const escaped = (text: string): string => text.replaceAll("<", "&lt;").replaceAll(">", "&gt;");
/** Names are known to everybody, and would only fill a column. */
const isNaming = ({ port }: Edge): boolean => port === 53;

/** Rows are who speaks, columns are to whom; a dot is a connection that is let through. */
export function networkPicture(edges: readonly Edge[]): string {
	const shown = edges.filter((edge) => !isNaming(edge));
	const rows = [...new Set(shown.map(({ from }) => from))];
	const columns = [...new Set(shown.map(({ to, port }) => `${to}:${port}`))].sort();
	const [width, height] = [LEFT + columns.length * CELL + 90, TOP + rows.length * CELL + 40];
	const x = (column: number) => LEFT + column * CELL + CELL / 2;
	const y = (row: number) => TOP + row * CELL + CELL / 2;
	const bottom = TOP + rows.length * CELL;
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
		"<title>Who reaches whom: rows speak, columns listen</title>",
		`<rect width="${width}" height="${height}" fill="#ffffff"/>`,
		...rows.map((name, row) => `<text x="${LEFT - 8}" y="${y(row) + 4}" text-anchor="end">${escaped(name)}</text>`),
		...columns.map(
			(name, column) => `<text transform="translate(${x(column) + 4} ${TOP - 8}) rotate(-45)">${escaped(name)}</text>`,
		),
		...rows.map((_, row) => `<path d="M${LEFT} ${y(row)}H${LEFT + columns.length * CELL}" stroke="#dddddd"/>`),
		...columns.map((_, column) => `<path d="M${x(column)} ${TOP}V${bottom}" stroke="#dddddd"/>`),
		...shown.map(
			({ from, to, port }) =>
				`<circle cx="${x(columns.indexOf(`${to}:${port}`))}" cy="${y(rows.indexOf(from))}" r="7" fill="#0b6e4f"/>`,
		),
		`<text x="${LEFT}" y="${bottom + 26}" fill="#555555">And every pod asks kube-dns for names. All else is refused.</text>`,
		"</svg>",
		"",
	].join("\n");
}

if (import.meta.main) writeFileSync(pictureFile, networkPicture(networkMatrix(manifestsOf("production"))));
