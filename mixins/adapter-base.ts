/** What moleculer-db asks of an adapter that is the same whatever keeps the documents. */
export abstract class AdapterBase {
	/** @param collection what the collection is called; it becomes part of statements */
	constructor(collection: string) {
		if (!/^[a-z][a-z0-9_]*$/.test(collection)) throw new TypeError("a collection's name is a-z, 0-9 and _");
	}

	/** moleculer-db passes broker and service; nothing of them is needed. */
	init(): void {}

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
