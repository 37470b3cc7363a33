import { Errors } from "moleculer";

// What documents refuse, whatever keeps them, and how those who write them tell it apart.

export const duplicateKey = (collection: string, fields: readonly string[]): Error => {
	const text = `Another document of ${collection} has the same ${fields.join(", ")}`;
	return new Errors.MoleculerClientError(text, 409, "DUPLICATE_KEY", { fields });
};

export const writeConflict = (): Error =>
	new Errors.MoleculerClientError("One of several writes finds no such document", 409, "WRITE_CONFLICT");

/** Whether a document was not written because another one has its id, or the same values in the fields of a unique index. */
export const isDuplicateKey = (error: unknown): boolean => typeOf(error) === "DUPLICATE_KEY";

/** Whether nothing was written because one of several documents was not, or not any more, as it was expected. */
export const isWriteConflict = (error: unknown): boolean => typeOf(error) === "WRITE_CONFLICT";

const typeOf = (error: unknown): unknown => (error as { type?: unknown } | null)?.type;
