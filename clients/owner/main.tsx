import { render } from "preact";
import { Icon } from "../ui/icon.tsx";
import { Link, path } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { Toasts } from "../ui/toast.tsx";
import "../ui/theme.ts";
import "../ui/ui.css";
import "../ui/shop.css";
import "./owner.css";
import { Trouble } from "../ui/trouble.tsx";
import { Deliveries } from "./deliveries.tsx";
import { Login } from "./login.tsx";
import { isOpen, openPerson, resumePerson, session, stores, trouble } from "./person.ts";
import { Products } from "./products.tsx";
import { Report } from "./report.tsx";
import { Staff } from "./staff.tsx";
import { Store } from "./store.tsx";
import { Stores } from "./stores.tsx";
import { t } from "./texts.ts";
import { Tills } from "./tills.tsx";
import { Webhooks } from "./webhooks.tsx";

const tabs = [
	["report", "history", () => t().report],
	["products", "shop", () => t().products],
	["tills", "device", () => t().tills],
	["staff", "user", () => t().staff],
	["webhooks", "send", () => t().webhooks],
	["store", "settings", () => t().store],
] as const;

const screens: Readonly<Record<string, typeof Report>> = {
	report: Report,
	products: Products,
	tills: Tills,
	staff: Staff,
	webhooks: Webhooks,
	store: Store,
};

function App() {
	if (!isOpen.value) return <Opening />;
	if (!session.value) return <Login />;
	const [, first, storeId = "", name = "", id] = path.value.split("/");
	if (first !== "s" || storeId === "") return <Stores />;
	const Screen = screens[name];
	if (!Screen) return <StaffOnly />;
	return (
		<div class="app" key={storeId}>
			<nav class="tabs" aria-label={t().main}>
				<Link to="/" class="tabs-store">
					{stores.value?.find((store) => store.id === storeId)?.name ?? t().stores}
				</Link>
				<div class="tab-row">
					{tabs.map(([to, icon, text]) => (
						<Link key={to} to={`/s/${storeId}/${to}`} class="tab">
							<Icon name={icon} />
							{text()}
						</Link>
					))}
				</div>
			</nav>
			{name === "webhooks" && id ? <Deliveries storeId={storeId} /> : <Screen storeId={storeId} />}
		</div>
	);
}

/** Until it is known who is here: somebody who is not reached yet is not logged out. */
function Opening() {
	return (
		<main class="page stack narrow-page">
			{trouble.value ? (
				<>
					<Title app={t().name}>{t().stores}</Title>
					<Trouble problem={trouble.value} again={resumePerson} />
				</>
			) : (
				<div class="skeleton tall" aria-busy="true" />
			)}
		</main>
	);
}

function StaffOnly() {
	return (
		<main class="narrow">
			<div class="card stack">
				<Title app={t().name}>{t().staffRole}</Title>
				<p>{t().staffText}</p>
				<Link to="/" class="button">
					{t().back}
				</Link>
			</div>
		</main>
	);
}

render(
	<>
		<App />
		<Toasts />
	</>,
	document.getElementById("app") as HTMLElement,
);
await openPerson();
