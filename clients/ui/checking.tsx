import { dictionary } from "./i18n.ts";

const t = dictionary({
	ko: { checking: "처리됐는지 확인하고 있어요. 다시 누르지 마세요." },
	en: { checking: "Checking whether it went through. Do not press again." },
});

/** Stands where something was sent, as long as it is not known what became of it. */
export function Checking({ text = t().checking }: { readonly text?: string }) {
	return (
		<p class="notice warn" role="status">
			{text}
		</p>
	);
}
