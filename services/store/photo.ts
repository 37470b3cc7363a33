import type { Documents } from "../../mixins/database.ts";
import { newId } from "../../mixins/new-id.ts";
import type { Params } from "../actions.ts";
import { fail } from "../errors.ts";
import { cleanJpeg } from "./jpeg.ts";
import type { Product, Products } from "./product.ts";

export const PHOTO_BYTES_MAX = 100_000;

/** It never changes: another photo has another id, so whoever has it may keep it. */
export type Photo = { readonly _id: string; readonly productId: string; readonly jpeg: string };

type Collections = { readonly products: Products; readonly photos: Documents<Photo> };

/** Others who change the same product at the same moment; more often than that nobody loses. */
const ATTEMPTS_MAX = 20;

/** @throws not_found, photo_invalid, version_conflict */
export async function setPhoto(
	{ products, photos }: Collections,
	{ storeId, productId, photo }: Params<"store.setPhoto">,
): Promise<Product> {
	const query = { _id: productId, storeId };
	if (!(await products.findOne(query))) throw fail("not_found");
	const photoId = photo === null ? null : await addPhoto(photos, productId, photo);
	for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		const before = await products.findOne(query);
		if (!before) break;
		const { version } = before;
		const changed = await products.updateMany({ ...query, version }, { $set: { photoId }, $inc: { version: 1 } });
		if (changed === 0) continue;
		// The one that it took the place of, and no other: that could be the newer one of somebody who was faster.
		if (before.photoId) await photos.removeById(before.photoId);
		return { ...before, photoId, version: version + 1 };
	}
	if (photoId) await photos.removeById(photoId);
	throw fail("version_conflict");
}

async function addPhoto(photos: Documents<Photo>, productId: string, photo: string): Promise<string> {
	const jpeg = cleanJpeg(Buffer.from(photo, "base64"))?.toString("base64");
	if (!jpeg) throw fail("photo_invalid");
	return (await photos.insert({ _id: newId("f"), productId, jpeg }))._id;
}
