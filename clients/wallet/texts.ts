import { dictionary } from "../ui/i18n.ts";
import { en } from "./texts-en.ts";
import { ko } from "./texts-ko.ts";

export const t = dictionary({ ko, en });
