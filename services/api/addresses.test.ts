import assert from "node:assert/strict";
import { it } from "node:test";
import { finderOf } from "./addresses.ts";
import { publicRoutes } from "./routes.ts";

it("finds where a request goes, whatever it asks about", () => {
	const [one, all, sales] = [
		{ method: "GET", path: "/v1/stores/:storeId" },
		{ method: "GET", path: "/v1/stores/mine" },
		{ method: "POST", path: "/v1/stores/:storeId/sales" },
	];
	const find = finderOf([one, all, sales]);
	assert.equal(find({ method: "GET", url: "/v1/stores/mine" }), all);
	assert.equal(find({ method: "GET", url: "/v1/stores/sto_1?fields=name" }), one);
	assert.equal(find({ method: "POST", url: "/v1/stores/sto_1/sales" }), sales);
	const others = [
		{ method: "POST", url: "/v1/stores/sto_1" },
		{ method: "GET", url: "/v1/stores" },
		{ method: "GET", url: "/v1/stores/sto_1/" },
		{ method: "PURGE", url: "" },
		{},
	];
	for (const other of others) assert.equal(find(other), undefined);
});

it("finds each route of ours by a url of its form", () => {
	const find = finderOf(publicRoutes);
	for (const route of publicRoutes)
		assert.equal(find({ method: route.method, url: route.path.replace(/:\w+/g, "0") }), route);
});
