import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readSettings, serviceNames } from "../../moleculer.config.ts";
import {
	type Container,
	type Manifest,
	matches,
	ofKind,
	type Volume,
	type Workload,
	workloads,
} from "../../scripts/deploy/manifests.ts";
import { makeSecrets } from "../../scripts/deploy/secrets.ts";

// What no schema says, and what a real API server or a real night would say. Each rule gives the sentences that describe what is wrong.

export type Rule = (manifests: readonly Manifest[]) => string[];

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
/** What a request may take, and what Moleculer waits for when it stops. */
const [REQUEST_S, SHUTDOWN_S] = [3, 10];

const containersOf = (manifests: readonly Manifest[]) =>
	workloads(manifests).flatMap((workload) =>
		workload.template.spec.containers.map((container) => ({ ...workload, container })),
	);
export const envOf = ({ env = [] }: Container): Record<string, string> =>
	Object.fromEntries(env.map(({ name, value }) => [name, String(value)]));
export const servicesOf = (manifests: readonly Manifest[]) =>
	containersOf(manifests).filter(({ template }) => template.metadata.labels["hannip.io/runs"] === "service");
const isThere = (manifests: readonly Manifest[], kind: string, name: string): boolean =>
	manifests.some((each) => each.kind === kind && each.metadata.name === name);
const say = (isWrong: unknown, sentence: string): string[] => (isWrong ? [sentence] : []);
const differ = (what: string, found: readonly unknown[], wanted: readonly unknown[]): string[] =>
	say(String([...found].sort()) !== String([...wanted].sort()), `${what}: ${found} instead of ${wanted}`);

/** Files of secrets that a volume mounts; all of a secret where it does not say which. */
const secretsIn = ({ secret, projected }: Volume) => [
	...(secret ? [{ name: secret.secretName, keys: secret.items?.map(({ key }) => key) ?? [] }] : []),
	...(projected?.sources ?? []).flatMap(({ secret: source }) =>
		source ? [{ name: source.name, keys: source.items?.map(({ key }) => key) ?? [] }] : [],
	),
];
const configMapsIn = ({ configMap, projected }: Volume): string[] =>
	[configMap, ...(projected?.sources ?? []).map((source) => source.configMap)].flatMap((map) => map?.name ?? []);
const volumesOf = ({ template }: Workload): readonly Volume[] => template.spec.volumes ?? [];

const restrictedPod = (workload: Workload): string[] => {
	const { name, template } = workload;
	const { spec } = template;
	const { runAsNonRoot, runAsUser, seccompProfile } = spec.securityContext;
	return [
		...say(!runAsNonRoot || runAsUser <= 10_000, `${name} runs as root, or as somebody who may be known to the node`),
		...say(seccompProfile?.type !== "RuntimeDefault", `${name} may make any system call`),
		...say(spec.automountServiceAccountToken !== false, `${name} is given a token for the API server`),
		...say(spec.hostNetwork || spec.hostPID, `${name} is in a namespace of the node`),
		...volumesOf(workload)
			.flatMap((volume) => Object.keys(volume).filter((key) => key !== "name"))
			.filter((kind) => !/^(secret|configMap|projected|emptyDir|persistentVolumeClaim)$/.test(kind))
			.map((kind) => `${name} mounts a ${kind}`),
	];
};

const restrictedContainer = ({ name, container }: { name: string; container: Container }): string[] => {
	const { capabilities, allowPrivilegeEscalation, readOnlyRootFilesystem } = container.securityContext ?? {};
	const { requests, limits } = container.resources ?? {};
	return [
		...say(String(capabilities?.drop) !== "ALL" || capabilities?.add, `${name} has capabilities`),
		...say(allowPrivilegeEscalation !== false, `${name} may get more rights`),
		...say(readOnlyRootFilesystem !== true, `${name} may write to its image`),
		...["cpu", "memory", "ephemeral-storage"].flatMap((resource) =>
			say(!requests?.[resource] || !limits?.[resource], `${name} has no request or limit of ${resource}`),
		),
	];
};

