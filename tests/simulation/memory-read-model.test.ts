import { readModelConformance } from "../ledger/read-model-conformance.ts";
import { MemoryReadModel, ReadModelContent } from "./memory-read-model.ts";

const contents = new Map<string, ReadModelContent>();

readModelConformance("in memory, the one of the simulation", {
	open: async (place) => {
		const content = contents.get(place) ?? new ReadModelContent();
		contents.set(place, content);
		return new MemoryReadModel({ content });
	},
	forget: async (place) => {
		contents.delete(place);
	},
});
