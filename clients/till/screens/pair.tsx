import { useState } from "preact/hooks";
import { useAction } from "../../ui/action.ts";
import { Button, Submit } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";
import { Form } from "../../ui/form.tsx";
import { Icon } from "../../ui/icon.tsx";
import { problemText } from "../../ui/problem-text.ts";
import { go } from "../../ui/router.tsx";
import { Title } from "../../ui/title.tsx";
import { Camera } from "../camera.tsx";
import { resumePayment } from "../payment.ts";
import { pair } from "../shop.ts";
import { t } from "../texts.ts";
import { Staff } from "./staff.tsx";

const CODE = /^[A-Za-z0-9]{4}-?[A-Za-z0-9]{4}$/;

/** What the owner's QR says: the till's page with the code in its fragment. */
export const pairingCodeIn = (text: string): string => /#pair=([A-Za-z0-9-]{8,9})$/.exec(text)?.[1] ?? text.trim();

export function Pair({ found = "" }: { readonly found?: string }) {
	const [code, setCode] = useState(found);
	const [error, setError] = useState<string>();
	const [isScanning, setScanning] = useState(false);
	const [isStaff, setStaff] = useState(false);
	const [isBusy, join] = useAction(async (text: string) => {
		if (!CODE.test(text)) return setError(t().pairWrong);
		const problem = await pair(text);
		if (problem) return setError(problemText(problem));
		// What was under way when its owner ended it.
		void resumePayment();
		go("/", "replace");
	});
	const scanned = (text: string) => {
		const next = pairingCodeIn(text);
		if (!CODE.test(next)) return;
		setScanning(false);
		setCode(next);
		join(next);
	};
	if (isStaff) return <Staff onBack={() => setStaff(false)} />;
	return (
		<main class="narrow">
			<Form
				class="card stack"
				noValidate
				onSubmit={() => {
					join(code.trim());
				}}
			>
				<Icon name="shop" />
				<Title app={t().name}>{t().pairTitle}</Title>
				<p class="soft">{t().pairHint}</p>
				{isScanning && <Camera onCode={scanned} />}
				<Field
					label={t().pairCode}
					value={code}
					error={error}
					autoComplete="off"
					autoCapitalize="none"
					maxLength={9}
					placeholder="K7QM-2XPA"
					onText={(text) => {
						setError(undefined);
						setCode(text);
					}}
				/>
				<Submit isBusy={isBusy}>{t().pairButton}</Submit>
				{!isScanning && (
					<Button look="quiet" onPress={() => setScanning(true)}>
						<Icon name="pay" />
						{t().pairScan}
					</Button>
				)}
				<Button look="quiet" onPress={() => setStaff(true)}>
					<Icon name="user" />
					{t().staffTitle}
				</Button>
				<p class="small soft">
					{t().owner} <a href="/owner/">{t().ownerLink}</a>
				</p>
			</Form>
		</main>
	);
}
