import { dictionary } from "../ui/i18n.ts";

const ko = { name: "한닢", welcome: "한 닢이면 충분해요" };
const en: typeof ko = { name: "Hannip", welcome: "One coin is enough" };

export const t = dictionary({ ko, en });
