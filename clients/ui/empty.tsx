import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon.tsx";

/** Where there is nothing yet: what would be here, and how it comes to be. */
export function Empty({
	icon,
	text,
	children,
}: {
	readonly icon: IconName;
	readonly text: string;
	readonly children?: ComponentChildren;
}) {
	return (
		<div class="empty">
			<Icon name={icon} />
			<p>{text}</p>
			{children}
		</div>
	);
}
