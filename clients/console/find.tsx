import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Amount, momentText } from "../ui/format.tsx";
import { go, Link, pathPart } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { Adjust } from "./adjust.tsx";
import { Facts } from "./facts.tsx";
import { ask } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Found = {
	readonly account: Result<"operator.account"> | null;
	readonly lines: Result<"credit.statement">["items"];
	readonly payment: Result<"operator.payment"> | null;
};

/** What has a dot is a payment's id, unless it is a handle. */
async function find(id: string): Promise<Found> {
	const missing = ["account_not_found", "not_found", "validation_failed"];
	const account = await ask("operator.account", { id }, missing);
	const said = account && (await ask("credit.statement", { accountId: account.account.id, limit: 20 }));
	const payment = account ? null : await ask("operator.payment", { id }, missing);
	return { account, payment, lines: said?.items ?? [] };
}

export default function Find() {
	const id = pathPart(1);
	const [text, setText] = useState(id);
	const [found, setFound] = useState<Found | null>(null);
	const [isBusy, look] = useAction(async () => setFound(await find(id)));
	useEffect(() => {
		setFound(null);
		if (id) look();
	}, [id]);
	return (
		<main class="stack">
			<Title app={t().name}>{t().find}</Title>
			<form
				class="card row search"
				onSubmit={(event) => {
					event.preventDefault();
					if (text.trim()) go(`/find/${encodeURIComponent(text.trim())}`);
				}}
			>
				<Field
					label={t().findLabel}
					hint={t().findHint}
					type="search"
					value={text}
					autoCapitalize="none"
					onText={setText}
				/>
				<Submit isBusy={isBusy}>{t().find}</Submit>
			</form>
			{found?.account && <Account found={found.account} lines={found.lines} onChanged={look} />}
			{found?.payment && <Payment found={found.payment} />}
			{found && !found.account && !found.payment && <Empty icon="search" text={t().nothingFound} />}
		</main>
	);
}

type AccountProps = {
	readonly found: Result<"operator.account">;
	readonly lines: Found["lines"];
	readonly onChanged: () => void;
};

function Account({ found, lines, onChanged }: AccountProps) {
	const { account, owner, store, isLocked, frozenBy, isFrozenByOwner } = found;
	const freezers = [...frozenBy, ...(isFrozenByOwner ? [t().itsOwner] : [])];
	const [doing, setDoing] = useState<"freeze" | "unfreeze" | "unfreezeAll" | "adjust" | null>(null);
	const setState = async (reason: string) => {
		const said = { accountId: account.id, reason };
		const lift = doing === "unfreezeAll" ? "all" : "own";
		const done = await (doing === "freeze"
			? ask("operator.freeze", said)
			: ask("operator.unfreeze", { ...said, lift }));
		if (done) toast(t().done);
		if (done) onChanged();
		return done !== null;
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
						<Button onPress={() => setDoing("adjust")}>{t().adjust}</Button>
					</div>
				)}
			</section>
			<section class="card stack">
				<h2>{t().movements}</h2>
				{lines.length === 0 ? <p class="soft">{t().noMovements}</p> : <Lines lines={lines} />}
			</section>
			{doing === "adjust" && <Adjust accountId={account.id} onClose={() => setDoing(null)} onDone={onChanged} />}
			{doing && doing !== "adjust" && (
				<Reason title={t()[doing]} onDo={setState} onClose={() => setDoing(null)}>
					<p>{account.id}</p>
				</Reason>
			)}
		</>
	);
}

function Lines({ lines }: { readonly lines: Found["lines"] }) {
	const rows = lines.map(({ sequence, position, postedAtMs, kind, amount, balanceAfter, transferId }) => ({
		key: `${sequence}.${position}`,
		cells: [
			momentText(postedAtMs),
			kind,
			<Amount key="amount" value={amount} sign="always" />,
			<Amount key="balance" value={balanceAfter} />,
			<Link key="id" to={`/find/${encodeURIComponent(transferId)}`}>
				{transferId}
			</Link>,
		],
	}));
	const columns = [[t().when], [t().what], [t().amount, "right"], [t().balance, "right"], [t().id]] as const;
	return <Table label={t().movements} columns={columns} rows={rows} />;
}

/** Zipkin is another origin, which is told nothing of this page. */
function Trace({ id, url }: { readonly id: string; readonly url: string | null }) {
	return url ? (
		<a href={url} target="_blank" rel="noopener noreferrer">
			{id}
		</a>
	) : (
		<code>{id}</code>
	);
}

function Payment({ found }: { readonly found: Result<"operator.payment"> }) {
	const { id, transfer, refusal, state, entries, traceId, traceUrl } = found;
	const to = (accountId: string) => <Link to={`/find/${encodeURIComponent(accountId)}`}>{accountId}</Link>;
	const rows = entries.map(({ sequence, position, committedAtMs, type, refusal, id, hash }) => ({
		key: `${sequence}.${position}`,
		cells: [
			`${sequence}.${position}`,
			momentText(committedAtMs),
			refusal ? `${type}: ${refusal}` : type,
			id,
			hash.slice(0, 16),
		],
	}));
	return (
		<>
			<section class="card stack">
				<h2>
					{t().payment} {id}
				</h2>
				<Facts
					facts={[
						[t().state, refusal ?? transfer?.state ?? state],
						...(transfer
							? ([
									[t().kind, transfer.kind],
									[t().amount, <Amount key="amount" value={transfer.amount} />],
									[t().refunded, <Amount key="refunded" value={transfer.refunded} />],
									[t().from, to(transfer.debitAccountId)],
									[t().to, to(transfer.creditAccountId)],
									[t().when, momentText(transfer.createdAtMs)],
								] as const)
							: []),
						...(traceId ? ([[t().trace, <Trace key="trace" id={traceId} url={traceUrl} />]] as const) : []),
					]}
				/>
				{transfer && <pre class="small details">{JSON.stringify(transfer.details, null, 2)}</pre>}
			</section>
			<section class="card stack">
				<h2>{t().inTheLog}</h2>
				<Table
					label={t().inTheLog}
					columns={[[t().group, "right"], [t().when], [t().what], [t().id], [t().hash]]}
					rows={rows}
				/>
			</section>
		</>
	);
}
