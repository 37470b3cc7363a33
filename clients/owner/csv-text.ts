const strict = new TextDecoder("utf-8", { fatal: true });
/** Windows code page 949, as Excel saves “CSV” on a Korean computer. The Encoding Standard knows it by this name. */
const korean = new TextDecoder("euc-kr");

/** What stands in a file that people made: `file.text()` would take all for UTF-8, and make names unreadable without a word. */
export async function textIn(file: Blob): Promise<string> {
	const bytes = await file.arrayBuffer();
	try {
		return strict.decode(bytes);
	} catch {
		return korean.decode(bytes);
	}
}
