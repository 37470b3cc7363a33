import { call, type Result } from "../../services/actions.ts";

type Line = Result<"credit.statement">["items"][number];

/** Reads accounts and statements from one process, and writes nothing. */
export class Reader {
	readonly #from: { call(name: string, params: object): Promise<unknown> };

	constructor(from: { call(name: string, params: object): Promise<unknown> }) {
		this.#from = from;
	}

	call(name: string, params: object): Promise<unknown> {
		return this.#from.call(name, params);
	}

	account(accountId: string): Promise<Result<"credit.account">> {
		return call(this, "credit.account", { accountId });
	}

	accounts(ids: readonly string[]): Promise<Result<"credit.account">[]> {
		return Promise.all(ids.map((accountId) => this.account(accountId)));
	}

	async balances(ids: readonly string[]): Promise<number[]> {
		return (await this.accounts(ids)).map(({ balance }) => balance);
	}

	/** All of it, page after page, newest first. */
	async statement(accountId: string): Promise<Line[]> {
		const lines: Line[] = [];
		for (let cursor: string | null = ""; cursor !== null; ) {
			const query = { accountId, limit: 100, ...(cursor && { cursor }) };
			const page: Result<"credit.statement"> = await call(this, "credit.statement", query);
			lines.push(...page.items);
			cursor = page.nextCursor;
		}
		return lines;
	}
}
