import { type Manifest, matches, ofKind, type Rule, workloads } from "./manifests.ts";

/** `api → nats:4222`; what is outside of the namespace, or there only for a while, is in angle brackets. */
export type Edge = { readonly from: string; readonly to: string; readonly port: number };

/** Who may speak or be spoken to. Where there are no labels it is outside, and no policy here is about it. */
type Place = {
	readonly name: string;
	readonly labels: Readonly<Record<string, string>> | null;
	/** On which it listens; null where that is not known. */
	readonly ports: readonly number[] | null;
};
type Direction = "Ingress" | "Egress";
type Allowed = { readonly peer: string; readonly port: number };

/** Pods that somebody starts for a while, which are not in the manifests. */
const visitors: readonly Place[] = ["load"].map((name) => ({
	name: `<${name}>`,
	labels: { "hannip.io/runs": name },
	ports: [],
}));

const podsOf = (manifests: readonly Manifest[]): Place[] =>
	workloads(manifests).map(({ name, template }) => ({
		name,
		labels: template.metadata.labels,
		ports: template.spec.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort)),
	}));

/** A NetworkPolicy without a namespace selector means its own namespace. */
function namesOf(peers: NonNullable<Rule["from"]>, places: readonly Place[]): string[] {
	return peers.flatMap(({ podSelector, namespaceSelector, ipBlock }) => {
		if (ipBlock) return ["<internet>"];
		if (!namespaceSelector)
			return places.filter(({ labels }) => labels && matches(podSelector ?? {}, labels)).map(({ name }) => name);
		const [[key = "", value = ""] = []] = Object.entries(namespaceSelector.matchLabels ?? {});
		return [`<${key === "kubernetes.io/metadata.name" ? value : key.replace("hannip.io/", "")}>`];
	});
}

/** What all policies together let a place do in one direction; null where none is about it, and so everything. */
function allowed(
	manifests: readonly Manifest[],
	{ labels }: Place,
	{ direction, places }: { direction: Direction; places: readonly Place[] },
): Allowed[] | null {
	const about = ofKind(manifests, "NetworkPolicy").filter(
		({ spec }) => labels && spec?.policyTypes?.includes(direction) && matches(spec.podSelector ?? {}, labels),
	);
	if (about.length === 0) return null;
	const rules = about.flatMap(({ spec }) => (direction === "Ingress" ? spec?.ingress : spec?.egress) ?? []);
	return rules.flatMap((rule) =>
		namesOf(rule.from ?? rule.to ?? [], places).flatMap((peer) => rule.ports.map(({ port }) => ({ peer, port }))),
	);
}

const lets = (rules: readonly Allowed[] | null, peer: string, port: number): boolean =>
	rules === null || rules.some((rule) => rule.peer === peer && rule.port === port);

/** Every connection that is let through: both its ends allow it, and somebody listens there. */
export function networkMatrix(manifests: readonly Manifest[]): Edge[] {
	// Visitors are told what they may by whoever starts them.
	const inside = podsOf(manifests);
	const known = [...inside, ...visitors];
	const rulesOf = (direction: Direction) =>
		new Map(inside.map((pod) => [pod.name, allowed(manifests, pod, { direction, places: known })]));
	const [into, out] = [rulesOf("Ingress"), rulesOf("Egress")];
	const mentioned = [...into.values(), ...out.values()].flatMap((rules) => rules?.map(({ peer }) => peer) ?? []);
	const outside = new Set(mentioned.filter((name) => !known.some((place) => place.name === name)));
	const places = [...known, ...[...outside].map((name): Place => ({ name, labels: null, ports: null }))];
	return places.flatMap((from) =>
		places
			.filter((to) => inside.includes(from) || inside.includes(to))
			.flatMap((to) =>
				(to.ports ?? portsTo(to.name, out.get(from.name)))
					.filter(
						(port) =>
							lets(out.get(from.name) ?? null, to.name, port) && lets(into.get(to.name) ?? null, from.name, port),
					)
					.map((port) => ({ from: from.name, to: to.name, port })),
			),
	);
}

const portsTo = (name: string, rules: readonly Allowed[] | null = null): number[] => [
	...new Set((rules ?? []).filter(({ peer }) => peer === name).map(({ port }) => port)),
];

export const lineOf = ({ from, to, port }: Edge): string => `${from} → ${to}:${port}`;
