const browsers = [
	["Samsung Internet", /SamsungBrowser/],
	["Whale", /Whale/],
	["Edge", /Edg\//],
	["Firefox", /Firefox|FxiOS/],
	["Chrome", /Chrome|CriOS/],
	["Safari", /Safari/],
] as const;
const systems = [
	["iPhone", /iPhone/],
	["iPad", /iPad/],
	["Android", /Android/],
	["Windows", /Windows/],
	["Mac", /Macintosh/],
	["Linux", /Linux/],
] as const;

/** `Chrome · Android`, from what a browser calls itself; that itself where it is none. */
export function deviceName(userAgent: string): string {
	const known = [browsers, systems].flatMap((list) => list.find(([, sign]) => sign.test(userAgent))?.[0] ?? []);
	return known.join(" · ") || userAgent.slice(0, 40) || "?";
}
