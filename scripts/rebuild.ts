// `npm run rebuild`: makes the read model anew from the log, with the platform stopped (DATA_DIR as for `npm start`).
import { rmSync } from "node:fs";
import { withEmbeddedLedger } from "./embedded-ledger.ts";

const startedAt = performance.now();
try {
	await withEmbeddedLedger(
		async ({ readModel }) => {
			const { transfers, postings } = await readModel.count();
			const tookS = ((performance.now() - startedAt) / 1_000).toFixed(1);
			console.log(
				`rebuilt up to group ${readModel.watermark}: ${transfers} transfers, ${postings} postings, in ${tookS} s`,
			);
		},
		{
			before: ({ readModel }) => {
				for (const suffix of ["", "-wal", "-shm"]) rmSync(readModel + suffix, { force: true });
			},
		},
	);
} catch (error) {
	console.error(`rebuild: ${(error as Error).message}`);
	process.exitCode = 1;
}
