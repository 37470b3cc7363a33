import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Choice } from "../../ui/choice.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Looks } from "../../ui/looks.tsx";
import { Title } from "../../ui/title.tsx";
import { leaveTill } from "../leave.ts";
import { chooseHand, hand } from "../preferences.ts";
import { reload } from "../product-grid.tsx";
import { isPerson, store, till } from "../shop.ts";
import { t } from "../texts.ts";

export function Settings() {
	const [isLeaving, setLeaving] = useState(false);
	const { name, mayRefund = false, discountMaxPercent = 0 } = till.value ?? {};
	const leave = isPerson.value ? t().logOut : t().unpair;
	const rights = [
		t().maySell,
		mayRefund && t().mayRefund,
		discountMaxPercent > 0 && t().mayDiscount(discountMaxPercent),
	].filter(Boolean);
	return (
		<main class="page stack narrow-page">
			<Title app={t().name}>{t().settings}</Title>
			<dl class="card settings">
				<div>
					<dt>{t().storeName}</dt>
					<dd>{store.value?.name}</dd>
				</div>
				<div>
					<dt>{isPerson.value ? t().seller : t().tillName}</dt>
					<dd>{name}</dd>
				</div>
				<div>
					<dt>{t().rights}</dt>
					<dd>{rights.join(" · ")}</dd>
				</div>
			</dl>
			<div class="card stack">
				<Looks titled />
				<h2>{t().hand}</h2>
				<Choice
					label={t().hand}
					value={hand.value}
					options={[
						["left", t().left],
						["right", t().right],
					]}
					onChoose={chooseHand}
				/>
			</div>
			<p class="soft small">{t().keys}</p>
			<div class="deeds">
				<Button class="large" onPress={reload}>
					{t().reload}
				</Button>
				<Button look="danger" class="large" onPress={() => setLeaving(true)}>
					{leave}
				</Button>
			</div>
			{isLeaving && (
				<Dialog title={leave} onClose={() => setLeaving(false)}>
					<p>{isPerson.value ? t().logOutText : t().unpairText}</p>
					<Button
						look="danger"
						class="wide"
						onPress={async () => {
							await leaveTill();
							setLeaving(false);
						}}
					>
						{leave}
					</Button>
					<Button look="quiet" class="wide" onPress={() => setLeaving(false)}>
						{t().cancel}
					</Button>
				</Dialog>
			)}
		</main>
	);
}
