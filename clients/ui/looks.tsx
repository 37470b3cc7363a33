import { Choice } from "./choice.tsx";
import { chooseLanguage, dictionary, language } from "./i18n.ts";
import { chooseTheme, theme } from "./theme.ts";

const t = dictionary({
	ko: { language: "언어", theme: "화면", system: "자동", light: "밝게", dark: "어둡게" },
	en: { language: "Language", theme: "Look", system: "Auto", light: "Light", dark: "Dark" },
});

export function LanguageChoice() {
	return (
		<Choice
			label={t().language}
			value={language.value}
			options={[
				["ko", "한국어"],
				["en", "English"],
			]}
			onChoose={chooseLanguage}
		/>
	);
}

/** How an app speaks and looks on this device. @param titled with a heading above each */
export function Looks({ titled }: { readonly titled?: true }) {
	return (
		<>
			{titled && <h2>{t().language}</h2>}
			<LanguageChoice />
			{titled && <h2>{t().theme}</h2>}
			<Choice
				label={t().theme}
				value={theme.value}
				options={[
					["system", t().system],
					["light", t().light],
					["dark", t().dark],
				]}
				onChoose={chooseTheme}
			/>
		</>
	);
}
