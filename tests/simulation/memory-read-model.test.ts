import { readModelConformance } from "../ledger/read-model-conformance.ts";
import { lookingConformance } from "../ledger/read-model-looking.ts";
import { MemoryReadModel, ReadModelContent } from "./memory-read-model.ts";

const contents = new Map<string, ReadModelContent>();

const kind = {
	open: async (place: string) => {
		const content = contents.get(place) ?? new ReadModelContent();
		contents.set(place, content);
		return new MemoryReadModel({ content });
	},
	forget: async (place: string) => {
		contents.delete(place);
	},
};
readModelConformance("in memory, the one of the simulation", kind);
lookingConformance("in memory", kind);
