import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import type { Outcome, Problem } from "../sdk/problem.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { Loaded, useLoaded } from "./loaded.tsx";
import { call } from "./person.ts";
import { t } from "./texts.ts";

type Webhook = Result<"store.listWebhooks">["items"][number];
type Event = Webhook["events"][number];

const events: readonly Event[] = [
	"sale.posted",
	"sale.pending",
	"sale.voided",
	"sale.expired",
	"sale.refunded",
	"payout.posted",
];

export function Webhooks({ storeId }: { readonly storeId: string }) {
	const webhooks = useLoaded(() => call("store.listWebhooks", { storeId }), storeId);
	const [isAdding, setAdding] = useState(false);
	const [secret, setSecret] = useState<string | null>(null);
	/** Says why not, or shows the list as it is then. */
	const done = async (outcome: Outcome<unknown>) => {
		if (!outcome.ok) toast(problemText(outcome.problem), "danger");
		await webhooks.again();
	};
	return (
		<main class="page stack narrow-page">
			<div class="row spread wrap">
				<Title app={t().name}>{t().webhooks}</Title>
				<Button look="primary" onPress={() => setAdding(true)}>
					{t().addWebhook}
				</Button>
			</div>
			<Loaded of={webhooks}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty icon="send" text={t().noWebhooks} />
					) : (
						<ul class="stack">
							{items.map((webhook) => (
								<li key={webhook.id} class="card stack">
									<Entry storeId={storeId} webhook={webhook} onDone={done} onSecret={setSecret} />
								</li>
							))}
						</ul>
					)
				}
			</Loaded>
			{isAdding && (
				<WebhookDialog
					title={t().addWebhook}
					onClose={() => setAdding(false)}
					save={async (said) => {
						const made = await call("store.createWebhook", { storeId, ...said });
						if (!made.ok) return made.problem;
						setAdding(false);
						setSecret(made.value.secret);
						await webhooks.again();
					}}
				/>
			)}
			{secret && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
		</main>
	);
}

type EntryProps = {
	readonly storeId: string;
	readonly webhook: Webhook;
	readonly onDone: (outcome: Outcome<unknown>) => Promise<void>;
	readonly onSecret: (secret: string) => void;
};

function Entry({ storeId, webhook, onDone, onSecret }: EntryProps) {
	const { id: webhookId, url, description, enabled, disabledBecause } = webhook;
	const of = { storeId, webhookId };
	const [isEditing, setEditing] = useState(false);
	const ping = async () => {
		const outcome = await call("store.pingWebhook", of);
		if (!outcome.ok) return toast(problemText(outcome.problem), "danger");
		const { status, error, tookMs } = outcome.value;
		toast(t().pinged(String(error ?? status ?? t().noAnswer), tookMs), error ? "danger" : "plain");
	};
	const rotate = async () => {
		const outcome = await call("store.rotateWebhookSecret", of);
		if (outcome.ok) onSecret(outcome.value.secret);
		else toast(problemText(outcome.problem), "danger");
	};
	return (
		<>
			<div>
				<strong class="url">{url}</strong>{" "}
				{!enabled && (
					<span class="tag">
						{t().disabled}
						{disabledBecause && `: ${disabledBecause}`}
					</span>
				)}
				{description && <p>{description}</p>}
				<p class="soft small">{webhook.events.join(", ")}</p>
			</div>
			<div class="row wrap">
				<Link to={`/s/${storeId}/webhooks/${webhookId}`} class="button small-button">
					{t().deliveries}
				</Link>
				<Button class="small-button" onPress={() => setEditing(true)}>
					{t().editWebhook}
				</Button>
				<Button class="small-button" onPress={ping}>
					{t().ping}
				</Button>
				<Button
					class="small-button"
					onPress={async () => onDone(await call("store.editWebhook", { ...of, enabled: !enabled }))}
				>
					{enabled ? t().disable : t().enable}
				</Button>
				<Button class="small-button" onPress={rotate}>
					{t().rotate}
				</Button>
				<Button class="small-button" onPress={async () => onDone(await call("store.removeWebhook", of))}>
					{t().remove}
				</Button>
			</div>
			{isEditing && (
				<WebhookDialog
					title={t().editWebhook}
					was={webhook}
					onClose={() => setEditing(false)}
					save={async (said) => {
						const changed = await call("store.editWebhook", { ...of, ...said });
						if (!changed.ok) return changed.problem;
						setEditing(false);
						await onDone(changed);
					}}
				/>
			)}
		</>
	);
}

type WebhookProps = {
	readonly title: string;
	/** None where it is a new one. */
	readonly was?: Webhook;
	/** @returns why not */
	readonly save: (said: Pick<Webhook, "url" | "description"> & { events: Event[] }) => Promise<Problem | undefined>;
	readonly onClose: () => void;
};

const fresh = { url: "https://", description: "", events: ["sale.posted", "sale.refunded"] } as const;

function WebhookDialog({ title, was, save, onClose }: WebhookProps) {
	const before = was ?? fresh;
	const [url, setUrl] = useState<string>(before.url);
	const [description, setDescription] = useState(before.description ?? "");
	const [chosen, setChosen] = useState<readonly Event[]>(before.events);
	const [error, setError] = useState<string>();
	const [isBusy, start] = useAction(async () => {
		const problem = await save({ url: url.trim(), events: [...chosen], description: description.trim() || null });
		const [first] = problem?.errors ?? [];
		if (problem) setError(first?.at === "url" ? first.message : problemText(problem));
	});
	const toggle = (event: Event) =>
		setChosen(chosen.includes(event) ? chosen.filter((each) => each !== event) : [...chosen, event]);
	return (
		<Dialog title={title} onClose={onClose}>
			<form
				class="stack"
				noValidate
				onSubmit={(event) => {
					event.preventDefault();
					setError(undefined);
					start();
				}}
			>
				<Field label={t().url} value={url} autoCapitalize="none" maxLength={500} error={error} onText={setUrl} />
				<fieldset class="checks">
					<legend>{t().events}</legend>
					{events.map((event) => (
						<label key={event} class="check">
							<input type="checkbox" checked={chosen.includes(event)} onChange={() => toggle(event)} />
							{event}
						</label>
					))}
				</fieldset>
				<Field label={t().description} value={description} maxLength={100} onText={setDescription} />
				<Submit isBusy={isBusy}>{was ? t().save : t().addWebhook}</Submit>
				<Button look="quiet" onPress={onClose}>
					{t().cancel}
				</Button>
			</form>
		</Dialog>
	);
}

function SecretDialog({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
	return (
		<Dialog title={t().secretTitle} onClose={onClose}>
			<p>{t().secretText}</p>
			<code class="secret">{secret}</code>
			<Button
				look="primary"
				class="wide"
				onPress={async () => {
					await navigator.clipboard.writeText(secret);
					toast(t().copied);
				}}
			>
				{t().copy}
			</Button>
			<Button look="quiet" class="wide" onPress={onClose}>
				{t().close}
			</Button>
		</Dialog>
	);
}
