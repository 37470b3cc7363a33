import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { credit, timeText } from "../ui/format.tsx";
import { totalOf } from "./basket.ts";
import { discard, parked, resume } from "./order.ts";
import { t } from "./texts.ts";

export function ParkedDialog({ onClose }: { readonly onClose: () => void }) {
	return (
		<Dialog title={t().parked} onClose={onClose}>
			{parked.value.length === 0 && <Empty icon="history" text={t().noParked} />}
			<ul class="list">
				{parked.value.map(({ id, atMs, basket }) => (
					<li key={id} class="parked">
						<div>
							<strong>{basket.note || basket.lines.map(({ name }) => name).join(", ")}</strong>
							<div class="soft small">
								{timeText(atMs)} · {credit(totalOf(basket))}
							</div>
						</div>
						<Button class="small-button" onPress={() => discard(id)}>
							{t().discard}
						</Button>
						<Button
							look="primary"
							class="small-button"
							onPress={() => {
								resume(id);
								onClose();
							}}
						>
							{t().resume}
						</Button>
					</li>
				))}
			</ul>
			<Button look="quiet" class="wide" onPress={onClose}>
				{t().close}
			</Button>
		</Dialog>
	);
}