const portsAndProbes = ({ name, container }: { name: string; container: Container }): string[] => {
	const ports = (container.ports ?? []).map((port) => port.name);
	const probed = [container.startupProbe, container.readinessProbe, container.livenessProbe].flatMap(
		(probe) => probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? [],
	);
	return [
		...say(new Set(ports).size !== ports.length, `${name} has two ports of one name`),
		...ports.flatMap((port) =>
			say(!/^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(port), `${name}: ${port} is no name of a port`),
		),
		...probed.flatMap((port) => say(!ports.includes(String(port)), `${name} is probed at ${port}, which it has not`)),
	];
};

const mounts = (manifests: readonly Manifest[], workload: Workload): string[] => {
	const secrets = makeSecrets();
	const { name, manifest, template } = workload;
	const volumes = volumesOf(workload);
	const claims = (manifest.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
	const known = [...volumes.map((volume) => volume.name), ...claims];
	const [mounted, maps] = [
		template.spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map((mount) => mount.name)),
		template.spec.containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef.name)),
	];
	return [
		...mounted.flatMap((volume) => say(!known.includes(volume), `${name} mounts ${volume}, which is not there`)),
		...known.flatMap((volume) => say(!mounted.includes(volume), `${name} has a volume ${volume} that nobody mounts`)),
		...[...maps, ...volumes.flatMap(configMapsIn)].flatMap((map) =>
			say(!isThere(manifests, "ConfigMap", map), `${name} needs the ConfigMap ${map}`),
		),
		...volumes
			.flatMap(secretsIn)
			.flatMap((secret) => [
				...say(!secrets[secret.name], `${name} needs the secret ${secret.name}, which nobody makes`),
				...secret.keys.flatMap((key) => say(!secrets[secret.name]?.[key], `${name} needs ${key} of ${secret.name}`)),
			]),
		...volumes.flatMap(({ persistentVolumeClaim: claim }) =>
			say(claim && !isThere(manifests, "PersistentVolumeClaim", claim.claimName), `${name} needs ${claim?.claimName}`),
		),
		...say(!isThere(manifests, "ServiceAccount", template.spec.serviceAccountName), `${name} has no service account`),
	];
};

