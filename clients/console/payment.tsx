import type { Result } from "../../services/actions.ts";
import { Amount, momentText } from "../ui/format.tsx";
import { Link } from "../ui/router.tsx";
import { Facts } from "./facts.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

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

const stateText = (state: string): string => t().states[state] ?? state;

export function Payment({ found }: { readonly found: Result<"operator.payment"> }) {
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
						[t().state, refusal ?? stateText(transfer?.state ?? state)],
						...(transfer
							? ([
									[t().kind, t().kinds[transfer.kind] ?? transfer.kind],
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
					columns={[[t().group, "right"], [t().when, "moment"], [t().what], [t().id], [t().hash]]}
					rows={rows}
				/>
			</section>
		</>
	);
}
