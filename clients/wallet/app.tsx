import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { go, Link, later, path } from "../ui/router.tsx";
import { Toasts } from "../ui/toast.tsx";
import { Approvals } from "./approval.tsx";
import { Arrived } from "./arrived.tsx";
import { Coin } from "./coin.tsx";
import { Home } from "./home.tsx";
import { LogIn } from "./log-in.tsx";
import { Settling } from "./settling.tsx";
import { SignUp } from "./sign-up.tsx";
import { t } from "./texts.ts";
import { isOnline, phase, resume } from "./wallet.ts";
import { Welcome } from "./welcome.tsx";

const outside: Readonly<Record<string, ComponentType>> = { "": Welcome, login: LogIn, signup: SignUp };
const inside: Readonly<Record<string, ComponentType>> = {
	"": Home,
	pay: later(() => import("./pay.tsx")),
	charge: later(() => import("./charge.tsx")),
	send: later(() => import("./send.tsx")),
	history: later(() => import("./history.tsx")),
	receipt: later(() => import("./receipt.tsx")),
	settings: later(() => import("./settings.tsx")),
	profile: later(() => import("./profile.tsx")),
	password: later(() => import("./password.tsx")),
	devices: later(() => import("./devices.tsx")),
};

export function App() {
	return (
		<>
			<Place />
			<Toasts />
		</>
	);
}

function Place() {
	if (!isSecureContext) return <Welcome />;
	if (phase.value === "starting") return <Starting />;
	if (phase.value === "unreachable") return <Unreachable />;
	return phase.value === "in" ? <Inside /> : <Outside />;
}

const nameNow = (): string => path.value.split(/[/?]/)[1] ?? "";

function Outside() {
	const Screen = outside[nameNow()];
	useEffect(() => {
		if (!Screen) go("/", "replace");
	}, [Screen]);
	return Screen ? <Screen /> : null;
}

function Inside() {
	const Screen = inside[nameNow()];
	useEffect(() => {
		if (!Screen) go("/", "replace");
	}, [Screen]);
	const isFull = nameNow() === "pay";
	return (
		<div class={isFull ? "frame full" : "frame"}>
			{!isFull && <Tabs />}
			<main class="screen">
				{!isOnline.value && !isFull && (
					<p class="notice warn offline" role="status">
						<Icon name="offline" />
						{t().offline}
					</p>
				)}
				<Settling />
				{Screen && <Screen key={path.value} />}
			</main>
			<Approvals />
			<Arrived />
		</div>
	);
}

function Tabs() {
	return (
		<nav class="tabs" aria-label={t().name}>
			<Link to="/" class="brand" label={t().name}>
				<Coin />
				<span>{t().name}</span>
			</Link>
			<Tab to="/" icon="home" text={t().home} />
			<Tab to="/history" icon="history" text={t().history} />
			<Link to="/pay" class="tab pay-tab">
				<Coin />
				<span>{t().pay}</span>
			</Link>
			<Tab to="/send" icon="send" text={t().send.title} />
			<Tab to="/settings" icon="settings" text={t().settings} />
		</nav>
	);
}

function Tab({ to, icon, text }: { readonly to: string; readonly icon: IconName; readonly text: string }) {
	return (
		<Link to={to} class="tab">
			<Icon name={icon} />
			<span>{text}</span>
		</Link>
	);
}

function Starting() {
	return (
		<main class="middle" aria-busy="true">
			<Coin />
			<h1 class="hidden-text">{t().loading}</h1>
		</main>
	);
}

function Unreachable() {
	return (
		<main class="middle">
			<Coin />
			<h1>{t().name}</h1>
			<p class="soft">{t().offline}</p>
			<Button look="primary" onPress={resume}>
				{t().retry}
			</Button>
		</main>
	);
}
