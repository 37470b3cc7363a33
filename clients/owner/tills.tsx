import { useEffect, useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import { useAction } from "../ui/action.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { momentText } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { call } from "./person.ts";
import { t } from "./texts.ts";

type Till = Result<"store.listTills">["items"][number];

export function Tills({ storeId }: { readonly storeId: string }) {
	const tills = useLoaded(() => call("store.listTills", { storeId }), storeId);
	const [isPairing, setPairing] = useState(false);
	const [leaving, setLeaving] = useState<Till | null>(null);
	return (
		<main class="page stack narrow-page">
			<div class="row spread wrap">
				<Title app={t().name}>{t().tills}</Title>
				<Button look="primary" onPress={() => setPairing(true)}>
					{t().pairTill}
				</Button>
			</div>
			<Loaded of={tills}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty icon="device" text={t().noTills} />
					) : (
						<ul class="list card">
							{items.map((till) => (
								<li key={till.id} class="entry">
									<div>
										<strong>{till.name}</strong>
										<p class="soft small">
											{[
												t().pairedAt(momentText(till.pairedAtMs)),
												till.mayRefund && t().refundRight,
												till.discountMaxPercent > 0 && t().discountRight(till.discountMaxPercent),
											]
												.filter(Boolean)
												.join(" · ")}
										</p>
									</div>
									<Button class="small-button" onPress={() => setLeaving(till)}>
										{t().revoke}
									</Button>
								</li>
							))}
						</ul>
					)
				}
			</Loaded>
			{isPairing && (
				<PairDialog
					storeId={storeId}
					onClose={() => {
						setPairing(false);
						void tills.again();
					}}
				/>
			)}
			{leaving && (
				<ConfirmDialog
					title={t().revoke}
					text={t().revokeText(leaving.name)}
					deed={t().revoke}
					onClose={() => setLeaving(null)}
					onConfirm={async () => {
						const outcome = await call("store.revokeTill", { storeId, tillId: leaving.id });
						toast(outcome.ok ? t().revoked : problemText(outcome.problem), outcome.ok ? "plain" : "danger");
						await tills.again();
					}}
				/>
			)}
		</main>
	);
}

type Pairing = Result<"store.createPairing">;

function PairDialog({ storeId, onClose }: { readonly storeId: string; readonly onClose: () => void }) {
	const [name, setName] = useState("");
	const [percent, setPercent] = useState("0");
	const [mayRefund, setMayRefund] = useState(false);
	const [errors, setErrors] = useState<{ name?: string; percent?: string }>({});
	const [pairing, setPairing] = useState<Pairing | null>(null);
	const [isBusy, make] = useAction(async () => {
		const discountMaxPercent = wholeNumberIn(percent);
		if (discountMaxPercent === undefined || discountMaxPercent > 99) return setErrors({ percent: t().discountWrong });
		const said = { storeId, name: name.trim(), mayRefund, discountMaxPercent };
		const outcome = await call("store.createPairing", said);
		if (outcome.ok) setPairing(outcome.value);
		else setErrors({ name: problemText(outcome.problem) });
	});
	if (pairing) return <ShowPairing storeId={storeId} pairing={pairing} onClose={onClose} />;
	return (
		<Dialog title={t().pairTill} isBusy={isBusy} onClose={onClose}>
			<Form
				noValidate
				onSubmit={() => {
					setErrors({});
					make();
				}}
			>
				<Field
					label={t().pairName}
					hint={t().pairNameHint}
					value={name}
					maxLength={40}
					error={errors.name}
					onText={setName}
				/>
				<label class="check">
					<input type="checkbox" checked={mayRefund} onChange={() => setMayRefund(!mayRefund)} />
					{t().mayRefund}
				</label>
				<Field
					label={t().discountMax}
					hint={t().discountHint}
					value={percent}
					inputMode="numeric"
					maxLength={2}
					error={errors.percent}
					onText={setPercent}
				/>
				<button type="submit" class="button primary wide large" aria-busy={isBusy} aria-disabled={isBusy}>
					{t().pairStart}
				</button>
				<Button look="quiet" isDisabled={isBusy} onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}

type ShowProps = { readonly storeId: string; readonly pairing: Pairing; readonly onClose: () => void };

/** How often is asked whether somebody has used the code. */
const LOOK_EVERY_MS = 2_000;

/** The till that joins while this is shown. */
function useJoined(storeId: string): Till | undefined {
	const [joined, setJoined] = useState<Till>();
	useEffect(() => {
		let isShown = true;
		let timer: ReturnType<typeof setTimeout> | undefined;
		let known: ReadonlySet<string> | undefined;
		const look = async () => {
			const found = await call("store.listTills", { storeId });
			if (found.ok) {
				setJoined(found.value.items.find(({ id }) => known && !known.has(id)));
				known ??= new Set(found.value.items.map(({ id }) => id));
			}
			if (isShown) timer = setTimeout(look, LOOK_EVERY_MS);
		};
		void look();
		return () => {
			clearTimeout(timer);
			isShown = false;
		};
	}, [storeId]);
	return joined;
}

function ShowPairing({ storeId, pairing, onClose }: ShowProps) {
	const joined = useJoined(storeId);
	return (
		<Dialog title={t().pairTill} onClose={onClose}>
			<div class="stack" role="status">
				{joined && <p class="notice good">{t().joined(joined.name)}</p>}
			</div>
			{!joined && <Invitation pairing={pairing} />}
			<Button look="quiet" class="wide" onPress={onClose}>
				{t().close}
			</Button>
		</Dialog>
	);
}

function Invitation({ pairing }: { readonly pairing: Pairing }) {
	const { pairingCode, image, link, expiresInMs } = pairing;
	return (
		<>
			<p>{t().pairShow}</p>
			<img class="pairing-qr" src={image} alt={t().pairQr} width="240" height="240" />
			<p class="pairing-code number">
				{pairingCode.slice(0, 4)}-{pairingCode.slice(4)}
			</p>
			<p class="soft small">{t().pairLeft(Math.round(expiresInMs / 60_000))}</p>
			<a class="button wide" href={link}>
				{t().pairLink}
			</a>
		</>
	);
}
