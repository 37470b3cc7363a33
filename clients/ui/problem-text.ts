import type { Problem } from "../sdk/problem.ts";
import { dictionary } from "./i18n.ts";

type Texts = Partial<Record<Problem["code"], string>>;

const ko: Texts = {
	unreachable: "연결할 수 없어요. 네트워크를 확인하고 다시 시도해 주세요.",
	outcome_unknown: "처리됐는지 아직 알 수 없어요. 확인하는 중이니 다시 시작하지 마세요.",
	unauthenticated: "다시 로그인해 주세요.",
	session_ended: "로그인이 끝났어요. 다시 로그인해 주세요.",
	invalid_credentials: "아이디 또는 비밀번호가 맞지 않아요.",
	too_many_attempts: "비밀번호를 여러 번 틀렸어요. 잠시 뒤에 다시 시도해 주세요.",
	password_too_common: "너무 흔한 비밀번호예요. 서로 상관없는 낱말 몇 개를 이어 보세요.",
	handle_taken: "이미 쓰고 있는 아이디예요. 다른 아이디를 골라 주세요.",
	validation_failed: "입력한 내용을 다시 확인해 주세요.",
	rate_limited: "요청이 너무 많아요. 잠시 뒤에 다시 시도해 주세요.",
	overloaded: "지금 이용자가 많아요. 잠시 뒤에 다시 시도해 주세요.",
	ledger_busy: "지금 처리할 일이 많아요. 잠시 뒤에 다시 시도해 주세요.",
	ledger_unavailable: "지금은 처리할 수 없어요. 아무것도 빠져나가지 않았어요. 잠시 뒤에 다시 시도해 주세요.",
	service_unavailable: "잠시 연결되지 않아요. 조금 뒤에 다시 시도해 주세요.",
	not_found: "찾을 수 없어요.",
	forbidden: "권한이 없어요. 가게 주인에게 요청해 주세요.",
	insufficient_credit: "잔액이 모자라요. 충전하거나 금액을 줄여 주세요.",
	charge_limit_exceeded: "한 번에 충전할 수 있는 금액을 넘었어요.",
	same_account: "자기 자신에게는 보낼 수 없어요.",
	own_store: "자기 가게에서는 결제할 수 없어요. 다른 지갑으로 결제해 주세요.",
	account_frozen: "지갑이 멈춰 있어요. 설정에서 다시 열어 주세요.",
	approval_mismatch: "가게가 요청한 내용이 달라졌어요. 다시 확인해 주세요.",
	hold_expired: "승인 시간이 지났어요. 가게에 다시 요청해 주세요.",
	not_pending: "이미 처리된 결제예요.",
	amount_out_of_range: "1 이상의 정수로 입력해 주세요.",
	code_invalid: "한닢 결제 코드가 아니에요. 다시 스캔해 주세요.",
	code_expired: "코드 시간이 지났어요. 손님에게 새 코드를 보여 달라고 해 주세요.",
	code_too_early: "아직 쓸 수 없는 코드예요. 손님에게 지금 코드를 보여 달라고 해 주세요.",
	code_used: "이미 쓴 코드예요. 손님에게 새 코드를 보여 달라고 해 주세요.",
	code_cap_exceeded: "이 코드로 결제할 수 있는 금액을 넘었어요.",
	price_changed: "가격이 바뀌었어요. 새 합계를 확인해 주세요.",
	product_unavailable: "장바구니에 팔지 않는 상품이 있어요.",
	refund_exceeds_sale: "남은 금액보다 많이 환불할 수 없어요.",
	pairing_code_invalid: "쓸 수 없는 연결 코드예요. 가게 주인에게 새 코드를 받아 주세요.",
	version_conflict: "다른 곳에서 먼저 바뀌었어요. 새로 불러온 뒤 다시 시도해 주세요.",
	cancelled: "이미 취소된 요청이에요. 다시 시작해 주세요.",
	deadline_exceeded: "너무 늦게 도착해서 처리하지 않았어요. 다시 시도해 주세요.",
};

const en: Texts = {
	unreachable: "No connection. Check your network and try again.",
	outcome_unknown: "It is not known yet whether this went through. We keep checking: do not start again.",
	unauthenticated: "Log in again.",
	session_ended: "Your session has ended. Log in again.",
	invalid_credentials: "The handle or the password is wrong.",
	too_many_attempts: "There were too many wrong passwords. Try again in a while.",
	password_too_common: "Anybody would guess this password. Try a few words that do not belong together.",
	handle_taken: "This handle is taken. Choose another one.",
	validation_failed: "Check what you entered.",
	rate_limited: "There were too many requests. Try again in a moment.",
	overloaded: "Many people are here right now. Try again in a moment.",
	ledger_busy: "There is much to do right now. Try again in a moment.",
	ledger_unavailable: "This cannot be done right now, and nothing has moved. Try again in a moment.",
	service_unavailable: "A part of the service is not reachable. Try again in a moment.",
	not_found: "There is nothing by that name.",
	forbidden: "You may not do this. Ask the store's owner.",
	insufficient_credit: "There is not enough credit. Charge first, or choose a smaller amount.",
	charge_limit_exceeded: "This is more than can be charged at once.",
	same_account: "You cannot send credit to yourself.",
	own_store: "Owners cannot pay in their own store. Use another wallet.",
	account_frozen: "The wallet is frozen. Open it again in the settings.",
	approval_mismatch: "The shop asks for something else now. Look again before you approve.",
	hold_expired: "The time to approve is over. Ask the shop to try again.",
	not_pending: "This has been decided already.",
	amount_out_of_range: "Enter a whole number from 1.",
	code_invalid: "This is not a payment code of Hannip. Scan again.",
	code_expired: "The code has expired. Ask the customer for a new one.",
	code_too_early: "This code is for later. Ask the customer for the one of this moment.",
	code_used: "This code was used already. Ask the customer for a new one.",
	code_cap_exceeded: "This is more than the code pays.",
	price_changed: "A price has changed. Look at the new total.",
	product_unavailable: "Something in the basket is not for sale.",
	refund_exceeds_sale: "This is more than what is left of the sale.",
	pairing_code_invalid: "This pairing code is not good any more. Ask the owner for a new one.",
	version_conflict: "Somebody else has changed it. Load it again and repeat your change.",
	cancelled: "This was cancelled already. Start again.",
	deadline_exceeded: "It arrived too late and was not carried out. Try again.",
};

const texts = dictionary({ ko, en });
const otherwise = dictionary({
	ko: (problem: Problem) => `처리하지 못했어요. (${problem.code}${traceOf(problem)})`,
	en: (problem: Problem) => `${problem.title}. (${problem.code}${traceOf(problem)})`,
});

const traceOf = ({ traceId }: Problem): string => (traceId ? ` ${traceId.slice(0, 8)}` : "");

/** What a problem means and what to do, in the person's language. */
export const problemText = (problem: Problem): string => texts()[problem.code] ?? otherwise()(problem);
