import type { IncomingMessage, ServerResponse } from "node:http";
import { fail } from "../errors.ts";
import type { Access } from "./access.ts";
import { finderOf } from "./addresses.ts";
import { onceAnswered } from "./answered.ts";
import type { Request } from "./around-action.ts";
import { BODY_BYTES_MAX, bodyReader, LARGE_BODY_BYTES_MAX, largeBodyReader } from "./body.ts";
import type { ClientFiles } from "./client-files.ts";
import { LettingIn } from "./letting-in.ts";
import type { OperatorCheck } from "./operators.ts";
import { originForm, unclearIn } from "./request-form.ts";
import type { Route } from "./routes.ts";
import type { Standstill } from "./standstill.ts";

/** So late nothing is begun any more that an operator has asked for, except an audit: who got no answer has thought better of it, or asked again. */
const LATE_MS = 30_000;

/** Made once: where it comes from is known, and to write that down each time would be a fifth of what a refusal costs. */
const OVERLOADED = fail("overloaded", undefined, { retryAfterS: 1 });
const TOO_LATE = fail("service_unavailable", "The request came too late to be begun", { retryAfterS: 1 });

type Options = {
	/** The gateway, whose handler takes what is let in. */
	readonly service: {
		readonly access: Access;
		readonly standstill: Standstill;
		readonly isDraining?: boolean;
		readonly httpHandler: (req: IncomingMessage, res: ServerResponse) => void;
	};
	readonly routes: readonly Route[];
	/** How long the client waits. */
	readonly timeoutMs: number;
	readonly publicOrigin: string;
	readonly files: ClientFiles;
	/** Where only operators may come in. */
	readonly checkOperator: OperatorCheck | null;
	readonly watch: { see(req: IncomingMessage, res: ServerResponse): void };
	/** @returns whether that was the answer */
	readonly allowOrigins: (req: IncomingMessage, res: ServerResponse) => boolean;
	readonly refuse: (req: IncomingMessage, res: ServerResponse, error: Error) => void;
};

/** What a request goes through before moleculer-web has it: may it be answered at all, is there room for it, is all of it there. */
export class FrontDoor {
	readonly #options: Options;
	/** By its address, since this is asked before moleculer-web says which route it is. */
	readonly #routeTo: (req: IncomingMessage) => Route | undefined;
	readonly #lettingIn: LettingIn;
	readonly #readSmall = bodyReader(BODY_BYTES_MAX);
	readonly #readLarge = largeBodyReader(LARGE_BODY_BYTES_MAX);

	constructor(options: Options) {
		this.#options = options;
		this.#routeTo = finderOf(options.routes);
		this.#lettingIn = new LettingIn(options.routes);
	}

	readonly answer = (req: IncomingMessage, res: ServerResponse): void => {
		const { service, watch, publicOrigin, allowOrigins, files, refuse } = this.#options;
		watch.see(req, res);
		if (service.isDraining) res.setHeader("Connection", "close");
		req.url = originForm(req, publicOrigin);
		if (allowOrigins(req, res)) return;
		if (!unclearIn(req) && files.serve(req, res)) return;
		const route = this.#routeTo(req);
		const refusal = this.#refusalFor(req, route) ?? this.#tooLate();
		if (refusal) return void refuse(req, res, refusal);
		const next = (unreadable?: unknown) => {
			const refusal = (unreadable as Error | undefined) ?? this.#tooLate() ?? this.#letIn(req, res, route);
			if (refusal) refuse(req, res, refusal);
			else service.httpHandler(req, res);
		};
		this.#read(req, res, { route, next });
	};

	/** Before anything is done for it, so that a refusal costs next to nothing. */
	#refusalFor(req: IncomingMessage, route: Route | undefined): Error | undefined {
		const { checkOperator } = this.#options;
		return (
			(checkOperator ? refusalOf(checkOperator, req) : undefined) ??
			unclearIn(req) ??
			refuseAtOnce(req, route?.largeBody ? LARGE_BODY_BYTES_MAX : BODY_BYTES_MAX) ??
			this.#lookIn(req, route)
		);
	}

	/** @returns why it is not let in */
	#lookIn(req: Request, route: Route | undefined): Error | undefined {
		// Whoever is told what happens stays, and has a bound of their own.
		if (route?.live) return undefined;
		return this.#lettingIn.isFull(route, performance.now()) ? overloaded(req, route) : undefined;
	}

	#read(
		req: IncomingMessage,
		res: ServerResponse,
		{ route, next }: { route: Route | undefined; next: (unreadable?: unknown) => void },
	): void {
		// Whatever is sent there, there is nothing that would take it.
		if (!route) next();
		else if (route.largeBody) void this.#readLarge(req, res, next, () => this.#options.service.access.bearerOf(req));
		else this.#readSmall(req, res, next);
	}

	/**
	 * Once all of it is there: whoever sends the end of a body late, or never, is nobody yet, and must not take the place of another one, nor
	 * be taken for a sign that there is too much to do.
	 *
	 * @returns why not
	 */
	#letIn(req: Request, res: ServerResponse, route: Route | undefined): Error | undefined {
		const { timeoutMs } = this.#options;
		req.$untilMs = Date.now() + (route?.action === "credit.audit" ? timeoutMs : Math.min(timeoutMs, LATE_MS));
		if (route?.live) return undefined;
		const leave = this.#lettingIn.enter(route, performance.now());
		if (!leave) return overloaded(req, route);
		const over = () => leave(performance.now());
		// It may have gone while what it sent was unpacked; then there is nothing more to hear of.
		if (res.destroyed) over();
		else req.$isWorkedOut = onceAnswered(res, over);
		return undefined;
	}

	#tooLate(): Error | undefined {
		return this.#options.service.standstill.isJustOver ? TOO_LATE : undefined;
	}
}

function overloaded(req: Request, route: Route | undefined): Error {
	// For who counts what was refused; moleculer-web says it of the others.
	if (route) req.$alias = { method: route.method, fullPath: route.path };
	return OVERLOADED;
}

function refusalOf(check: OperatorCheck, req: IncomingMessage): Error | undefined {
	try {
		check(req);
		return undefined;
	} catch (error) {
		return error as Error;
	}
}

/** What moleculer-web would do too much for. */
function refuseAtOnce({ method, headers }: IncomingMessage, bodyBytesMax: number): Error | undefined {
	// It would run the action of the method that an OPTIONS request only asks about.
	if (method === "OPTIONS") return fail("not_found");
	// It would wait for all of a body that says it is too large, or for it not to come.
	return Number(headers["content-length"] ?? 0) > bodyBytesMax ? fail("payload_too_large") : undefined;
}
