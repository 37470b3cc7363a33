import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Amount, momentText } from "../ui/format.tsx";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { ask } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Adjustment = Result<"operator.listAdjustments">["items"][number];
type Deciding = { readonly adjustment: Adjustment; readonly decision: "confirm" | "decline" };

/** What waits for a second operator, and what is held at all. */
export default function Adjustments() {
	const [waiting, setWaiting] = useState<readonly Adjustment[] | null>(null);
	const [holds, setHolds] = useState<Result<"credit.listHolds">["items"] | null>(null);
	const [deciding, setDeciding] = useState<Deciding | null>(null);
	const look = async () => {
		setWaiting((await ask("operator.listAdjustments", {}))?.items ?? []);
		setHolds((await ask("credit.listHolds", { limit: 100 }))?.items ?? []);
	};
	useEffect(() => void look(), []);
	const decide = async (reason: string) => {
		if (!deciding) return false;
		const { adjustment, decision } = deciding;
		const done = await ask("operator.decideAdjustment", { id: adjustment.id, decision, reason });
		if (done) toast(t().done);
		void look();
		return done !== null;
	};
	return (
		<main class="stack">
			<Title app={t().name}>{t().adjustments}</Title>
			{waiting?.length === 0 && <Empty icon="check" text={t().noneWaits} />}
			{waiting?.map((adjustment) => (
				<section key={adjustment.id} class="card stack">
					<h2>
						<Amount value={adjustment.change} sign="always" />
					</h2>
					<p>
						<Link to={`/find/${encodeURIComponent(adjustment.accountId)}`}>{adjustment.accountId}</Link>
					</p>
					<p>
						{adjustment.by}, {momentText(adjustment.createdAtMs)}: {adjustment.reason}
					</p>
					<div class="row wrap">
						<Button look="primary" onPress={() => setDeciding({ adjustment, decision: "confirm" })}>
							{t().confirm}
						</Button>
						<Button onPress={() => setDeciding({ adjustment, decision: "decline" })}>{t().decline}</Button>
					</div>
				</section>
			))}
			<section class="card stack">
				<h2>{t().holds}</h2>
				{holds?.length === 0 && <p class="soft">{t().noHolds}</p>}
				{holds && holds.length > 0 && (
					<Table
						label={t().holds}
						columns={[[t().when], [t().kind], [t().amount, "right"], [t().until], [t().id]]}
						rows={holds.map(({ id, kind, amount, createdAtMs, expiresAtMs }) => ({
							key: id,
							cells: [
								momentText(createdAtMs),
								kind,
								<Amount key="amount" value={amount} />,
								expiresAtMs === null ? "–" : momentText(expiresAtMs),
								<Link key="id" to={`/find/${encodeURIComponent(id)}`}>
									{id}
								</Link>,
							],
						}))}
					/>
				)}
			</section>
			{deciding && (
				<Reason title={t()[deciding.decision]} onDo={decide} onClose={() => setDeciding(null)}>
					<p>
						<Amount value={deciding.adjustment.change} sign="always" /> {deciding.adjustment.accountId}
					</p>
				</Reason>
			)}
		</main>
	);
}
