/** As `Response` gives it, or anything alike. */
export type Answered = { readonly headers: { get(name: string): string | null } };

/** What time it is for the platform, as its answers say: a device's own clock may be wrong by hours, or be set right at any moment. */
export class ServerClock {
	#aheadMs = 0;

	/** By the device's own clock until the first answer. */
	get nowMs(): number {
		return Date.now() + this.#aheadMs;
	}

	/** Must see every answer. */
	learn({ headers }: Answered): void {
		const serverMs = Date.parse(headers.get("date") ?? "");
		if (!Number.isNaN(serverMs)) this.#aheadMs = serverMs - Date.now();
	}
}
