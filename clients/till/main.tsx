import { effect } from "@preact/signals";
import { render } from "preact";
import { Icon } from "../ui/icon.tsx";
import { go, Link, path } from "../ui/router.tsx";
import { startsOffline } from "../ui/starts-offline.ts";
import { Toasts } from "../ui/toast.tsx";
import "../ui/theme.ts";
import "../ui/ui.css";
import "../ui/shop.css";
import "./till.css";
import "./counter.css";
import "./basket.css";
import "./pay.css";
import "./outcome.css";
import "./receipt.css";
import { payment, resumePayment } from "./payment.ts";
import { Ended } from "./screens/ended.tsx";
import { Pair, pairingCodeIn } from "./screens/pair.tsx";
import { Pay } from "./screens/pay.tsx";
import { Sale } from "./screens/sale.tsx";
import { Sales } from "./screens/sales.tsx";
import { Sell } from "./screens/sell.tsx";
import { Settings } from "./screens/settings.tsx";
import { isEnded, isOnline, openTill, store, till } from "./shop.ts";
import { t } from "./texts.ts";

const tabs = [
	["/", "pay", () => t().sell],
	["/sales", "history", () => t().sales],
	["/settings", "settings", () => t().settings],
] as const;

function App() {
	if (isEnded.value && till.value) return <Ended />;
	if (!till.value) return <Pair found={path.value.startsWith("pair=") ? pairingCodeIn(`#${path.value}`) : ""} />;
	const isPaying = path.value === "/pay" || payment.value.stage !== "none";
	return isPaying ? (
		<Pay />
	) : (
		<div class="app">
			<nav class="tabs" aria-label={t().main}>
				<span class="tabs-store">{store.value?.name}</span>
				{tabs.map(([to, icon, text]) => (
					<Link key={to} to={to} class="tab">
						<Icon name={icon} />
						{text()}
					</Link>
				))}
			</nav>
			<Screen />
		</div>
	);
}

function Screen() {
	const [, name = "", id] = path.value.split("/");
	if (name === "sales") return id ? <Sale /> : <Sales />;
	if (name === "settings") return <Settings />;
	return <Sell />;
}

function Shell() {
	return (
		<>
			{!isOnline.value && (
				<p class="offline" role="status">
					<Icon name="offline" />
					{t().offline}
				</p>
			)}
			<App />
			<Toasts />
		</>
	);
}

await openTill();
// What was under way when the page was closed comes before everything else.
if (till.value) void resumePayment();
effect(() => {
	if (["sending", "checking", "waiting", "cancelling"].includes(payment.value.stage) && path.peek() !== "/pay")
		go("/pay");
});
render(<Shell />, document.getElementById("app") as HTMLElement);
startsOffline();
