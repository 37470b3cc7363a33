import { Type } from "typebox";
import { CODE_AHEAD_MAX_S, CODE_TTL_MAX_S } from "../../mixins/payment-code.ts";
import {
	Amount,
	Count,
	closed,
	empty,
	Handle,
	KeyState,
	nullable,
	PercentOrNone,
	SessionId,
	StoreId,
	TillId,
	TimeMs,
	text,
	UserId,
} from "../schema.ts";

/** What has halves of characters in it is no text: as bytes it would be the same as others. */
const whole = {
	maxLength: 128,
	pattern: "^\\P{Cs}*$",
	"x-pattern": null,
	"x-rule": "whole characters",
	examples: ["orchard-tin-lantern"],
};
/** Length limits are ASVS 5.0's: long pass phrases are welcome, megabytes are not. */
const Password = Type.String({ minLength: 8, ...whole, description: "8 to 128 characters" });
/** Not held against the rules for new ones: whoever got in before must get in. */
const GivenPassword = Type.String({ minLength: 1, ...whole });
/** The session, a dot, and 256 bits that only its owner and (hashed) the database know. */
const RefreshToken = Type.String({ pattern: "^n_[A-Za-z0-9_-]{16}\\.[A-Za-z0-9_-]{43}$" });
const Kid = Type.String({ pattern: "^[0-9]{1,9}$", description: "Key id" });
const PublicJwk = closed({
	kty: Type.Literal("EC"),
	crv: Type.Literal("P-256"),
	x: Type.String({ maxLength: 64 }),
	y: Type.String({ maxLength: 64 }),
	kid: Kid,
	use: Type.Literal("sig"),
	alg: Type.Literal("ES256"),
});

const Tokens = closed({
	userId: UserId,
	sessionId: SessionId,
	accessToken: Type.String({ maxLength: 2_000 }),
	tokenType: Type.Literal("DPoP"),
	expiresInS: Type.Integer({ minimum: 0 }),
	/** The gateway moves it into a cookie. */
	refreshToken: Type.Optional(RefreshToken),
});

/** Which key a request proved to have: its thumbprint, RFC 7638. Set by the gateway. */
const Jkt = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
/** Where a request comes from, as far as that can be known. Set by the gateway. */
const ClientAddress = Type.String({ minLength: 1, maxLength: 64 });

const UserAgent = Type.Optional(Type.String({ maxLength: 200 }));

const Question = closed({
	session: Type.Optional(closed({ userId: Type.String({ maxLength: 64 }), sessionId: Type.String({ maxLength: 64 }) })),
	tillId: Type.Optional(Type.String({ maxLength: 64 })),
	/** What must be there only once: the hash of a proof, or of a signature's nonce. */
	proof: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
	/** Whose requests are counted. */
	counter: Type.String({ minLength: 1, maxLength: 100 }),
	/** 2^53 - 1: as many as there may be, and they are not counted. */
	countMax: Count,
	windowS: Type.Integer({ minimum: 1, maximum: 86_400 }),
	/** Counted as this session's, if it is there and its key is the one that the request proved to have. */
	refresh: Type.Optional(closed({ sessionId: SessionId, jkt: Jkt, countMax: Count })),
});
const Verdict = closed({
	/** `ended`: the session or till is not there any more. `replayed`: the proof was used before. `limited`: there were too many. */
	verdict: Type.Enum(["admitted", "ended", "replayed", "limited"]),
	count: Count,
	/** Of whoever it was counted for. */
	countMax: Count,
	untilMs: TimeMs,
	/** What a till may do besides selling. */
	mayRefund: Type.Optional(Type.Boolean()),
	discountMaxPercent: Type.Optional(PercentOrNone),
});

const Session = closed({
	id: SessionId,
	current: Type.Boolean(),
	userAgent: Type.String(),
	createdAtMs: TimeMs,
	usedAtMs: TimeMs,
	expiresAtMs: TimeMs,
});

const Coordinate = Type.String({
	pattern: "^[A-Za-z0-9_-]{43}$",
	description: "32 bytes as base64url",
	examples: ["CcQZnGFwJ7DyT-Cn18HoPD_esK6bZgjmq13clphc96k"],
});
const TillJwk = closed(
	{ kty: Type.Literal("EC"), crv: Type.Literal("P-256"), x: Coordinate, y: Coordinate },
	{ description: "The till's public key, RFC 7517" },
);
const TillName = text(40, "What the owner calls it", "Counter 1");
/** What its owner trusts it with. */
const trust = { mayRefund: Type.Boolean(), discountMaxPercent: PercentOrNone };
const Till = closed({ tillId: TillId, storeId: StoreId, name: TillName, ...trust });

