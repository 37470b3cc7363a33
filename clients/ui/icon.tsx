/** Drawn on 24 × 24 with lines of 1.8, as the letters beside them are. */
const paths = {
	back: "M15 5l-7 7 7 7",
	charge: "M12 5v14M5 12h14",
	check: "M5 12.5l4.5 4.5L19 7",
	close: "M6 6l12 12M18 6L6 18",
	coin: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 9h6v6H9z",
	device: "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zM11 18h2",
	frozen: "M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9",
	gift: "M4 11h16v9H4zM3 7.5h18V11H3zM12 7.5V20M12 7.5C9 7.5 7.5 6.5 7.5 5S10.5 2.8 12 7.5c1.5-4.7 4.5-4 4.5-2.5S15 7.5 12 7.5z",
	history: "M5 6h14M5 12h14M5 18h9",
	home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
	more: "M5 12h.01M12 12h.01M19 12h.01",
	next: "M9 5l7 7-7 7",
	offline: "M4 4l16 16M8.5 15.5a5 5 0 0 1 6-.8M5 12a10 10 0 0 1 4.5-2.6M13.5 9.2A10 10 0 0 1 19 12M12 19h.01",
	pay: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5H14zM17.5 17.5H20V20h-2.5z",
	refund: "M9 8H5V4M5.5 8a8 8 0 1 1-1.3 6",
	search: "M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM16 16l4.5 4.5",
	send: "M4 12l16-8-6 16-3-6.5z",
	settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
	shop: "M4 9l1.5-5h13L20 9M4 9v11h16V9M4 9a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0A2.7 2.7 0 0 0 20 9M9.5 20v-5h5v5",
	unlock: "M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 6.8-1.2",
	user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20.5c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
	warning: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.3h.01",
} as const;

export type IconName = keyof typeof paths;

/** An icon beside words; alone it says nothing to who cannot see it. */
export function Icon({ name }: { readonly name: IconName }) {
	return (
		<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor">
			<path d={paths[name]} stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
		</svg>
	);
}
