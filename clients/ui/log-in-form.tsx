import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Said } from "../sdk/request.ts";
import { useAction } from "./action.ts";
import { Submit } from "./button.tsx";
import { Field } from "./field.tsx";
import { Form } from "./form.tsx";
import { dictionary } from "./i18n.ts";

const t = dictionary({
	ko: { handle: "아이디", password: "비밀번호", submit: "로그인" },
	en: { handle: "Handle", password: "Password", submit: "Log in" },
});

type Props = {
	readonly class?: string;
	/** @returns why not */
	readonly logIn: (said: Said<"auth.login">) => Promise<string | undefined>;
	/** What stands above the fields. */
	readonly children?: ComponentChildren;
	/** What stands below the button. */
	readonly foot?: ComponentChildren;
};

/** For a person to say who they are. */
export function LogInForm({ logIn, children, foot, ...rest }: Props) {
	const [said, setSaid] = useState({ handle: "", password: "" });
	const [error, setError] = useState<string>();
	const [isBusy, start] = useAction(async () => {
		setError(undefined);
		setError(await logIn({ ...said, handle: said.handle.trim() }));
	});
	return (
		<Form class={`stack ${rest.class ?? ""}`} onSubmit={start}>
			{children}
			<Field
				label={t().handle}
				name="username"
				autoComplete="username"
				autoCapitalize="none"
				required
				maxLength={64}
				value={said.handle}
				onText={(handle) => setSaid({ ...said, handle })}
			/>
			<Field
				label={t().password}
				name="password"
				type="password"
				autoComplete="current-password"
				required
				maxLength={128}
				value={said.password}
				error={error}
				onText={(password) => setSaid({ ...said, password })}
			/>
			<Submit isBusy={isBusy}>{t().submit}</Submit>
			{foot}
		</Form>
	);
}