export const authActions = {
	/** Takes a handle for a new person. Repeated with the same password it gives the same id: sign-up can be resumed. */
	register: {
		params: closed({ handle: Handle, password: Password, address: ClientAddress }),
		returns: closed({ userId: UserId }),
	},
	login: {
		params: closed({
			// As it is typed in, like the password.
			handle: Type.String({ minLength: 1, maxLength: 64, examples: ["minji.kim"] }),
			password: GivenPassword,
			userAgent: UserAgent,
			jkt: Jkt,
			address: ClientAddress,
		}),
		returns: Tokens,
	},
	refresh: { params: closed({ refreshToken: RefreshToken, jkt: Jkt }), returns: Tokens },
	/** Of who asks, for what a thief with the unlocked phone must not do. */
	confirmPassword: {
		params: closed({ password: GivenPassword }),
		returns: empty,
	},
	/** Ends all sessions, and forgets all devices but this one. */
	changePassword: {
		params: closed({ currentPassword: GivenPassword, newPassword: Password, userAgent: UserAgent }),
		returns: Tokens,
	},
	logout: { params: empty, returns: empty },
	listSessions: { params: empty, returns: closed({ items: Type.Array(Session) }) },
	revokeSession: { params: closed({ sessionId: SessionId }), returns: empty },
	/** The public keys, RFC 7517. */
	jwks: { params: empty, returns: closed({ keys: Type.Array(PublicJwk) }) },
	/** What the `keyring` mixin needs: the public keys, and the secrets that open the wallet handles of payment codes. */
	keyring: {
		params: empty,
		returns: closed({
			keys: Type.Array(
				closed({
					kid: Kid,
					state: KeyState,
					/** Since when it does not sign any more. */
					retiredAtMs: Type.Optional(TimeMs),
					jwk: PublicJwk,
					handleKey: Type.String({ maxLength: 64 }),
				}),
			),
		}),
	},
	/** How old the signing keys are, oldest first, and after how many days they are to be rotated. */
	listKeys: {
		params: empty,
		returns: closed({
			keys: Type.Array(closed({ kid: Kid, state: KeyState, createdAtMs: TimeMs })),
			rotationDays: Count,
		}),
	},
	/** Makes a new signing key; the one that was published before begins to sign. Everybody goes on with what was signed before. */
	rotateKeys: {
		params: empty,
		returns: closed({ keys: Type.Array(closed({ kid: Kid, state: KeyState, createdAtMs: TimeMs })) }),
	},
	/** A code by which one till can join a store. */
	invite: {
		params: closed({ storeId: StoreId, name: TillName, ...trust }),
		returns: closed({ pairingCode: Type.String(), expiresAtMs: TimeMs }),
	},
	pairTill: {
		params: closed({
			pairingCode: Type.String({
				pattern: "^[A-Za-z0-9]{4}-?[A-Za-z0-9]{4}$",
				description: "From the store's owner",
				examples: ["K7MW-3TQX"],
			}),
			publicJwk: TillJwk,
		}),
		returns: Till,
	},
	signInTill: {
		/** The gateway says who has signed. */
		params: closed({ tillId: TillId }),
		returns: closed({
			...Till.properties,
			accessToken: Type.String({ maxLength: 2_000 }),
			tokenType: Type.Literal("Till"),
			expiresInS: Type.Integer({ minimum: 0 }),
		}),
	},
	listTills: {
		params: closed({ storeId: StoreId }),
		returns: closed({
			items: Type.Array(closed({ id: TillId, name: TillName, ...trust, pairedAtMs: TimeMs })),
		}),
	},
	revokeTill: { params: closed({ storeId: StoreId, tillId: TillId }), returns: empty },
	/** The key of a till, which never changes; null = there never was one of that id. */
	tillKey: {
		params: closed({ tillId: TillId }),
		returns: nullable(closed({ publicJwk: TillJwk, jkt: Type.String() })),
	},
	/** What a gateway asks for each request before it calls anything: many at once, since it is asked so often. */
	admit: {
		params: closed({
			/** The same when they are asked again: a proof is not used up by the question that it was used for. */
			questionId: Type.String({ minLength: 22, maxLength: 36 }),
			questions: Type.Array(Question, { maxItems: 500 }),
		}),
		returns: closed({ verdicts: Type.Array(Verdict) }),
	},
	/** Makes a signed payment code for a person's wallet. */
	signCode: {
		params: closed({
			userId: UserId,
			ttlS: Type.Integer({ minimum: 5, maximum: CODE_TTL_MAX_S }),
			/** Good only from then on. */
			startsInS: Type.Optional(Type.Integer({ minimum: 0, maximum: CODE_AHEAD_MAX_S })),
			cap: Amount,
		}),
		returns: closed({
			code: text(200, "The payment code as the QR shows it"),
			issuedAtMs: TimeMs,
			expiresAtMs: TimeMs,
		}),
	},
} as const;
