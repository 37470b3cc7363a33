import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { Checking } from "../ui/checking.tsx";
import { Amount, momentText } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { Link } from "../ui/router.tsx";
import { toast } from "../ui/toast.tsx";
import { Adjust, useDoubt } from "./adjust.tsx";
import { Facts } from "./facts.tsx";
import { outcomeOf } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Props = { readonly found: Result<"operator.account">; readonly onChanged: () => Promise<void> };

export function Account({ found, onChanged }: Props) {
	const { account, owner, store, isLocked, frozenBy, isFrozenByOwner } = found;
	const freezers = [...frozenBy, ...(isFrozenByOwner ? [t().itsOwner] : [])];
	const [doing, setDoing] = useState<"freeze" | "unfreeze" | "unfreezeAll" | "adjust" | null>(null);
	const statement = useLoaded(() => outcomeOf("credit.statement", { accountId: account.id, limit: 20 }), account.id);
	const lookAgain = () => Promise.all([onChanged(), statement.again()]);
	const isDoubtful = useDoubt(account.id, lookAgain);
	const setState = async (reason: string) => {
		const said = { accountId: account.id, reason };
		const lift = doing === "unfreezeAll" ? "all" : "own";
		const done = await (doing === "freeze"
			? outcomeOf("operator.freeze", said)
			: outcomeOf("operator.unfreeze", { ...said, lift }));
		if (done.ok) toast(t().done);
		// Before the dialog gives the focus back: the button that opened it may be another one then.
		if (done.ok) await lookAgain();
		return done;
	};
	const isHeld = account.kind !== "system";
	return (
		<>
			<section class="card stack">
				<h2>
					{t().account} {account.id}
				</h2>
				<Facts
					facts={[
						...(store ? [[t().store, store.name] as const] : []),
						[t().owner, owner ? `@${owner.handle} (${owner.displayName}) ${owner.userId}` : account.owner],
						[t().state, isLocked ? t().locked : t()[account.state]],
						...(account.state === "frozen" && freezers.length > 0
							? [[t().frozenBy, freezers.join(", ")] as const]
							: []),
						[t().balance, <Amount key="balance" value={account.balance} />],
						[t().available, <Amount key="available" value={account.available} />],
						[t().held, <Amount key="held" value={account.pending} />],
					]}
				/>
				{isDoubtful && <Checking />}
				{isHeld && (
					<div class="row wrap">
						{account.state === "open" ? (
							<Button look="danger" onPress={() => setDoing("freeze")}>
								{t().freeze}
							</Button>
						) : (
							<Button look="primary" onPress={() => setDoing("unfreeze")}>
								{t().unfreeze}
							</Button>
						)}
						{account.state === "frozen" && <Button onPress={() => setDoing("unfreezeAll")}>{t().unfreezeAll}</Button>}
						<Button isDisabled={isDoubtful} onPress={() => setDoing("adjust")}>
							{t().adjust}
						</Button>
					</div>
				)}
			</section>
			<section class="card stack">
				<h2>{t().movements}</h2>
				<Loaded of={statement}>
					{({ items }) => (items.length === 0 ? <p class="soft">{t().noMovements}</p> : <Lines lines={items} />)}
				</Loaded>
			</section>
			{doing === "adjust" && <Adjust accountId={account.id} onClose={() => setDoing(null)} onDone={lookAgain} />}
			{doing && doing !== "adjust" && (
				<Reason title={t()[doing]} onDo={setState} onClose={() => setDoing(null)}>
					<p>{account.id}</p>
				</Reason>
			)}
		</>
	);
}

function Lines({ lines }: { readonly lines: Result<"credit.statement">["items"] }) {
	const rows = lines.map(({ sequence, position, postedAtMs, kind, amount, balanceAfter, transferId }) => ({
		key: `${sequence}.${position}`,
		cells: [
			momentText(postedAtMs),
			t().kinds[kind] ?? kind,
			<Amount key="amount" value={amount} sign="always" />,
			<Amount key="balance" value={balanceAfter} />,
			<Link key="id" to={`/find/${encodeURIComponent(transferId)}`}>
				{transferId}
			</Link>,
		],
	}));
	const columns = [[t().when, "moment"], [t().what], [t().amount, "right"], [t().balance, "right"], [t().id]] as const;
	return <Table label={t().movements} columns={columns} rows={rows} />;
}
