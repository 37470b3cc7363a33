import { number } from "../ui/format.tsx";
import { language } from "../ui/i18n.ts";

/** What `services/store/webhook-request.ts` says of a receiver, and `webhook-outbox.ts` of why a webhook is off. */
const korean: Readonly<Record<string, string>> = {
	"did not answer in time": "제때 답하지 않았어요",
	"was broken off, and comes again": "도중에 끊겨서 다시 보내요",
	"is not a public address": "공개된 주소가 아니에요",
	"has no certificate that is good": "인증서가 올바르지 않아요",
	"could not be reached": "연결할 수 없었어요",
	"refused the connection": "연결을 거절했어요",
	"broke the connection off": "연결을 끊었어요",
	"is not known by this name": "이런 이름의 주소가 없어요",
	"is not known by this name just now": "지금은 이 이름의 주소를 찾을 수 없어요",
	"answered 410": "받는 쪽이 그만 보내라고 했어요 (410)",
};

/** What the platform says of a webhook, in the person's language where it has words for it. */
export const webhookText = (said: string): string => (language.value === "ko" ? (korean[said] ?? said) : said);

export const tookText = (tookMs: number): string => `${number(tookMs)} ms`;
