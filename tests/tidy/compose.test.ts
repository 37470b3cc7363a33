import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { parse } from "yaml";
import { readSettings, serviceNames } from "../../moleculer.config.ts";
import { makeSecrets } from "../../scripts/deploy/secrets.ts";

// There is no Docker where the tests run. What can be held against the code is held here; its scripts run in tests/cluster/compose.test.ts.

type Mount = {
	readonly source: string;
	readonly target: string;
	readonly read_only?: boolean;
	readonly volume?: { readonly subpath?: string };
};
type Container = {
	readonly image: string;
	readonly user?: string;
	readonly read_only?: boolean;
	readonly cap_drop?: readonly string[];
	readonly security_opt?: readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	/** In the short way of writing them, or in the long one. */
	readonly volumes?: readonly (string | Mount)[];
	readonly ports?: readonly string[];
	readonly networks?: readonly string[];
	readonly stop_grace_period?: string;
	readonly depends_on?: object;
	readonly configs?: readonly { readonly source: string; readonly target: string }[];
};
type Compose = {
	readonly services: Readonly<Record<string, Container>>;
	readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
	readonly volumes: object;
	readonly configs: Readonly<Record<string, { readonly file?: string }>>;
};

const root = join(import.meta.dirname, "../..");
const compose = parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true }) as Compose;
const containers = Object.entries(compose.services);
const mountOf = (volume: string | Mount): Mount => {
	if (typeof volume !== "string") return volume;
	const [source = "", target = "", mode] = volume.split(":");
	return { source, target, read_only: mode === "ro" };
};
const ours = containers.filter(([, { environment }]) => environment?.SERVICES !== undefined);

it("every service of the platform has a container", () => {
	assert.deepEqual(ours.map(([, { environment }]) => environment?.SERVICES).sort(), [...serviceNames].sort());
	for (const [name, { environment }] of ours) assert.equal(name, environment?.SERVICES);
});

it("is told only what the platform, or the image, reads", () => {
	const config = readFileSync(join(root, "moleculer.config.ts"), "utf8");
	for (const [name, { environment = {} }] of ours)
		for (const variable of Object.keys(environment))
			assert.match(config, new RegExp(`\`${variable.replace(/_FILE$/, "")}\``), `${name}: ${variable}`);
});

