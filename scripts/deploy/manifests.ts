// What the overlays make: `node scripts/deploy/manifests.ts NAME` prints it, tests hold it against the code.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { partPath } from "../parts.ts";

const root = join(import.meta.dirname, "../..");
export const overlays = ["local", "staging", "production", "loadtest-single", "loadtest-hpa"] as const;
export type Overlay = (typeof overlays)[number];

type Labels = Readonly<Record<string, string>>;
export type Selector = {
	readonly matchLabels?: Labels;
	readonly matchExpressions?: readonly {
		readonly key: string;
		readonly operator: "In" | "NotIn";
		readonly values: readonly string[];
	}[];
};
export type Probe = {
	readonly httpGet?: { readonly path: string; readonly port: string | number };
	readonly tcpSocket?: { readonly port: string };
};
export type Container = {
	readonly name: string;
	readonly image: string;
	readonly command?: readonly string[];
	readonly args?: readonly string[];
	readonly env?: readonly { readonly name: string; readonly value?: string }[];
	readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
	readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
	readonly resources: { readonly requests: Labels; readonly limits: Labels };
	readonly securityContext: {
		readonly allowPrivilegeEscalation: boolean;
		readonly readOnlyRootFilesystem: boolean;
		readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
	};
	readonly startupProbe?: Probe;
	readonly readinessProbe?: Probe;
	readonly livenessProbe?: Probe;
	readonly lifecycle?: {
		readonly preStop?: {
			readonly sleep?: { readonly seconds: number };
			readonly exec?: { readonly command: readonly string[] };
		};
	};
	readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
};
type Items = readonly { readonly key: string; readonly path: string }[];
export type Volume = {
	readonly name: string;
	readonly secret?: { readonly secretName: string; readonly items?: Items };
	readonly configMap?: { readonly name: string };
	readonly persistentVolumeClaim?: { readonly claimName: string };
	readonly projected?: {
		readonly sources: readonly {
			readonly secret?: { readonly name: string; readonly items?: Items };
			readonly configMap?: { readonly name: string };
		}[];
	};
	readonly emptyDir?: object;
};
export type PodSpec = {
	readonly containers: readonly Container[];
	readonly volumes?: readonly Volume[];
	readonly serviceAccountName: string;
	readonly automountServiceAccountToken: boolean;
	readonly priorityClassName: string;
	readonly terminationGracePeriodSeconds?: number;
	readonly securityContext: {
		readonly runAsNonRoot: boolean;
		readonly runAsUser: number;
		readonly seccompProfile: { readonly type: string };
	};
	readonly topologySpreadConstraints?: readonly { readonly topologyKey: string; readonly labelSelector: Selector }[];
	readonly hostNetwork?: boolean;
	readonly hostPID?: boolean;
};
export type PodTemplate = { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };

type Peer = {
	readonly podSelector?: Selector;
	readonly namespaceSelector?: Selector;
	readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
};
export type Rule = {
	readonly from?: readonly Peer[];
	readonly to?: readonly Peer[];
	readonly ports: readonly { readonly port: number; readonly protocol?: string }[];
};

/** Of what is read here, all kinds in one: which has what is the affair of the schemas. */
export type Spec = {
	readonly replicas?: number;
	readonly selector?: Selector & Labels;
	readonly podSelector?: Selector;
	readonly policyTypes?: readonly ("Ingress" | "Egress")[];
	readonly ingress?: readonly Rule[];
	readonly egress?: readonly Rule[];
	readonly template?: PodTemplate;
	readonly jobTemplate?: { readonly spec: { readonly template: PodTemplate } };
	readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
	readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
	readonly clusterIP?: string;
	readonly serviceName?: string;
	readonly minReplicas?: number;
	readonly maxReplicas?: number;
	readonly maxUnavailable?: number;
	readonly scaleTargetRef?: { readonly kind: string; readonly name: string };
	readonly metrics?: readonly {
		readonly resource: { readonly name: string; readonly target: { readonly averageUtilization: number } };
	}[];
	readonly behavior?: Behavior;
};
type Policy = { readonly type: "Percent" | "Pods"; readonly value: number; readonly periodSeconds: number };
type Direction = {
	readonly stabilizationWindowSeconds: number;
	readonly selectPolicy: "Max" | "Min" | "Disabled";
	readonly policies: readonly Policy[];
};
export type Behavior = { readonly scaleUp: Direction; readonly scaleDown: Direction };
export type Manifest = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly metadata: {
		readonly name: string;
		readonly namespace?: string;
		readonly labels?: Labels;
		readonly annotations?: Labels;
	};
	readonly spec?: Spec;
	readonly data?: Labels;
};

const built = new Map<string, string>();

/** As YAML. @throws what kustomize says */
export function textOf(folder: string): string {
	const known = built.get(folder);
	if (known !== undefined) return known;
	const { status, stdout, stderr } = spawnSync(partPath("kustomize"), ["build", join(root, "k8s", folder)], {
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(stderr);
	// What is out of date is said there.
	if (stderr.trim()) throw new Error(`kustomize warns: ${stderr}`);
	built.set(folder, stdout);
	return stdout;
}

export const manifestsIn = (text: string): readonly Manifest[] =>
	parseAllDocuments(text).map((document) => document.toJS() as Manifest);

const parsed = new Map<Overlay, readonly Manifest[]>();

export function manifestsOf(overlay: Overlay): readonly Manifest[] {
	const manifests = parsed.get(overlay) ?? manifestsIn(textOf(`overlays/${overlay}`));
	parsed.set(overlay, manifests);
	return manifests;
}

export const ofKind = (manifests: readonly Manifest[], ...kinds: readonly string[]): Manifest[] =>
	manifests.filter(({ kind }) => kinds.includes(kind));

/** @throws when it is not there */
export function named(manifests: readonly Manifest[], kind: string, name: string): Manifest {
	const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
	if (!found) throw new Error(`there is no ${kind} ${name}`);
	return found;
}

/** What makes pods, with the pods that it makes. */
export type Workload = {
	readonly name: string;
	readonly kind: string;
	readonly template: PodTemplate;
	readonly manifest: Manifest;
};
export const workloads = (manifests: readonly Manifest[]): Workload[] =>
	manifests.flatMap((manifest) => {
		const template = manifest.spec?.template ?? manifest.spec?.jobTemplate?.spec.template;
		return template ? [{ name: manifest.metadata.name, kind: manifest.kind, template, manifest }] : [];
	});

export const matches = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean =>
	Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
	matchExpressions.every(({ key, operator, values }) => (operator === "In") === values.includes(String(labels[key])));

if (import.meta.main) console.log(textOf(`overlays/${process.argv[2] ?? "local"}`));
