import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../../sdk/problem.ts";
import { Button } from "../../ui/button.tsx";
import { Checking } from "../../ui/checking.tsx";
import { Amount, credit, momentText } from "../../ui/format.tsx";
import { Icon } from "../../ui/icon.tsx";
import { problemText } from "../../ui/problem-text.ts";
import { go, pathPart } from "../../ui/router.tsx";
import { Title } from "../../ui/title.tsx";
import { toast } from "../../ui/toast.tsx";
import { Trouble } from "../../ui/trouble.tsx";
import type { Sale as SaleView } from "../payment.ts";
import { Receipt } from "../receipt.tsx";
import { resumeRefund, type SettledRefund } from "../refund.ts";
import { RefundDialog } from "../refund-dialog.tsx";
import { call, nowMs, till } from "../shop.ts";
import { t } from "../texts.ts";

/** So long everybody at the counter may undo a sale; the server decides. */
const UNDO_MS = 10 * 60_000;

export function Sale() {
	const saleId = pathPart(1);
	const [sale, setSale] = useState<SaleView | null>(null);
	const [problem, setProblem] = useState<Problem | null>(null);
	const [isDoubtful, setDoubtful] = useState(false);
	const [isRefunding, setRefunding] = useState(false);
	const read = async () => {
		const found = await call("store.getSale", { storeId: till.value?.storeId ?? "", saleId });
		setProblem(found.ok ? null : found.problem);
		if (found.ok) setSale(found.value);
	};
	const tell = (settled: SettledRefund) => {
		setDoubtful(false);
		if (settled === "elsewhere") return void read();
		if (!settled.ok) return toast(problemText(settled.problem), "danger");
		setSale(settled.value.sale);
		toast(t().refundDone(credit(settled.value.refund.amount)));
	};
	useEffect(() => {
		void read();
		void resumeRefund(saleId, () => setDoubtful(true)).then((settled) => settled && tell(settled));
	}, [saleId]);
	return (
		<main class="page stack narrow-page">
			<div class="row">
				<Button look="quiet" class="round" label={t().back} onPress={() => go("/sales")}>
					<Icon name="back" />
				</Button>
				<Title app={t().name}>{t().sale}</Title>
			</div>
			{problem && <Trouble problem={problem} again={read} />}
			{isDoubtful && <Checking text={t().refundChecking} />}
			{!sale && !problem && <div class="skeleton tall" aria-busy="true" />}
			{sale && (
				<>
					<Details sale={sale} />
					<Deeds sale={sale} isDoubtful={isDoubtful} onRefund={() => setRefunding(true)} onSale={setSale} />
					<Receipt sale={sale} />
				</>
			)}
			{sale && isRefunding && (
				<RefundDialog sale={sale} onDoubt={() => setDoubtful(true)} onDone={tell} onClose={() => setRefunding(false)} />
			)}
		</main>
	);
}

const leftOf = ({ total, refunded }: SaleView): number => (total ?? 0) - refunded;

function Details({ sale }: { readonly sale: SaleView }) {
	return (
		<div class="card stack">
			<p class="pay-total">
				<Amount isLong value={sale.total ?? 0} />
			</p>
			<p class="soft">
				{momentText(sale.createdAtMs ?? 0)}
				{sale.refunded > 0 && (
					<>
						{" "}
						<span class="tag">{leftOf(sale) === 0 ? t().isRefunded : t().isPartlyRefunded}</span>
					</>
				)}
			</p>
			<ul class="list items">
				{sale.items.map(({ productId, name, quantity, amount }) => (
					<li key={productId} class="row spread">
						<span>
							{name} <span class="number">× {quantity}</span>
						</span>
						<Amount value={amount} />
					</li>
				))}
				{sale.discount > 0 && (
					<li class="row spread">
						<span>{t().discount}</span>
						<Amount value={-sale.discount} />
					</li>
				)}
			</ul>
			{sale.note && <p class="notice">{sale.note}</p>}
			{sale.refunds.length > 0 && (
				<>
					<h2>{t().refunds}</h2>
					<ul class="list items">
						{sale.refunds.map(({ id, amount, reason, createdAtMs }) => (
							<li key={id} class="row spread">
								<span>
									{momentText(createdAtMs)}
									{reason && <span class="soft"> · {reason}</span>}
								</span>
								<Amount value={-amount} />
							</li>
						))}
					</ul>
				</>
			)}
			<p class="soft small">{t().saleNo(sale.id)}</p>
		</div>
	);
}

type DeedsProps = {
	readonly sale: SaleView;
	readonly isDoubtful: boolean;
	readonly onRefund: () => void;
	readonly onSale: (sale: SaleView) => void;
};

function Deeds({ sale, isDoubtful, onRefund, onSale }: DeedsProps) {
	const isRefundable = sale.state === "posted" && leftOf(sale) > 0 && !isDoubtful;
	const isFresh = nowMs() - (sale.createdAtMs ?? 0) < UNDO_MS;
	const undo = async () => {
		const { storeId, id: saleId } = sale;
		const outcome = await call("store.cancelSale", { storeId, saleId, idempotencyKey: `${saleId}-cancel` });
		if (!outcome.ok) return toast(problemText(outcome.problem), "danger");
		onSale(outcome.value.sale);
		toast(t().cancelledText[outcome.value.effect]);
	};
	return (
		<div class="deeds">
			<Button class="large" onPress={() => print()}>
				{t().print}
			</Button>
			{isRefundable && till.value?.mayRefund && (
				<Button look="danger" class="large" onPress={onRefund}>
					{t().refund}
				</Button>
			)}
			{isRefundable && !till.value?.mayRefund && isFresh && (
				<Button look="danger" class="large" onPress={undo}>
					{t().cancelSale}
				</Button>
			)}
			{isRefundable && !till.value?.mayRefund && !isFresh && <p class="soft small">{t().mayNotRefund}</p>}
		</div>
	);
}
