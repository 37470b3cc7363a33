import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Choice } from "../ui/choice.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { credit } from "../ui/format.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import type { Sale } from "./payment.ts";
import { beginRefund, type SettledRefund } from "./refund.ts";
import { t } from "./texts.ts";

type Props = {
	readonly sale: Sale;
	readonly onDoubt: () => void;
	readonly onDone: (settled: SettledRefund) => void;
	readonly onClose: () => void;
};

export function RefundDialog({ sale, onDoubt, onDone, onClose }: Props) {
	const left = (sale.total ?? 0) - sale.refunded;
	const [how, setHow] = useState<"all" | "part">("all");
	const [text, setText] = useState("");
	const [reason, setReason] = useState("");
	const [error, setError] = useState<string>();
	const amount = how === "all" ? left : (wholeNumberIn(text) ?? 0);
	const isRight = amount >= 1 && amount <= left;
	const [isBusy, refund] = useAction(async () => {
		if (!isRight) return setError(t().refundMax(credit(left)));
		const wanted = { saleId: sale.id, amount, ...(reason.trim() && { reason: reason.trim() }) };
		const settled = await beginRefund(wanted, onDoubt);
		onClose();
		onDone(settled);
	});
	return (
		<Dialog title={t().refundTitle} isBusy={isBusy} onClose={onClose}>
			<Form noValidate onSubmit={refund}>
				<Choice
					label={t().refundTitle}
					value={how}
					options={[
						["all", t().refundAll],
						["part", t().refundPart],
					]}
					onChoose={setHow}
				/>
				{how === "part" && (
					<>
						<Field
							label={t().refundAmount}
							hint={t().refundMax(credit(left))}
							error={error}
							inputMode="numeric"
							value={text}
							onText={(next) => {
								setError(undefined);
								setText(next);
							}}
						/>
						<div class="quick">
							{sale.items
								.filter((item) => item.unitPrice <= left)
								.map((item) => (
									<Button key={item.productId} class="small-button" onPress={() => setText(String(item.unitPrice))}>
										{item.name} {credit(item.unitPrice)}
									</Button>
								))}
						</div>
					</>
				)}
				<Field label={t().reason} hint={t().reasonHint} value={reason} maxLength={140} onText={setReason} />
				<Submit look="danger" isBusy={isBusy}>
					{t().refundNow(credit(isRight ? amount : 0))}
				</Submit>
				<Button look="quiet" isDisabled={isBusy} onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}
