/** Shorter ones are refused for their length. */
const LENGTH_MIN = 8;

/** The 18,000 of them that are long enough, from leaked lists; read when the first person signs up: 16 MB and 30 ms that no start pays. */
let common: Promise<ReadonlySet<string>> | null = null;

/**
 * Whether it is among the first that anybody would guess (NIST SP 800-63B §3.1.1.2): a password that is in the lists of leaked ones, or
 * the person's own handle; in any case of letters, and in whatever form a keyboard writes them.
 */
export async function isCommonPassword(password: string, handle: string): Promise<boolean> {
	common ??= load();
	const folded = fold(password);
	return (await common).has(folded) || folded === handle;
}

/** `zxcvbn`'s list. */
async function load(): Promise<ReadonlySet<string>> {
	const { dictionary } = await import("@zxcvbn-ts/language-common");
	return new Set(dictionary["passwords-common"].map(fold).filter(({ length }) => length >= LENGTH_MIN));
}

const fold = (password: string): string => password.normalize("NFKC").toLowerCase();
