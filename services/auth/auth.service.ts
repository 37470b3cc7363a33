import jwt from "jsonwebtoken";
import type { Context, Service, ServiceSchema } from "moleculer";
import { database, documents } from "../../mixins/database.ts";
import { ACCESS, ACCESS_TTL_S, TILL, TILL_TTL_S } from "../../mixins/keyring.ts";
import { metricsOf } from "../../mixins/metrics.ts";
import { clockOf } from "../../mixins/mongo.ts";
import { newId } from "../../mixins/new-id.ts";
import { makeCode } from "../../mixins/payment-code.ts";
import type { Settings } from "../../moleculer.config.ts";
import { action, apart, call, callerOf, type Result } from "../actions.ts";
import { fail } from "../errors.ts";
import { admit } from "./admission.ts";
import { authActions } from "./auth.actions.ts";
import { type AuthMetrics, measureAuth } from "./auth-metrics.ts";
import { type Credential, Credentials } from "./credentials.ts";
import type { KeyDocument, SigningKey } from "./key-ring.ts";
import type { KnownDevice } from "./known-device.ts";
import { RateCounts } from "./rate-counts.ts";
import { type Opened, openSessionsOf, rotateSession, SESSIONS, type Session } from "./session.ts";
import { openShortLived, type ShortLived } from "./short-lived.ts";
import { SigningKeys } from "./signing-keys.ts";
import { invite, PAIRINGS, type Pairing, pair, revoke, TILLS, type Till, tillsOfStore, trustOf } from "./till.ts";

type Auth = Service & {
	measure: AuthMetrics | null;
	signingKeys: SigningKeys;
	shortLived: ShortLived;
	rates: RateCounts;
};

const sessionsOf = (service: Service) => documents<Session>(service, "sessions");
const tillsOf = (service: Service) => documents<Till>(service, "tills");
const pairingsOf = (service: Service) => documents<Pairing>(service, "pairings");
const signingKeysOf = (service: Service) => (service as Auth).signingKeys;
const activeKey = (service: Service): SigningKey => signingKeysOf(service).active;

/** @param ctx of the request, whose time it is that a hash takes */
function credentialsOf(service: Service, ctx: Context<unknown>): Credentials {
	const nobodys = apart(ctx);
	return new Credentials({
		credentials: documents<Credential>(service, "credentials"),
		sessions: sessionsOf(service),
		devices: documents<KnownDevice>(service, "devices"),
		shortLived: (service as Auth).shortLived,
		derive: (params) => call(nobodys, "hasher.derive", params),
	});
}

/**
 * Of each action that takes a password: so many at once, so many waiting, and the rest is refused before anything is asked for it. A log-in that is
 * under way counts as a wrong attempt until it is known to be right: eight processes have 32 of them, of the 50 that one address may have wrong.
 */
const withPassword = { bulkhead: { enabled: true, concurrency: 4, maxQueueSize: 50 } };

