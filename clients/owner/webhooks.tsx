import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import type { Outcome, Problem } from "../sdk/problem.ts";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { useOnce } from "./once.ts";
import { call } from "./person.ts";
import { t } from "./texts.ts";
import { tookText, webhookText } from "./webhook-words.ts";

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
	const once = useOnce();
	/** One whose answer was lost is there, and its secret is not: it gets another one. */
	const find = async (url: string): Promise<Outcome<{ secret: string } | undefined>> => {
		const known = new Set(webhooks.value?.items.map(({ id }) => id));
		const found = await call("store.listWebhooks", { storeId });
		if (!found.ok) return found;
		const made = found.value.items.find((each) => each.url === url && !known.has(each.id));
		return made ? call("store.rotateWebhookSecret", { storeId, webhookId: made.id }) : { ...found, value: undefined };
	};
	const create = (said: WebhookSaid) =>
		once<{ secret: string }>({
			create: () => call("store.createWebhook", { storeId, ...said }),
			find: () => find(said.url),
		});
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
						const made = await create(said);
						if (!made.ok) return made;
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
		const answer = error ? webhookText(error) : status === null ? t().noAnswer : t().answered(status);
		const isGood = !error && status !== null && status >= 200 && status < 300;
		toast(`${answer} · ${tookText(tookMs)}`, isGood ? "plain" : "danger");
	};
	const [asked, ask] = useState<"rotate" | "remove" | null>(null);
	const rotate = async () => {
		const outcome = await call("store.rotateWebhookSecret", of);
		if (outcome.ok) onSecret(outcome.value.secret);
		else toast(problemText(outcome.problem), "danger");
	};
	const remove = async () => {
		const outcome = await call("store.removeWebhook", of);
		if (outcome.ok) toast(t().removedWebhook);
		await onDone(outcome);
	};
	return (
		<>
			<div>
				<strong class="url">{url}</strong>{" "}
				{!enabled && (
					<span class="tag">
						{t().disabled}
						{disabledBecause && `: ${webhookText(disabledBecause)}`}
					</span>
				)}
				{description && <p>{description}</p>}
				<p class="soft small">{webhook.events.map((event) => t().eventNames[event]).join(", ")}</p>
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
				<Button class="small-button" onPress={() => ask("rotate")}>
					{t().rotate}
				</Button>
				<Button class="small-button" onPress={() => ask("remove")}>
					{t().remove}
				</Button>
			</div>
			{asked === "rotate" && (
				<ConfirmDialog
					title={t().rotate}
					text={t().rotateText}
					deed={t().rotate}
					onConfirm={rotate}
					onClose={() => ask(null)}
				/>
			)}
			{asked === "remove" && (
				<ConfirmDialog
					title={t().remove}
					text={t().removeWebhookText(url)}
					deed={t().remove}
					onConfirm={remove}
					onClose={() => ask(null)}
				/>
			)}
			{isEditing && (
				<WebhookDialog
					title={t().editWebhook}
					was={webhook}
					onClose={() => setEditing(false)}
					save={async (said) => {
						const changed = await call("store.editWebhook", { ...of, ...said });
						if (!changed.ok) return { ...changed, text: problemText(changed.problem) };
						setEditing(false);
						await onDone(changed);
					}}
				/>
			)}
		</>
	);
}

type WebhookSaid = Pick<Webhook, "url" | "description"> & { events: Event[] };
type Why = { readonly problem: Problem; readonly text: string };
type WebhookProps = {
	readonly title: string;
	/** None where it is a new one. */
	readonly was?: Webhook;
	/** @returns why not */
	readonly save: (said: WebhookSaid) => Promise<Why | undefined>;
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
		const why = await save({ url: url.trim(), events: [...chosen], description: description.trim() || null });
		const [first] = why?.problem.errors ?? [];
		if (why) setError(first?.at === "url" ? t().urlWrong : why.text);
	});
	const toggle = (event: Event) =>
		setChosen(chosen.includes(event) ? chosen.filter((each) => each !== event) : [...chosen, event]);
	return (
		<Dialog title={title} isBusy={isBusy} onClose={onClose}>
			<Form
				noValidate
				onSubmit={() => {
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
							<span>
								{t().eventNames[event]} <code class="soft small">{event}</code>
							</span>
						</label>
					))}
				</fieldset>
				<Field label={t().description} value={description} maxLength={100} onText={setDescription} />
				<Submit isBusy={isBusy}>{was ? t().save : t().addWebhook}</Submit>
				<Button look="quiet" isDisabled={isBusy} onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}

function SecretDialog({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
	return (
		// Nobody sees it again: it goes by its button, not by a key that is pressed in passing.
		<Dialog title={t().secretTitle} onClose={() => {}}>
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
				{t().secretKept}
			</Button>
		</Dialog>
	);
}
