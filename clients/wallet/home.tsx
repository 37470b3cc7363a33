import { useState } from "preact/hooks";
import { Empty } from "../ui/empty.tsx";
import { Amount, number } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { Coin } from "./coin.tsx";
import { Unfreeze } from "./freeze.tsx";
import { t } from "./texts.ts";
import { TransactionRow } from "./transaction-row.tsx";
import { account, isFrozen, me, recent } from "./wallet.ts";

export function Home() {
	const texts = t().homeScreen;
	const [isOpening, setOpening] = useState(false);
	return (
		<div class="home">
			<header class="home-top">
				<Title app={t().name}>{me.value ? texts.hello(me.value.displayName) : t().name}</Title>
			</header>
			<Balance />
			{isFrozen.value && (
				<div class="notice danger">
					<Icon name="frozen" />
					<span class="grow">
						{texts.frozen}{" "}
						<button type="button" class="as-link" onClick={() => setOpening(true)}>
							{texts.unfreeze}
						</button>
					</span>
				</div>
			)}
			{isOpening && <Unfreeze onClose={() => setOpening(false)} />}
			<section class="card recent" aria-labelledby="recent">
				<div class="row spread">
					<h2 id="recent">{texts.recent}</h2>
					<Link to="/history" class="button quiet small">
						{t().all}
					</Link>
				</div>
				<Recent />
			</section>
		</div>
	);
}

function Balance() {
	const texts = t().homeScreen;
	const now = account.value;
	return (
		<section class="balance" aria-label={texts.balance}>
			<Coin />
			<p class="balance-label">{texts.balance}</p>
			<p class="balance-amount" style={{ "--characters": number(now?.available ?? 0).length }}>
				{now ? <Amount value={now.available} /> : <span class="skeleton wide-text" />}
			</p>
			<p class="balance-pending">{now && now.pending > 0 ? texts.pending(now.pending) : " "}</p>
			<div class="balance-actions">
				<Link to="/charge" class="button on-balance">
					<Icon name="charge" />
					{texts.charge}
				</Link>
				<Link to="/send" class="button on-balance">
					<Icon name="send" />
					{texts.send}
				</Link>
			</div>
		</section>
	);
}

function Recent() {
	const items = recent.value;
	if (!items)
		return (
			<ul class="list" aria-busy="true">
				{[1, 2, 3].map((each) => (
					<li key={each} class="transaction">
						<span class="skeleton transaction-icon" />
						<span class="skeleton line" />
					</li>
				))}
			</ul>
		);
	if (items.length === 0)
		return (
			<Empty icon="coin" text={t().homeScreen.none}>
				<Link to="/charge" class="button primary">
					{t().homeScreen.charge}
				</Link>
			</Empty>
		);
	return (
		<ul class="list">
			{items.map((transaction) => (
				<TransactionRow key={transaction.transferId} transaction={transaction} when="day" />
			))}
		</ul>
	);
}