/** Credentials, sessions and signing keys. */
export default (settings: Settings): ServiceSchema => ({
	name: "auth",
	// Among other processes it is there without: then nobody logs in, and whoever has logged in pays.
	dependencies: settings.transporter ? [] : ["hasher"],
	mixins: [
		database(
			settings,
			{ collection: "credentials", indexes: [{ fields: ["handle"], unique: true }] },
			SESSIONS,
			{ collection: "devices", indexes: [{ fields: ["userId", "usedAtMs"] }] },
			TILLS,
			PAIRINGS,
			{ collection: "signing_keys" },
		),
	],

	actions: {
		register: {
			...action("public", authActions.register, async function (ctx) {
				return { userId: await credentialsOf(this, ctx).register(ctx.params) };
			}),
			...withPassword,
		},

		login: {
			...action("published", authActions.login, async function (ctx) {
				const opened = await credentialsOf(this, ctx).logIn(ctx.params);
				return tokensFor(opened, activeKey(this), settings);
			}),
			...withPassword,
		},

		refresh: action("published", authActions.refresh, async function (ctx) {
			const { refreshToken, jkt } = ctx.params;
			const keys = signingKeysOf(this).refreshKeys;
			const opened = await rotateSession(sessionsOf(this), { refreshToken, jkt, keys, nowMs: Date.now() });
			return tokensFor(opened, activeKey(this), settings);
		}),

		confirmPassword: {
			...action("public", authActions.confirmPassword, async function (ctx) {
				await credentialsOf(this, ctx).confirm(callerOf(ctx), ctx.params.password);
				return {};
			}),
			...withPassword,
		},

		changePassword: {
			...action("published", authActions.changePassword, async function (ctx) {
				const opened = await credentialsOf(this, ctx).change(callerOf(ctx), ctx.params);
				return tokensFor(opened, activeKey(this), settings);
			}),
			...withPassword,
		},

		logout: action("published", authActions.logout, async function (ctx) {
			await sessionsOf(this).removeById(callerOf(ctx).sessionId);
			return {};
		}),

		listSessions: action("published", authActions.listSessions, async function (ctx) {
			const { userId, sessionId } = callerOf(ctx);
			const sessions = await openSessionsOf(sessionsOf(this), { userId, nowMs: Date.now() });
			return {
				items: sessions.map(({ _id, userAgent, createdAtMs, usedAtMs, expiresAtMs }) => ({
					id: _id,
					current: _id === sessionId,
					userAgent,
					createdAtMs,
					usedAtMs,
					expiresAtMs,
				})),
			};
		}),

		revokeSession: action("published", authActions.revokeSession, async function (ctx) {
			const removed = await sessionsOf(this).removeMany({ _id: ctx.params.sessionId, userId: callerOf(ctx).userId });
			if (removed === 0) throw fail("not_found");
			return {};
		}),

		invite: action("public", authActions.invite, async function (ctx) {
			return invite(pairingsOf(this), { ...ctx.params, nowMs: Date.now() });
		}),

		pairTill: action("published", authActions.pairTill, async function (ctx) {
			const registry = { tills: tillsOf(this), pairings: pairingsOf(this) };
			const till = await pair(registry, { ...ctx.params, nowMs: Date.now() });
			return { tillId: till._id, storeId: till.storeId, name: till.name, ...trustOf(till) };
		}),

		signInTill: action("published", authActions.signInTill, async function (ctx) {
			const till = await tillsOf(this).findById(ctx.params.tillId);
			if (!till || till.revokedAtMs !== null) throw fail("unauthenticated");
			const { _id: tillId, storeId, name } = till;
			const token = { accessToken: tokenFor(till, activeKey(this), settings), tokenType: "Till" as const };
			return { tillId, storeId, name, ...trustOf(till), ...token, expiresInS: TILL_TTL_S };
		}),

		listTills: action("public", authActions.listTills, async function (ctx) {
			const tills = await tillsOfStore(tillsOf(this), ctx.params.storeId);
			return {
				items: tills.map((till) => ({ id: till._id, name: till.name, ...trustOf(till), pairedAtMs: till.pairedAtMs })),
			};
		}),

		revokeTill: action("public", authActions.revokeTill, async function (ctx) {
			await revoke(tillsOf(this), { ...ctx.params, nowMs: Date.now() });
			return {};
		}),

		tillKey: action("public", authActions.tillKey, async function (ctx) {
			const till = await tillsOf(this).findById(ctx.params.tillId);
			return till && { publicJwk: till.publicJwk, jkt: till.jkt };
		}),

		admit: action("public", authActions.admit, async function (ctx) {
			const { shortLived, rates } = this as Auth;
			const registry = { sessions: sessionsOf(this), tills: tillsOf(this), shortLived, rates };
			return { verdicts: await admit(ctx.params, registry, Date.now()) };
		}),

		jwks: action("published", authActions.jwks, async function () {
			return { keys: signingKeysOf(this).all.map(({ publicJwk }) => publicJwk) };
		}),

		keyring: action("public", authActions.keyring, async function () {
			const keys = signingKeysOf(this).all.map(({ kid, state, retiredAtMs, publicJwk: jwk, handleKey }) => ({
				kid,
				state,
				...(retiredAtMs !== undefined && { retiredAtMs }),
				jwk,
				handleKey: handleKey.export().toString("base64url"),
			}));
			return { keys };
		}),

		listKeys: action("published", authActions.listKeys, async function () {
			const keys = signingKeysOf(this).all.map(({ kid, state, createdAtMs }) => ({ kid, state, createdAtMs }));
			return { keys, rotationDays: settings.keyRotationDays };
		}),

		rotateKeys: action("public", authActions.rotateKeys, async function () {
			await signingKeysOf(this).rotate(Date.now());
			return { keys: signingKeysOf(this).all.map(({ kid, state, createdAtMs }) => ({ kid, state, createdAtMs })) };
		}),

		signCode: action("public", authActions.signCode, async function (ctx) {
			const { kid, privateKey, handleKey } = activeKey(this);
			const { startsInS = 0, ...asked } = ctx.params;
			const { code, claims } = makeCode(
				// By the clock that the ledger goes by, which says when it has expired.
				{ ...asked, nowMs: clockOf(settings)() + startsInS * 1_000 },
				{ kid: Number(kid), privateKey, handleKey },
			);
			(this as Auth).measure?.issued.inc();
			return { code, issuedAtMs: claims.issuedAtMs, expiresAtMs: claims.expiresAtMs };
		}),
	},

	events: {
		async "auth.keysRotated"(this: Service) {
			await signingKeysOf(this).reload(Date.now());
		},
	},

	async started() {
		this.shortLived = await openShortLived(settings);
		this.rates = new RateCounts(this.shortLived as ShortLived);
		this.signingKeys = await SigningKeys.start({
			documents: documents<KeyDocument>(this, "signing_keys"),
			settings,
			rotated: () => void this.broker.broadcast("auth.keysRotated"),
			failed: (error) => this.logger.warn("The signing keys could not be looked at.", error),
		});
		const metrics = metricsOf(this.broker);
		this.measure = metrics && measureAuth(metrics, this.signingKeys, settings);
	},

	async stopped() {
		const { shortLived, rates, signingKeys } = this as unknown as Partial<Auth>;
		signingKeys?.stop();
		await rates?.close();
		await shortLived?.close();
	},
});

