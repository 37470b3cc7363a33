import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { momentText } from "../ui/format.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { ask } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Key = Result<"auth.listKeys">["keys"][number];

export default function Keys() {
	const [keys, setKeys] = useState<readonly Key[]>([]);
	const [isAsked, setAsked] = useState(false);
	useEffect(() => void ask("auth.listKeys", {}).then((found) => found && setKeys(found.keys)), []);
	const rotate = async (reason: string) => {
		const rotated = await ask("operator.rotateKeys", { reason });
		if (!rotated) return false;
		setKeys(rotated.keys);
		toast(t().done);
		return true;
	};
	const rows = [...keys].reverse().map(({ kid, state, createdAtMs }) => ({
		key: kid,
		cells: [kid, t().keyStates[state], momentText(createdAtMs)],
	}));
	return (
		<main class="stack">
			<Title app={t().name}>{t().keys}</Title>
			<section class="card stack">
				<Table label={t().keys} columns={[[t().key], [t().state], [t().age]]} rows={rows} />
				<p class="soft">{t().rotateHint}</p>
				<Button look="danger" onPress={() => setAsked(true)}>
					{t().rotate}
				</Button>
			</section>
			{isAsked && <Reason title={t().rotate} onDo={rotate} onClose={() => setAsked(false)} />}
		</main>
	);
}
