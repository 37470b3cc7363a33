// `npm run rebuild`: makes the read model anew from the log, with the platform stopped (settings as for `npm start`).
import { withLedger } from "./stopped-ledger.ts";

const startedAt = performance.now();
try {
	await withLedger(
		async ({ readModel }) => {
			const { transfers, postings } = await readModel.count();
			const tookS = ((performance.now() - startedAt) / 1_000).toFixed(1);
			console.log(
				`rebuilt up to group ${readModel.watermark}: ${transfers} transfers, ${postings} postings, in ${tookS} s`,
			);
		},
		{ rebuild: true },
	);
} catch (error) {
	console.error(`rebuild: ${(error as Error).message}`);
	process.exitCode = 1;
}