/** The store and the right to refund are not read from it, but from the registry, with each request. */
function tokenFor({ _id: tillId, storeId, jkt }: Till, key: SigningKey, settings: Settings): string {
	return jwt.sign({ store: storeId, cnf: { jkt } }, key.privateKey, {
		algorithm: "ES256",
		keyid: key.kid,
		header: { alg: "ES256", typ: TILL.typ },
		subject: tillId,
		audience: TILL.audience,
		issuer: settings.publicOrigin,
		expiresIn: TILL_TTL_S,
		jwtid: newId("n"),
	});
}

function tokensFor({ session, refreshToken }: Opened, key: SigningKey, settings: Settings): Result<"auth.login"> {
	// RFC 9449 6.1: the token is worth nothing without a proof of this key.
	const accessToken = jwt.sign({ sid: session._id, cnf: { jkt: session.jkt } }, key.privateKey, {
		algorithm: "ES256",
		keyid: key.kid,
		header: { alg: "ES256", typ: ACCESS.typ },
		subject: session.userId,
		audience: ACCESS.audience,
		issuer: settings.publicOrigin,
		expiresIn: ACCESS_TTL_S,
		jwtid: newId("n"),
	});
	const { userId, _id: sessionId } = session;
	return { userId, sessionId, accessToken, tokenType: "DPoP", expiresInS: ACCESS_TTL_S, refreshToken };
}
