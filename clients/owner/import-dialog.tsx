import { useState } from "preact/hooks";
import type { Problem } from "../sdk/problem.ts";
import { useAction } from "../ui/action.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { problemText } from "../ui/problem-text.ts";
import { saveAs } from "../ui/save.ts";
import { toast } from "../ui/toast.tsx";
import { textIn } from "./csv-text.ts";
import { call } from "./person.ts";
import { t } from "./texts.ts";

const EXAMPLE = "\ufeffsku,name,category,price\r\nlatte,카페 라떼,커피,5000\r\ncake,초콜릿 케이크,디저트,6800\r\n";

export function ImportDialog({ storeId, onClose }: { readonly storeId: string; readonly onClose: () => void }) {
	const [problem, setProblem] = useState<Problem | null>(null);
	const [isBusy, bring] = useAction(async (file: File) => {
		const outcome = await call("store.importProducts", { storeId, csv: await textIn(file) });
		if (!outcome.ok) return setProblem(outcome.problem);
		const { created, updated, unchanged } = outcome.value;
		toast(t().imported(created, updated, unchanged));
		onClose();
	});
	return (
		<Dialog title={t().import} isBusy={isBusy} onClose={onClose}>
			<p class="soft">{t().importText}</p>
			{problem && <Wrong problem={problem} />}
			<label class="button primary large wide" aria-busy={isBusy}>
				{isBusy && <span class="spinner" />}
				{t().chooseFile}
				<input
					type="file"
					accept=".csv,text/csv"
					class="hidden-text"
					onChange={({ currentTarget }) => {
						const [file] = currentTarget.files ?? [];
						setProblem(null);
						if (file) bring(file);
						currentTarget.value = "";
					}}
				/>
			</label>
			<Button onPress={() => saveAs("products.csv", "text/csv", EXAMPLE)}>{t().template}</Button>
			<Button look="quiet" isDisabled={isBusy} onPress={onClose}>
				{t().close}
			</Button>
		</Dialog>
	);
}

/** As many as `services/store/product-csv.ts` tells of. */
const ERRORS_MAX = 20;

/** What is wrong, as the form for one product says it. @param message of `services/store/product-csv.ts` */
function inWords(message: string): string {
	const { wrong, importWords } = t();
	if (message.endsWith("is there twice")) return `${message.split(" ")[1]}: ${importWords.twice}`;
	if (message.startsWith("must name the columns")) return importWords.header;
	if (message.startsWith("there is no product")) return importWords.none;
	if (message.startsWith("there are more")) return importWords.tooMany;
	const fields = message.split("; ").map((each) => each.split(" ", 1)[0] as keyof typeof wrong);
	return fields.every((field) => field in wrong)
		? fields.map((field) => `${field}: ${wrong[field]}`).join(", ")
		: importWords.unreadable;
}

/** Line by line, as a table to go through beside the file. */
function Wrong({ problem }: { readonly problem: Problem }) {
	const { errors = [] } = problem;
	return (
		<div role="alert">
			<p class="notice danger">{errors.length > 0 ? t().importFailed : problemText(problem)}</p>
			{errors.length > 0 && (
				<table class="errors">
					<thead>
						<tr>
							<th scope="col">{t().line}</th>
							<th scope="col">{t().what}</th>
						</tr>
					</thead>
					<tbody>
						{errors.map(({ at, message }) => (
							<tr key={at}>
								<td>{at === "(all)" ? t().wholeFile : at.replace(/^line /, "")}</td>
								<td>{inWords(message)}</td>
							</tr>
						))}
					</tbody>
				</table>
			)}
			{errors.length >= ERRORS_MAX && <p class="soft small">{t().importMore(errors.length)}</p>}
		</div>
	);
}
