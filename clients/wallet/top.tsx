import { Icon } from "../ui/icon.tsx";
import { go } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { t } from "./texts.ts";

/** A screen's head, with the way back. */
export function Top({ children, to }: { readonly children: string; readonly to: string }) {
	return (
		<header class="top">
			<button type="button" class="button quiet round" aria-label={t().back} onClick={() => go(to, "replace")}>
				<Icon name="back" />
			</button>
			<Title app={t().name}>{children}</Title>
		</header>
	);
}