const settingsRead = new Set(
	[
		...read("moleculer.config.ts").matchAll(
			/env\.([A-Z_]+)|(?:integer|secretOf)\((?:env, )?"([A-Z_]+)"|"([A-Z_]+_URL)"/g,
		),
	].map(([, direct, named, url]) => String(direct ?? named ?? url)),
);
/** The image says where a process listens; all of these are as they are by themselves, unless an overlay says otherwise. */
const usual =
	/^(PORT|INTERNAL_PORT|PROBE_PORT|HOST|METRICS|TRACE_RATE|ZIPKIN_PAGES_URL|ADJUST_ALONE_MAX|AUDIT_HOUR|OPERATOR_TOKENS|DATA_DIR|VERSION|CHARGE_MAX|KEY_ROTATION_DAYS|REQUESTS_PER_MINUTE_?\w*|WEBHOOK_TARGETS|WEBHOOK_RETRIES_S|TRUSTED_PROXIES|ALLOWED_ORIGINS)$/;

const settingsTold = (manifests: readonly Manifest[], container: Container): string[] => {
	const maps = (container.envFrom ?? []).flatMap(({ configMapRef }) =>
		ofKind(manifests, "ConfigMap").filter(({ metadata }) => metadata.name === configMapRef.name),
	);
	const names = [...Object.keys(envOf(container)), ...maps.flatMap(({ data = {} }) => Object.keys(data))];
	return names.map((name) => name.replace(/_FILE$/, ""));
};

const findsItsPods = (manifests: readonly Manifest[], { metadata, spec }: Manifest): string[] => {
	const found = workloads(manifests).filter(
		({ kind, template }) =>
			!kind.endsWith("Job") && matches({ matchLabels: spec?.selector ?? {} }, template.metadata.labels),
	);
	const ports = found.flatMap(({ template }) => template.spec.containers.flatMap((each) => each.ports ?? []));
	return [
		...differ(
			`the Service ${metadata.name} finds`,
			found.map(({ name }) => name),
			[metadata.name.replace(/-(internal|members)$/, "")],
		),
		...(spec?.ports ?? []).flatMap(({ targetPort }) =>
			say(!ports.some(({ name }) => name === targetPort), `${metadata.name}: nobody has a port ${targetPort}`),
		),
	];
};

const countsItsOwnPods = (manifests: readonly Manifest[], { name, kind, template, manifest }: Workload): string[] => {
	if (kind.endsWith("Job")) return [];
	const counted = workloads(manifests).filter((other) =>
		matches(manifest.spec?.selector ?? {}, other.template.metadata.labels),
	);
	const headless = ofKind(manifests, "Service").some(
		({ metadata, spec }) => metadata.name === manifest.spec?.serviceName && spec?.clusterIP === "None",
	);
	return [
		...differ(
			`${name} takes for its own`,
			counted.map((other) => other.name),
			[name],
		),
		...(template.spec.topologySpreadConstraints ?? []).flatMap(({ labelSelector, topologyKey }) =>
			say(!matches(labelSelector, template.metadata.labels), `${name} is not spread over ${topologyKey}`),
		),
		...say(kind === "StatefulSet" && !headless, `${name} gives its pods no names`),
	];
};

const scales = (manifests: readonly Manifest[], { metadata, spec }: Manifest): string[] => {
	const target = workloads(manifests).find(
		({ name, kind }) => name === spec?.scaleTargetRef?.name && kind === spec?.scaleTargetRef?.kind,
	);
	const resources = (spec?.metrics ?? []).flatMap(({ resource }) => resource?.name ?? []);
	const containers = target?.template.spec.containers ?? [];
	return [
		...say(!target, `${metadata.name} scales nothing`),
		...say(Number(spec?.minReplicas) > Number(spec?.maxReplicas), `${metadata.name}: min > max`),
		...say(target?.manifest.spec?.replicas !== undefined, `${metadata.name}: its Deployment says how many, too`),
		// A share of what is requested: without a request there is none.
		...resources.flatMap((name) =>
			say(
				!containers.every(({ resources: { requests } }) => requests[name]),
				`${metadata.name}: no request of ${name}`,
			),
		),
	];
};

const budget = (manifests: readonly Manifest[], { metadata, spec }: Manifest): string[] => {
	const pods = workloads(manifests).filter(({ template }) => matches(spec?.selector ?? {}, template.metadata.labels));
	return [
		...differ(
			`the budget ${metadata.name} is about`,
			pods.map(({ name }) => name),
			[metadata.name],
		),
		// However few there are, a drain goes on; of three, a majority stays.
		...say(spec?.maxUnavailable !== 1, `${metadata.name} may keep a node from being emptied`),
	];
};

const graceOf = ({ name, template, container }: Workload & { container: Container }): string[] => {
	const preStopS = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
	const drainS = Number(envOf(container).DRAIN_S ?? 0);
	const neededS = preStopS + drainS + REQUEST_S + 2 + SHUTDOWN_S;
	return [
		...say(Number(template.spec.terminationGracePeriodSeconds) <= neededS, `${name} is killed before its ${neededS} s`),
		...say(name === "api" && (preStopS < 3 || drainS < 3), "api ends before nodes and clients know that it goes"),
	];
};

const probes = ({ name, container }: { name: string; container: Container }): string[] =>
	(["started", "ready", "live"] as const).flatMap((path, index) => {
		const probe = [container.startupProbe, container.readinessProbe, container.livenessProbe][index];
		return differ(`${name}: the probe ${path}`, [probe?.httpGet?.port, probe?.httpGet?.path], ["probes", `/${path}`]);
	});

const secretsOfServices: Rule = (manifests) => {
	const secrets = makeSecrets();
	return servicesOf(manifests).flatMap((service) => {
		const files = Object.values(envOf(service.container)).filter((value) => value.startsWith("/secrets/"));
		const names = files.map((file) => file.slice("/secrets/".length));
		return [
			...differ(
				`${service.name} is given`,
				volumesOf(service)
					.flatMap(secretsIn)
					.map(({ name }) => name),
				[service.name],
			),
			...differ(`${service.name} reads`, names, Object.keys(secrets[service.name] ?? {})),
		];
	});
};

const settings: Rule = (manifests) => {
	const told = servicesOf(manifests).map(({ name, container }) => ({
		name,
		names: settingsTold(manifests, container),
	}));
	const all = new Set(told.flatMap(({ names }) => names));
	return [
		...say(settingsRead.size < 20, "the settings were not found in the code"),
		...told.flatMap(({ name, names }) =>
			names.filter((each) => !settingsRead.has(each)).map((each) => `nobody reads ${each}, which ${name} is told`),
		),
		...[...settingsRead].filter((each) => !usual.test(each) && !all.has(each)).map((each) => `nobody is told ${each}`),
	];
};

export const rules: Readonly<Record<string, Rule>> = {
	"has every service once, in one namespace": (manifests) => [
		...differ(
			"services",
			servicesOf(manifests).map(({ container }) => envOf(container).SERVICES),
			serviceNames,
		),
		...servicesOf(manifests).flatMap(({ name, container }) =>
			say(envOf(container).SERVICES !== name, `${name} runs another`),
		),
		...say(new Set(manifests.map(({ metadata }) => metadata.namespace)).size !== 1, "more than one namespace"),
		...manifests.flatMap(({ kind, metadata }) =>
			say(metadata.labels?.["app.kubernetes.io/part-of"] !== "hannip", `${kind} ${metadata.name} is not labelled`),
		),
	],
	"runs pods that the level `restricted` lets start": (manifests) => [
		...workloads(manifests).flatMap(restrictedPod),
		...containersOf(manifests).flatMap(restrictedContainer),
		...ofKind(manifests, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding").map(
			({ kind }) => `it has a ${kind}`,
		),
	],
	"has ports of good names, and probes them": (manifests) => containersOf(manifests).flatMap(portsAndProbes),
	"mounts and reads what is there": (manifests) => workloads(manifests).flatMap((each) => mounts(manifests, each)),
	"gives each service its own secrets only, all of them": secretsOfServices,
	"tells services what they read, and all that has no default": settings,
	"believes its edge where requests come from": (manifests) => {
		const isBehindEdge = ofKind(manifests, "HTTPRoute").length > 0;
		const [{ data = {} } = {}] = ofKind(manifests, "ConfigMap").filter(({ metadata }) =>
			/^hannip-/.test(metadata.name),
		);
		const { trustedProxies } = readSettings({ TRUSTED_PROXIES: data.TRUSTED_PROXIES });
		return say(isBehindEdge && trustedProxies.length === 0, "all the world is one address");
	},
	"has Services that find their pods": (manifests) =>
		ofKind(manifests, "Service").flatMap((service) => findsItsPods(manifests, service)),
	"has selectors that match their own pods only": (manifests) =>
		workloads(manifests).flatMap((workload) => countsItsOwnPods(manifests, workload)),
	"scales every service, and nothing else says how many": (manifests) => [
		// KEDA's ScaledObject makes an autoscaler: beside another one of the same service they would fight.
		...differ(
			"scaled",
			ofKind(manifests, "HorizontalPodAutoscaler", "ScaledObject").map(({ spec }) => spec?.scaleTargetRef?.name),
			serviceNames,
		),
		...ofKind(manifests, "HorizontalPodAutoscaler").flatMap((scaler) => scales(manifests, scaler)),
	],
	"lets a node be emptied, and takes no two at once": (manifests) => [
		...differ(
			"budgets",
			ofKind(manifests, "PodDisruptionBudget").map(({ metadata }) => metadata.name),
			[...serviceNames, "mongodb", "nats"],
		),
		...ofKind(manifests, "PodDisruptionBudget").flatMap((each) => budget(manifests, each)),
	],
	"gives pods the time to finish what they began": (manifests) => servicesOf(manifests).flatMap(graceOf),
	"probes on the probe port": (manifests) => servicesOf(manifests).flatMap(probes),
	"names images that cannot change": (manifests) =>
		containersOf(manifests).flatMap(({ name, container: { image } }) =>
			// An overlay that nothing was delivered to says so, and not by a digest that looks like one.
			say(
				!/(@sha256:(?!0{64})[0-9a-f]{64}|\/hannip:nothing-delivered-yet|:local|:\d+\.\d+\.\d+)$/.test(image),
				`${name}: ${image}`,
			),
		),
	"needs nothing of the cluster that ../cluster does not make": (manifests) => [
		...workloads(manifests).flatMap(({ name, template: { spec } }) =>
			say(
				!read("k8s/cluster/priority-classes.yaml").includes(`name: ${spec.priorityClassName}\n`),
				`${name}: priority`,
			),
		),
		...manifests.flatMap(({ metadata: { namespace } }) =>
			say(!read("k8s/cluster/namespaces.yaml").includes(`name: ${namespace}\n`), `namespace ${namespace}`),
		),
	],
};
