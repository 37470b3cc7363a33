import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { momentText } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { problemText } from "../ui/problem-text.ts";
import { go, pathPart } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { call } from "./person.ts";
import { t } from "./texts.ts";
import { webhookText } from "./webhook-words.ts";

/** What one webhook was told last. */
export function Deliveries({ storeId }: { readonly storeId: string }) {
	const webhookId = pathPart(3);
	const of = { storeId, webhookId };
	const deliveries = useLoaded(() => call("store.listDeliveries", { ...of, limit: 50 }), webhookId);
	const replay = async (deliveryId: string) => {
		const outcome = await call("store.replayDelivery", { ...of, deliveryId });
		toast(outcome.ok ? t().replayed : problemText(outcome.problem), outcome.ok ? "plain" : "danger");
		await deliveries.again();
	};
	return (
		<main class="page stack narrow-page">
			<div class="row">
				<Button look="quiet" class="round" label={t().back} onPress={() => go(`/s/${storeId}/webhooks`)}>
					<Icon name="back" />
				</Button>
				<Title app={t().name}>{t().deliveries}</Title>
			</div>
			<Loaded of={deliveries}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty icon="send" text={t().noDeliveries} />
					) : (
						<ul class="list card">
							{items.map(({ id, type, state, attempts, lastStatus, lastError, createdAtMs }) => (
								<li key={id} class="entry">
									<div>
										<strong>{t().eventNames[type]}</strong> <code class="soft small">{type}</code>{" "}
										<span class={`tag ${state}`}>{t().state[state]}</span>
										<p class="soft small">
											{momentText(createdAtMs)} · {attempts}× ·{" "}
											{lastError ? webhookText(lastError) : (lastStatus ?? t().noAnswer)}
										</p>
									</div>
									<Button class="small-button" onPress={() => replay(id)}>
										{t().replay}
									</Button>
								</li>
							))}
						</ul>
					)
				}
			</Loaded>
		</main>
	);
}
