import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { Amount, number } from "../ui/format.tsx";
import { Title } from "../ui/title.tsx";
import { Facts } from "./facts.tsx";
import { ask, client } from "./operator.ts";
import { t } from "./texts.ts";

const LOOK_MS = 300;

type Report = Result<"credit.audit">;

/** The audit, and how far it is. */
export default function Books() {
	const [done, setDone] = useState<number | null>(null);
	const [report, setReport] = useState<Report | null>(null);
	const audit = async () => {
		setReport(null);
		setDone(0);
		const looking = setInterval(async () => {
			const status = await client.value?.call("credit.status", {});
			if (status?.ok && status.value.auditing)
				setDone(Math.floor((100 * status.value.auditing.sequence) / Math.max(1, status.value.auditing.of)));
		}, LOOK_MS);
		const found = await ask("credit.audit", {}).finally(() => clearInterval(looking));
		setDone(null);
		if (found) setReport(found);
	};
	return (
		<main class="stack">
			<Title app={t().name}>{t().books}</Title>
			<section class="card stack">
				<h2>{t().audit}</h2>
				<p class="soft">{t().auditHint}</p>
				<Button look="primary" onPress={audit}>
					{t().audit}
				</Button>
				{done !== null && (
					<div class="stack" role="status">
						<progress max={100} value={done} aria-label={t().audit} />
						<span class="number">{t().auditing(done)}</span>
					</div>
				)}
				{report && <Told {...report} />}
			</section>
		</main>
	);
}

function Told({ discrepancy, groups, transfers, accounts, inCirculation, headHash, operations: log }: Report) {
	const wrong = discrepancy ? `${t().group} ${discrepancy.sequence}: ${discrepancy.what}` : log.discrepancy;
	return (
		<div class="stack" role="status">
			<p class={`notice ${wrong ? "danger" : ""}`}>
				{wrong ? `${t().wrong}: ${wrong}` : `${t().clean} ${t().logClean(number(log.lines))}`}
			</p>
			<Facts
				facts={[
					[t().books, t().auditTold(number(groups), number(transfers), number(accounts))],
					[t().circulation, <Amount key="circulation" value={inCirculation} />],
					[t().head, <code key="head">{headHash}</code>],
					[`${t().log}, ${t().head}`, <code key="log">{log.headHash}</code>],
				]}
			/>
		</div>
	);
}
