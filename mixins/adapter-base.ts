import { randomUUID } from "node:crypto";
import type { StoredDocument } from "./database.ts";
import { checkDocument, checkId } from "./document-query.ts";

/** What moleculer-db asks of an adapter that is the same whatever keeps the documents. */
export abstract class AdapterBase {
	/** @param collection what the collection is called; it becomes part of statements */
	constructor(collection: string) {
		if (!/^[a-z][a-z0-9_]*$/.test(collection)) throw new TypeError("a collection's name is a-z, 0-9 and _");
	}

	/** moleculer-db passes broker and service; nothing of them is needed. */
	init(): void {}

	abstract removeMany(query: object): Promise<number>;

	/** @returns 1, or 0 when there was none */
	async removeById(id: string): Promise<number> {
		return this.removeMany({ _id: checkId(id) });
	}

	entityToObject<T>(entity: T): T {
		return entity;
	}

	beforeSaveTransformID(entity: object, idField: string): object {
		const { [idField]: id, ...rest } = entity as Record<string, unknown>;
		return id === undefined ? rest : { ...rest, _id: id };
	}

	afterRetrieveTransformID(entity: object, idField: string): object {
		const { _id, ...rest } = entity as Record<string, unknown>;
		return { ...rest, [idField]: _id };
	}
}

/** What may be stored, with an id in any case. @throws TypeError */
export function checkedDocument(doc: unknown): StoredDocument {
	checkDocument(doc);
	const { _id = randomUUID(), ...fields } = doc;
	return { _id, ...fields };
}
