import { useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { Looks } from "../ui/looks.tsx";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { Freeze, Unfreeze } from "./freeze.tsx";
import { installing } from "./install.ts";
import { t } from "./texts.ts";
import { client, isFrozen, me, say } from "./wallet.ts";

export default function Settings() {
	const texts = t().settingsScreen;
	const [isAsking, setAsking] = useState(false);
	const close = () => setAsking(false);
	return (
		<div class="narrow stack">
			<Title app={t().name}>{texts.title}</Title>
			<section class="card person-card" aria-label={texts.profile}>
				<span class="transaction-icon in">
					<Icon name="user" />
				</span>
				<span class="transaction-what">
					<strong>{me.value?.displayName}</strong>
					<span class="soft small">{me.value && texts.handle(me.value.handle)}</span>
				</span>
			</section>
			<nav class="card menu" aria-label={texts.title}>
				<Way to="/profile" icon="user" text={texts.edit} />
				<Way to="/password" icon="unlock" text={texts.password} />
				<Way to="/devices" icon="device" text={texts.devices} />
			</nav>
			<section class="card stack" aria-labelledby="safety">
				<h2 id="safety">{texts.safety}</h2>
				<p class="soft small">{texts.freezeHint}</p>
				<Button look={isFrozen.value ? "primary" : "danger"} onPress={() => setAsking(true)}>
					<Icon name={isFrozen.value ? "unlock" : "frozen"} />
					{isFrozen.value ? texts.unfreeze : texts.freeze}
				</Button>
				{isAsking && (isFrozen.value ? <Unfreeze onClose={close} /> : <Freeze onClose={close} />)}
			</section>
			<section class="card stack" aria-labelledby="look">
				<h2 id="look">{texts.look}</h2>
				<Looks />
				{installing.value && <Button onPress={() => installing.value?.prompt()}>{texts.install}</Button>}
			</section>
			<Button
				look="quiet"
				onPress={async () => {
					const done = await client().call("auth.logout", {});
					if (!done.ok) say(done.problem);
				}}
			>
				{texts.logOut}
			</Button>
		</div>
	);
}

function Way({ to, icon, text }: { readonly to: string; readonly icon: IconName; readonly text: string }) {
	return (
		<Link to={to} class="way">
			<Icon name={icon} />
			<span class="grow">{text}</span>
			<Icon name="next" />
		</Link>
	);
}