it("is told all that it needs to start", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-compose-"));
	const secrets: Readonly<Record<string, string>> = {
		TRANSPORTER: "nats://somebody:secret@nats:4222",
		MONGODB_URI: "mongodb://mongo-1/hannip?replicaSet=rs0",
	};
	try {
		for (const [name, { environment = {} }] of ours) {
			const told = Object.entries(environment).map(([variable, value]) => {
				if (!variable.endsWith("_FILE")) return [variable, value.replace(/^\$\{\w+:-(.*)\}$/, "$1")];
				const file = join(folder, variable);
				writeFileSync(file, secrets[variable.replace("_FILE", "")] ?? "x".repeat(43));
				return [variable, file];
			});
			assert.deepEqual(readSettings(Object.fromEntries(told)).services, [name]);
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
});

it("what runs our image, or speaks to it, has no rights that it does not need", () => {
	const hardened = containers.filter(([, { image }]) => !/^(mongo|grafana)/.test(image));
	assert.ok(hardened.length > 8);
	for (const [name, container] of hardened) {
		assert.equal(container.read_only, true, name);
		assert.deepEqual(container.cap_drop, ["ALL"], name);
		assert.deepEqual(container.security_opt, ["no-new-privileges:true"], name);
		if (container.image === "hannip") assert.match(String(container.user), /^[1-9]\d*:[1-9]\d*$/, name);
	}
});

it("nothing can be reached from other machines, and only what must be from this one", () => {
	const published = containers.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
	for (const each of published) assert.match(each, / 127\.0\.0\.1:\d+:\d+$/);
	assert.deepEqual([...new Set(published.map((each) => each.split(" ")[0]))].sort(), ["api", "grafana", "zipkin"]);
	const outward = containers.filter(([, { networks = [] }]) =>
		networks.some((each) => !compose.networks[each]?.internal),
	);
	assert.deepEqual(outward.map(([name]) => name).sort(), ["api", "grafana", "store", "zipkin"]);
});

it("a container has the time to finish what it began", () => {
	const api = compose.services.api ?? assert.fail();
	// Draining, what a request may take, what Moleculer waits for, and the rest.
	const neededS = Number(api.environment?.DRAIN_S) + 3 + 2 + 10;
	for (const [name, { stop_grace_period = "0s" }] of ours)
		assert.ok(Number.parseInt(stop_grace_period, 10) > neededS, name);
});

it("names only volumes that are there, and secrets by file", () => {
	for (const [name, { volumes = [], environment = {} }] of containers) {
		for (const volume of volumes) assert.ok(mountOf(volume).source in compose.volumes, `${name}: ${volume}`);
		for (const [variable, value] of Object.entries(environment))
			if (/(SECRET|TOKEN|URI|TRANSPORTER)(_FILE)?$/.test(variable))
				assert.match(value, /^\/secrets\//, `${name}: ${variable}`);
	}
});

// Compose copies what is inline into the container, and refuses to where that is read-only: "`file` is the sole supported option".
it("every configuration is a file that is there, and used", () => {
	for (const [name, config] of Object.entries(compose.configs)) {
		assert.deepEqual(Object.keys(config), ["file"], name);
		assert.ok(existsSync(join(root, String(config.file))), `${name}: ${config.file}`);
	}
	const used = containers.flatMap(([, { configs = [] }]) => configs.map(({ source }) => source));
	assert.deepEqual(used.sort(), Object.keys(compose.configs).sort());
});

/** Every file that a container of ours is told to read, in Kubernetes. */
function filesInKubernetes(name: string): string[] {
	const everywhere = readFileSync(join(root, "k8s/base/every-service.yaml"), "utf8");
	const own = readFileSync(join(root, `k8s/base/${name}/deployment.yaml`), "utf8");
	return [...`${everywhere}${own}`.matchAll(/name: \w+_FILE, value: (\S+) \}/g)].map(([, path]) => String(path)).sort();
}

/** By the container's name, the files that it has in Kubernetes; nothing where it has none there. */
function secretsInKubernetes(name: string): readonly string[] | undefined {
	const { mongodb, nats: _, ...services } = makeSecrets();
	// Who may say what, and how the server finds that, is no secret there. It is alone here, and has no password for others.
	if (name === "nats") return ["nats.conf", "passwords.conf", "users.conf"];
	if (/^mongo-\d$/.test(name)) return ["mongo.key"];
	const files = name === "mongo-init" ? mongodb : services[name];
	return files && Object.keys(files).sort();
}

it("a container reaches the secrets that its pod has in Kubernetes, and no others", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-compose-"));
	const [script = "", users = ""] = ["scripts/compose/secrets.mjs", "k8s/base/nats/users.conf"];
	const make = () => {
		const args = [join(root, script), folder, join(root, users)];
		const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
		assert.equal(status, 0, stderr);
	};
	try {
		make();
		writeFileSync(join(folder, "hasher/key.secret"), "what it needed once");
		make();
		for (const [name, { volumes = [], environment = {} }] of containers) {
			const mounts = volumes.map(mountOf).filter(({ source }) => source === "secrets");
			// The one that makes them.
			if (name === "secrets") continue;
			const wanted = secretsInKubernetes(name);
			assert.equal(mounts.length, wanted ? 1 : 0, name);
			const [mount] = mounts;
			if (!mount) continue;
			const subpath = mount.volume?.subpath ?? assert.fail(`${name} reaches all of them`);
			assert.deepEqual([mount.target, mount.read_only], ["/secrets", true], name);
			assert.deepEqual(readdirSync(join(folder, subpath)).sort(), wanted, name);
			if (environment.SERVICES === undefined) continue;
			const read = Object.entries(environment).filter(([variable]) => variable.endsWith("_FILE"));
			assert.deepEqual(read.map(([, path]) => path).sort(), filesInKubernetes(name), name);
			assert.equal(new URL(readFileSync(join(folder, subpath, "transporter"), "utf8")).username, name);
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
});
