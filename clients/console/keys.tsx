import { useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { momentText } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { outcomeOf } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

export default function Keys() {
	const keys = useLoaded(() => outcomeOf("auth.listKeys", {}), "");
	const [isAsked, setAsked] = useState(false);
	const rotate = async (reason: string) => {
		const rotated = await outcomeOf("operator.rotateKeys", { reason });
		if (rotated.ok) toast(t().done);
		if (rotated.ok) await keys.again();
		return rotated;
	};
	return (
		<main class="stack">
			<Title app={t().name}>{t().keys}</Title>
			<section class="card stack">
				<Loaded of={keys}>
					{(found) => (
						<Table
							label={t().keys}
							columns={[[t().key], [t().state], [t().age, "moment"]]}
							rows={[...found.keys].reverse().map(({ kid, state, createdAtMs }) => ({
								key: kid,
								cells: [kid, t().keyStates[state], momentText(createdAtMs)],
							}))}
						/>
					)}
				</Loaded>
				<p class="soft">{t().rotateHint}</p>
				<Button look="danger" onPress={() => setAsked(true)}>
					{t().rotate}
				</Button>
			</section>
			{isAsked && <Reason title={t().rotate} onDo={rotate} onClose={() => setAsked(false)} />}
		</main>
	);
}
