import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Amount, credit, momentText } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { outcomeOf } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Adjustment = Result<"operator.listAdjustments">["items"][number];
type Deciding = { readonly adjustment: Adjustment; readonly decision: "confirm" | "decline" };

/** What waits for a second operator, and what is held at all. */
export default function Adjustments() {
	const waiting = useLoaded(() => outcomeOf("operator.listAdjustments", {}), "");
	const holds = useLoaded(() => outcomeOf("credit.listHolds", { limit: 100 }), "");
	const [deciding, setDeciding] = useState<Deciding | null>(null);
	const lookAgain = () => Promise.all([waiting.again(), holds.again()]);
	return (
		<main class="stack">
			<Title app={t().name}>{t().adjustments}</Title>
			<Loaded of={waiting}>
				{({ items, you }) =>
					items.length === 0 ? (
						<Empty icon="check" text={t().noneWaits} />
					) : (
						items.map((each) => (
							<Waiting key={each.id} adjustment={each} isOwn={each.by === you} onDecide={setDeciding} />
						))
					)
				}
			</Loaded>
			<section class="card stack">
				<h2>{t().holds}</h2>
				<Loaded of={holds}>
					{({ items }) => (items.length === 0 ? <p class="soft">{t().noHolds}</p> : <Holds items={items} />)}
				</Loaded>
			</section>
			{deciding && <Decide {...deciding} onDecided={lookAgain} onClose={() => setDeciding(null)} />}
		</main>
	);
}

type WaitingProps = {
	readonly adjustment: Adjustment;
	/** Whoever asked for it may take it back, and no more. */
	readonly isOwn: boolean;
	readonly onDecide: (deciding: Deciding) => void;
};

function Waiting({ adjustment, isOwn, onDecide }: WaitingProps) {
	return (
		<section class="card stack">
			<h2>
				<Amount value={adjustment.change} sign="always" />
			</h2>
			<p>
				<Link to={`/find/${encodeURIComponent(adjustment.accountId)}`}>{adjustment.accountId}</Link>
			</p>
			<AskedFor adjustment={adjustment} />
			{isOwn && <p class="soft">{t().waitsForSecond}</p>}
			<div class="row wrap">
				{!isOwn && (
					<Button look="primary" onPress={() => onDecide({ adjustment, decision: "confirm" })}>
						{t().confirm}
					</Button>
				)}
				<Button onPress={() => onDecide({ adjustment, decision: "decline" })}>{t().decline}</Button>
			</div>
		</section>
	);
}

const AskedFor = ({ adjustment: { by, createdAtMs, reason } }: { readonly adjustment: Adjustment }) => (
	<p>
		{by}, {momentText(createdAtMs)}: {reason}
	</p>
);

type DecideProps = Deciding & { readonly onDecided: () => Promise<unknown>; readonly onClose: () => void };

/** All that the second operator answers for, where they answer for it. */
function Decide({ adjustment, decision, onDecided, onClose }: DecideProps) {
	const { id, accountId, change } = adjustment;
	const account = useLoaded(() => outcomeOf("operator.account", { id: accountId }), accountId);
	const { owner, store } = account.value ?? {};
	const decide = async (reason: string) => {
		const decided = await outcomeOf("operator.decideAdjustment", { id, decision, reason });
		if (decided.ok) toast(t().done);
		// Also of what was refused: somebody else may have decided it. And before the dialog gives the focus back, as its button goes.
		await onDecided();
		return decided;
	};
	const deed = t().adjustBy[change > 0 ? "give" : "take"](credit(Math.abs(change)));
	return (
		<Reason title={t()[decision]} deed={`${t()[decision]}: ${deed}`} onDo={decide} onClose={onClose}>
			<p>
				<strong>{deed}</strong>
			</p>
			<p>
				{accountId}
				{store && `, ${store.name}`}
				{owner && `, @${owner.handle} (${owner.displayName})`}
			</p>
			<AskedFor adjustment={adjustment} />
		</Reason>
	);
}

function Holds({ items }: { readonly items: Result<"credit.listHolds">["items"] }) {
	return (
		<Table
			label={t().holds}
			columns={[[t().when, "moment"], [t().kind], [t().amount, "right"], [t().until, "moment"], [t().id]]}
			rows={items.map(({ id, kind, amount, createdAtMs, expiresAtMs }) => ({
				key: id,
				cells: [
					momentText(createdAtMs),
					t().kinds[kind] ?? kind,
					<Amount key="amount" value={amount} />,
					expiresAtMs === null ? "–" : momentText(expiresAtMs),
					<Link key="id" to={`/find/${encodeURIComponent(id)}`}>
						{id}
					</Link>,
				],
			}))}
		/>
	);
}
