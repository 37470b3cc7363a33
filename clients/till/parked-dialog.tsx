import { useRef, useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { credit, timeText } from "../ui/format.tsx";
import { totalOf } from "./basket.ts";
import { discard, type Parked, parkAgain, parked, resume } from "./order.ts";
import { t } from "./texts.ts";
import { Undo } from "./undo.tsx";

export function ParkedDialog({ onClose }: { readonly onClose: () => void }) {
	const [gone, setGone] = useState<Parked | null>(null);
	const list = useRef<HTMLUListElement>(null);
	return (
		<Dialog title={t().parked} onClose={onClose}>
			{gone && (
				<Undo
					key={gone.id}
					text={t().discarded(nameOf(gone))}
					onUndo={() => {
						parkAgain(gone);
						setGone(null);
						list.current?.focus();
					}}
				/>
			)}
			{!gone && parked.value.length === 0 && <Empty icon="history" text={t().noParked} />}
			<ul ref={list} class="list" tabIndex={-1} aria-label={t().parked}>
				{parked.value.map((order) => (
					<li key={order.id} class="parked">
						<div>
							<strong>{nameOf(order)}</strong>
							<div class="soft small">
								{timeText(order.atMs)} · {credit(totalOf(order.basket))}
							</div>
						</div>
						<Button
							class="small-button"
							onPress={() => {
								discard(order.id);
								setGone(order);
							}}
						>
							{t().discard}
						</Button>
						<Button
							look="primary"
							class="small-button"
							onPress={() => {
								resume(order.id);
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

const nameOf = ({ basket: { note, lines } }: Parked): string => note || lines.map(({ name }) => name).join(", ");
