import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { momentText } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { toast } from "../ui/toast.tsx";
import { deviceName } from "./device-name.ts";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { client, say } from "./wallet.ts";

type Session = Result<"auth.listSessions">["items"][number];

export default function Devices() {
	const texts = t().devices;
	const [items, setItems] = useState<readonly Session[]>();
	const [asked, setAsked] = useState<Session>();
	useEffect(() => {
		client()
			.call("auth.listSessions", {})
			.then((read) => (read.ok ? setItems(read.value.items) : say(read.problem)));
	}, []);
	const end = async ({ id }: Session) => {
		const done = await client().call("auth.revokeSession", { sessionId: id });
		setAsked(undefined);
		if (!done.ok) return say(done.problem);
		setItems(items?.filter((other) => other.id !== id));
		toast(texts.ended);
	};
	return (
		<div class="narrow stack">
			<Top to="/settings">{texts.title}</Top>
			<section class="card" aria-busy={!items}>
				<ul class="list">
					{items?.map((session) => (
						<li key={session.id} class="device">
							<span class={`transaction-icon ${session.current ? "in" : ""}`}>
								<Icon name="device" />
							</span>
							<span class="transaction-what">
								<strong>{deviceName(session.userAgent)}</strong>
								<span class="soft small">
									{session.current ? texts.this : texts.used(momentText(session.usedAtMs))}
								</span>
							</span>
							{!session.current && (
								<Button class="small" onPress={() => setAsked(session)}>
									{texts.end}
								</Button>
							)}
						</li>
					))}
				</ul>
			</section>
			{asked && (
				<Dialog title={texts.sure} onClose={() => setAsked(undefined)}>
					<p>{deviceName(asked.userAgent)}</p>
					<div class="pair">
						<Button class="large" onPress={() => setAsked(undefined)}>
							{t().cancel}
						</Button>
						<Button look="danger" class="large" onPress={() => end(asked)}>
							{texts.end}
						</Button>
					</div>
				</Dialog>
			)}
		</div>
	);
}
