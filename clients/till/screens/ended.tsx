import { useEffect, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Title } from "../../ui/title.tsx";
import { leaveTill } from "../leave.ts";
import { unsettled } from "../payment.ts";
import { isPerson } from "../shop.ts";
import { t } from "../texts.ts";

export function Ended() {
	const [saleId, setSaleId] = useState<string>();
	useEffect(() => void unsettled().then(setSaleId), []);
	return (
		<main class="narrow">
			<div class="card stack">
				<Icon name="warning" />
				<Title app={t().name}>{isPerson.value ? t().staffEndedTitle : t().endedTitle}</Title>
				<p>{isPerson.value ? t().staffEndedText : t().endedText}</p>
				{saleId && <p class="notice warn">{t().endedSale(saleId)}</p>}
				<Button look="primary" class="wide large" onPress={leaveTill}>
					{isPerson.value ? t().staffAgain : t().pairAgain}
				</Button>
			</div>
		</main>
	);
}
