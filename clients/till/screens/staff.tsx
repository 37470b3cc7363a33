import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { LogInForm } from "../../ui/log-in-form.tsx";
import { problemText } from "../../ui/problem-text.ts";
import { go } from "../../ui/router.tsx";
import { Title } from "../../ui/title.tsx";
import { resumePayment } from "../payment.ts";
import { logInHere, type Seller, sellAs } from "../shop.ts";
import { t } from "../texts.ts";

/** For who works in a store and sells without a paired till. */
export function Staff({ onBack }: { readonly onBack: () => void }) {
	const [sellers, setSellers] = useState<readonly Seller[]>();
	const choose = async (seller: Seller) => {
		await sellAs(seller);
		// What was under way when the log-in ended.
		void resumePayment();
		go("/", "replace");
	};
	const back = (
		<Button look="quiet" onPress={onBack}>
			{t().pairInstead}
		</Button>
	);
	if (sellers)
		return (
			<main class="narrow">
				<div class="card stack">
					<Icon name="shop" />
					<Title app={t().name}>{t().staffStore}</Title>
					{sellers.map((seller) => (
						<Button key={seller.storeId} class="wide large" onPress={() => choose(seller)}>
							{seller.storeName}
						</Button>
					))}
					{back}
				</div>
			</main>
		);
	return (
		<main class="narrow">
			<LogInForm
				class="card"
				foot={back}
				logIn={async (said) => {
					const found = await logInHere(said);
					if (!found.ok) return problemText(found.problem);
					const [only, ...others] = found.value;
					if (!only) return t().staffNowhere;
					await (others.length > 0 ? setSellers(found.value) : choose(only));
				}}
			>
				<Icon name="user" />
				<Title app={t().name}>{t().staffTitle}</Title>
				<p class="soft">{t().staffHint}</p>
			</LogInForm>
		</main>
	);
}
