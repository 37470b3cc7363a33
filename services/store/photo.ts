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

/** @throws not_found, photo_invalid */
export async function setPhoto(
	{ products, photos }: Collections,
	{ storeId, productId, photo }: Params<"store.setPhoto">,
): Promise<Product> {
	const query = { _id: productId, storeId };
	if (!(await products.findOne(query))) throw fail("not_found");
	const photoId = photo === null ? null : await addPhoto(photos, productId, photo);
	await products.updateMany(query, { $set: { photoId }, $inc: { version: 1 } });
	const product = await products.findOne(query);
	if (!product) throw fail("not_found");
	// Also those of whoever was faster, or was stopped in the middle.
	for (const { _id } of await photos.find({ query: { productId } }))
		if (_id !== product.photoId) await photos.removeById(_id);
	return product;
}

async function addPhoto(photos: Documents<Photo>, productId: string, photo: string): Promise<string> {
	const jpeg = cleanJpeg(Buffer.from(photo, "base64"))?.toString("base64");
	if (!jpeg) throw fail("photo_invalid");
	return (await photos.insert({ _id: newId("f"), productId, jpeg }))._id;
}
