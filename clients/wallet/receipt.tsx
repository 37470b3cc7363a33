import { useEffect, useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Amount, credit, momentText } from "../ui/format.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Link, pathPart } from "../ui/router.tsx";
import { findTransaction } from "./statement.ts";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { otherSide } from "./transaction-row.tsx";
import { recent, type Transaction } from "./wallet.ts";

export default function Receipt() {
	const id = pathPart(1);
	const [found, setFound] = useState<Awaited<ReturnType<typeof findTransaction>>>();
	const refund = recent.value?.find(({ reference }) => reference === id)?.transferId;
	useEffect(() => {
		findTransaction(id).then(setFound);
	}, [id, refund]);
	return (
		<div class="narrow stack">
			<Top to="/history">{t().receipt.title}</Top>
			{found === undefined && <div class="card skeleton tall" aria-busy="true" />}
			{found && !found.ok && <Empty icon="offline" text={problemText(found.problem)} />}
			{found?.ok && !found.value && <Empty icon="history" text={t().receipt.none} />}
			{found?.ok && found.value && <Paper transaction={found.value} />}
		</div>
	);
}

function Paper({ transaction }: { readonly transaction: Transaction }) {
	const texts = t().receipt;
	const { transferId, kind, amount, postedAtMs, note, items, discount, refunded, balanceAfter, reference } =
		transaction;
	return (
		<>
			<article class="card receipt">
				<header class="receipt-head">
					<p class="receipt-name">{otherSide(transaction)}</p>
					<p class="receipt-amount">
						<Amount value={amount} sign="always" />
					</p>
				</header>
				{items.length > 0 && (
					<section>
						<h2 class="small soft">{texts.items}</h2>
						<dl class="facts">
							{items.map((item, index) => (
								<div key={index}>
									<dt>
										{item.name}
										<span class="soft small block">{texts.each(item.unitPrice, item.quantity)}</span>
									</dt>
									<dd class="number">{credit(item.amount)}</dd>
								</div>
							))}
						</dl>
					</section>
				)}
				<dl class="facts">
					{discount > 0 && <Fact name={texts.discount} value={credit(-discount)} />}
					<Fact name={texts.kind} value={t().kinds[kind]} />
					<Fact name={texts.time} value={momentText(postedAtMs)} />
					{note && <Fact name={texts.note} value={note} />}
					{refunded > 0 && <Fact name={texts.refunded} value={credit(refunded)} />}
					<Fact name={texts.after} value={credit(balanceAfter)} />
					<div>
						<dt>{texts.number}</dt>
						<dd class="fine">{transferId}</dd>
					</div>
				</dl>
			</article>
			{reference && (
				<Link to={`/receipt/${encodeURIComponent(reference)}`} class="button">
					{texts.original}
				</Link>
			)}
			<Button look="quiet" onPress={() => print()}>
				{texts.print}
			</Button>
		</>
	);
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
	return (
		<div>
			<dt>{name}</dt>
			<dd>{value}</dd>
		</div>
	);
}
