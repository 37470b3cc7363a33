import type { Documents } from "../../mixins/database.ts";
import { newId } from "../../mixins/new-id.ts";
import type { Person } from "../actions.ts";
import { fail } from "../errors.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { forgetAll, type KnownDevice, knownDevice, remember } from "./known-device.ts";
import { attempt, type Limit, limitsOfDevice, limitsOfStranger } from "./login-attempts.ts";
import { type Derive, hashPassword, matchesPassword } from "./password.ts";
import { type Opened, openSession, type Session } from "./session.ts";
import type { ShortLived } from "./short-lived.ts";

/** Who may log in, and by which password. */
export type Credential = {
	readonly _id: string;
	readonly handle: string;
	readonly passwordHash: string;
	readonly createdAtMs: number;
};

type Parts = {
	readonly credentials: Documents<Credential>;
	readonly sessions: Documents<Session>;
	readonly devices: Documents<KnownDevice>;
	readonly shortLived: ShortLived;
	readonly derive: Derive;
};
type From = { readonly jkt: string; readonly userAgent?: string | undefined };
type Registration = { readonly handle: string; readonly password: string; readonly address: string };
type Login = From & { readonly handle: string; readonly password: string; readonly address: string };
type Change = Pick<From, "userAgent"> & { readonly currentPassword: string; readonly newPassword: string };

/** Everything that takes a password. What is wrong is counted, see `login-attempts.ts`, and costs no less than what is right. */
export class Credentials {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/**
	 * Repeated with the same password it gives the same id.
	 *
	 * @throws handle_taken, password_too_common, too_many_attempts
	 */
	async register({ handle, password, address }: Registration): Promise<string> {
		if (await isCommonPassword(password, handle)) throw fail("password_too_common");
		const { credentials, derive } = this.#parts;
		const known = await credentials.findOne({ handle });
		if (known) return this.#resume(known, password, address);
		const passwordHash = await hashPassword(password, derive);
		const credential = { _id: newId("u"), handle, passwordHash, createdAtMs: Date.now() };
		try {
			return (await credentials.insert(credential))._id;
		} catch (error) {
			const raced = await credentials.findOne({ handle });
			if (!raced) throw error;
			return this.#resume(raced, password, address);
		}
	}

	/**
	 * Whoever knows the password is the one who began: their sign-up was cut off, or the reply was lost. Others are guessing, and where
	 * the sign-up was complete they are told "taken" in any case: so the right password is counted too, or its never being refused would tell.
	 * Whether it was complete is not known here, and whoever resumes needs few attempts.
	 */
	async #resume({ _id, handle, passwordHash }: Credential, password: string, address: string): Promise<string> {
		const { derive, shortLived } = this.#parts;
		const asked = { limits: limitsOfStranger(handle, address), nowMs: Date.now(), countsRight: true };
		const isRight = await attempt(asked, shortLived, () => matchesPassword(password, passwordHash, derive));
		if (!isRight) throw fail("handle_taken");
		return _id;
	}

	/** @throws invalid_credentials, too_many_attempts */
	async logIn({ handle, password, address, ...from }: Login): Promise<Opened> {
		const { credentials, devices } = this.#parts;
		const { jkt } = from;
		const [found, known] = await Promise.all([credentials.findOne({ handle }), knownDevice(devices, { handle, jkt })]);
		const limits = known ? limitsOfDevice(handle, jkt) : limitsOfStranger(handle, address);
		return this.#begin(await this.#prove(found, password, limits), from, known);
	}

	/** @throws invalid_credentials, too_many_attempts; unauthenticated when the session has ended meanwhile */
	async confirm(person: Person, password: string): Promise<void> {
		const { credential, jkt } = await this.#whoIsThere(person);
		await this.#prove(credential, password, limitsOfDevice(credential.handle, jkt));
	}

	/**
	 * Ends all sessions, and forgets all devices but the one that asks.
	 *
	 * @returns a new session
	 * @throws password_too_common and what `confirm` throws
	 */
	async change(person: Person, { currentPassword, newPassword, userAgent }: Change): Promise<Opened> {
		const { credential, jkt } = await this.#whoIsThere(person);
		const { _id, handle, passwordHash: old } = credential;
		if (await isCommonPassword(newPassword, handle)) throw fail("password_too_common");
		await this.#prove(credential, currentPassword, limitsOfDevice(handle, jkt));
		const { credentials, sessions, devices, derive } = this.#parts;
		const passwordHash = await hashPassword(newPassword, derive);
		// Before, or a process that dies in between would leave sessions behind; and after, for those of the meantime.
		await sessions.removeMany({ userId: _id });
		const changed = await credentials.updateMany({ _id, passwordHash: old }, { $set: { passwordHash } });
		if (changed === 0) throw fail("invalid_credentials");
		await sessions.removeMany({ userId: _id });
		await forgetAll(devices, _id);
		return this.#begin({ ...credential, passwordHash }, { jkt, userAgent });
	}

	/** Who is logged in, on a device that is therefore theirs. */
	async #whoIsThere({ userId, sessionId }: Person): Promise<{ credential: Credential; jkt: string }> {
		const { credentials, sessions } = this.#parts;
		const [credential, session] = await Promise.all([credentials.findById(userId), sessions.findById(sessionId)]);
		if (!credential || session?.userId !== userId) throw fail("unauthenticated");
		return { credential, jkt: session.jkt };
	}

	async #prove(found: Credential | null, password: string, limits: readonly Limit[]): Promise<Credential> {
		const { derive, shortLived } = this.#parts;
		// An unknown handle costs as much as a wrong password: the time must not tell which it was.
		const check = () => matchesPassword(password, found?.passwordHash ?? null, derive);
		const isRight = await attempt({ limits, nowMs: Date.now() }, shortLived, check);
		if (!found || !isRight) throw fail("invalid_credentials");
		return found;
	}

	/** @param credential as it was when the password was proven. @param known the device, as it was found before that */
	async #begin(
		{ _id: userId, handle, passwordHash }: Credential,
		{ jkt, userAgent = "" }: From,
		known: KnownDevice | null = null,
	): Promise<Opened> {
		const { credentials, sessions, devices } = this.#parts;
		const nowMs = Date.now();
		const opened = await openSession(sessions, { userId, userAgent, jkt, nowMs });
		// A change of the password ends the sessions that there are: by the old one, this may have been opened too late for that.
		const now = await credentials.findById(userId);
		if (now?.passwordHash !== passwordHash) {
			await sessions.removeById(opened.session._id);
			throw fail("invalid_credentials");
		}
		await remember(devices, { userId, handle, jkt, nowMs }, known);
		return opened;
	}
}
