import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { momentText } from "../ui/format.tsx";
import { Title } from "../ui/title.tsx";
import { ask } from "./operator.ts";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Line = Result<"operator.listOperations">["items"][number];

/** What operators changed, newest first. */
export default function Log() {
	const [lines, setLines] = useState<readonly Line[] | null>(null);
	const [next, setNext] = useState<number | null>(null);
	const more = async (before?: number) => {
		const page = await ask("operator.listOperations", { limit: 50, ...(before !== undefined && { before }) });
		if (!page) return;
		setLines((known) => [...(before === undefined ? [] : (known ?? [])), ...page.items]);
		setNext(page.nextBefore);
	};
	useEffect(() => void more(), []);
	const rows = (lines ?? []).map(({ sequence, atMs, by, operation, phase, target, reason, detail, hash }) => ({
		key: sequence,
		cells: [
			sequence,
			momentText(atMs),
			by,
			`${operation} (${t().phases[phase]})`,
			target,
			reason,
			detail,
			<code key="hash">{hash.slice(0, 12)}</code>,
		],
	}));
	return (
		<main class="stack">
			<Title app={t().name}>{t().log}</Title>
			{lines?.length === 0 && <Empty icon="history" text={t().nothingDone} />}
			{rows.length > 0 && (
				<section class="card stack">
					<Table
						label={t().log}
						columns={[["#", "right"], [t().when], [t().who], [t().what], [t().id], [t().why], [t().result], [t().hash]]}
						rows={rows}
					/>
					{next !== null && <Button onPress={() => more(next)}>{t().older}</Button>}
				</section>
			)}
		</main>
	);
}
