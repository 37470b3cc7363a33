/** Lets the app start without a network from now on, where the page is one that may. */
export function startsOffline(): void {
	if (isSecureContext && import.meta.env.PROD) void navigator.serviceWorker?.register("./service-worker.js");
}
