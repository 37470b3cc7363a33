export type Headers = readonly (readonly [name: string, value: string])[];

const YEAR_S = 31_536_000;

/**
 * What every answer tells browsers to leave alone. Pages that load something, or take a picture, say a Content-Security-Policy of their
 * own instead.
 *
 * @param publicOrigin where the answers are seen; none where only programs ask
 */
export const securityHeaders = (publicOrigin: string | null): Headers => [
	["Cache-Control", "no-store"],
	["Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"],
	["Cross-Origin-Opener-Policy", "same-origin"],
	// Of requests without CORS, such as images and scripts on other sites.
	["Cross-Origin-Resource-Policy", "same-origin"],
	// A till reads codes with the camera.
	["Permissions-Policy", "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"],
	["Referrer-Policy", "no-referrer"],
	["X-Content-Type-Options", "nosniff"],
	// RFC 6797 7.2: never where there is no TLS. Other hosts of the domain are not ours to bind.
	...(publicOrigin?.startsWith("https:") ? [["Strict-Transport-Security", `max-age=${YEAR_S}`] as const] : []),
];
