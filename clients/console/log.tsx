import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import type { Problem } from "../sdk/problem.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { momentText } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { ask, outcomeOf } from "./operator.ts";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

type Page = Result<"operator.listOperations">;
type Line = Page["items"][number];

const PAGE = 50;

/** What operators changed, newest first. */
export default function Log() {
	const newest = useLoaded(() => outcomeOf("operator.listOperations", { limit: PAGE }), "");
	return (
		<main class="stack">
			<Title app={t().name}>{t().log}</Title>
			<Loaded of={newest}>{(page) => <Lines newest={page} />}</Loaded>
		</main>
	);
}

/** States stand in the log by their names. */
const inWords = (detail: string): string => detail.replace(/\b[a-z]+\b/g, (word) => t().logWords[word] ?? word);

function Lines({ newest }: { readonly newest: Page }) {
	const [{ lines, next }, setKnown] = useState({ lines: newest.items as readonly Line[], next: newest.nextBefore });
	const more = async (before: number) => {
		const page = await ask("operator.listOperations", { limit: PAGE, before });
		if (page) setKnown({ lines: [...lines, ...page.items], next: page.nextBefore });
	};
	if (lines.length === 0) return <Empty icon="history" text={t().nothingDone} />;
	const rows = lines.map(({ sequence, atMs, by, operation, phase, target, reason, detail, hash }) => ({
		key: sequence,
		cells: [
			sequence,
			momentText(atMs),
			by,
			`${t().operations[operation] ?? operation} (${t().phases[phase]})`,
			target,
			reason,
			phase === "failed" ? problemText({ code: detail as Problem["code"], status: 0, title: detail }) : inWords(detail),
			<code key="hash">{hash.slice(0, 12)}</code>,
		],
	}));
	return (
		<section class="card stack">
			<Table
				label={t().log}
				columns={[
					["#", "right"],
					[t().when, "moment"],
					[t().who],
					[t().what],
					[t().id],
					[t().why],
					[t().result],
					[t().hash],
				]}
				rows={rows}
			/>
			{next !== null && <Button onPress={() => more(next)}>{t().older}</Button>}
		</section>
	);
}
