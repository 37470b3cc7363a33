import { randomBytes } from "node:crypto";
import { bodyOf } from "./client.ts";
import type { Day, Person } from "./day.ts";
import { logIn } from "./session.ts";

const cast = [
	["김민지", "minji"],
	["이서준", "seojun"],
	["박하은", "haeun"],
	["최도윤", "doyun"],
	["정수아", "sua"],
	["강지호", "jiho"],
	["조예린", "yerin"],
	["윤시우", "siu"],
	["장서연", "seoyeon"],
	["임현우", "hyunwoo"],
	["한지민", "jimin"],
	["오준서", "junseo"],
	["서유나", "yuna"],
	["신건우", "geonwoo"],
	["권다은", "daeun"],
	["황태양", "taeyang"],
	["안소율", "soyul"],
	["송우진", "woojin"],
	["류채원", "chaewon"],
	["홍은재", "eunjae"],
] as const;

export type Draft = Omit<Person, "client" | "userId">;
export type SignedUp = Omit<Person, "client">;

export const ownerOf = ({ suffix }: Day): Draft => draft("문가온", `gaon.${suffix}`);

/** As many customers as the options ask for; once the names are used up they get numbers. */
export function customersOf({ options, suffix }: Day): Draft[] {
	return Array.from({ length: options.customers }, (_, at) => {
		const [name, roman] = cast[at % cast.length] ?? cast[0];
		const round = Math.floor(at / cast.length) + 1;
		return round === 1 ? draft(name, `${roman}.${suffix}`) : draft(`${name} ${round}`, `${roman}${round}.${suffix}`);
	});
}

const draft = (displayName: string, handle: string): Draft => ({
	displayName,
	handle,
	password: randomBytes(12).toString("base64url"),
});

export async function signUp({ guest }: Day, person: Draft): Promise<SignedUp> {
	// Signing up again with the same password gives the same person.
	const { userId } = bodyOf(await guest.post<"user.signUp">("/v1/users", person, { repeatable: true }));
	return { ...person, userId };
}

export async function comeIn({ guest, options }: Day, person: SignedUp): Promise<Person> {
	return { ...person, client: await logIn(guest, options.url, person) };
}
