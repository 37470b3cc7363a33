import { type DeviceKey, newDeviceKey } from "./device-key.ts";

const DATABASE = "hannip";
const STORE = "cabinet";

/**
 * What a browser keeps for an app: its key, which IndexedDB holds without anybody being able to read it out, and small notes that must
 * survive a reload, such as a sale whose outcome is not known yet.
 */
export async function keep(name: string, value: unknown): Promise<void> {
	await inStore("readwrite", (store) => store.put(value, name));
}

/** Keeps it unless there is no room, as where a disk is full or a browser gives none. @returns whether it is kept */
export const isKept = (name: string, value: unknown): Promise<boolean> =>
	keep(name, value).then(
		() => true,
		() => false,
	);

export const kept = <T>(name: string): Promise<T | undefined> =>
	inStore("readonly", (store) => store.get(name) as IDBRequest<T | undefined>);

export async function forget(name: string): Promise<void> {
	await inStore("readwrite", (store) => store.delete(name));
}

/** The app's key; a new one where there is none. Two tabs that start at once get the same. */
export async function deviceKeyOf(app: "wallet" | "till"): Promise<DeviceKey> {
	const name = `${app}.key`;
	return navigator.locks.request(`hannip.${name}`, async () => {
		const found = await kept<DeviceKey>(name);
		if (found) return found;
		const made = await newDeviceKey();
		await keep(name, made);
		return made;
	});
}

function open(): Promise<IDBDatabase> {
	const opening = indexedDB.open(DATABASE, 1);
	opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
	return settled(opening);
}

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
	const database = await open();
	try {
		const transaction = database.transaction(STORE, mode, { durability: "strict" });
		const committed = new Promise<void>((resolve, reject) => {
			transaction.oncomplete = () => resolve();
			transaction.onabort = () => reject(transaction.error);
		});
		const result = await settled(work(transaction.objectStore(STORE)));
		await committed;
		return result;
	} finally {
		database.close();
	}
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}
