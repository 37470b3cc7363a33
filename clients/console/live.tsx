import { useEffect, useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { momentText } from "../ui/format.tsx";
import { Title } from "../ui/title.tsx";
import { toast } from "../ui/toast.tsx";
import { Chart } from "./chart.tsx";
import { Cluster } from "./cluster.tsx";
import { outcomeOf } from "./operator.ts";
import { beat, isSilent, look } from "./pulse.ts";
import { Reason } from "./reason.tsx";
import { Table } from "./table.tsx";
import { t } from "./texts.ts";

export default function Live() {
	useEffect(beat, []);
	return (
		<main class="stack">
			<Title app={t().name}>{t().live}</Title>
			{isSilent.value && (
				<p class="notice danger" role="alert">
					{t().silent}
				</p>
			)}
			<div class="grid">
				<Cluster />
				<Chart
					title={t().requests}
					lines={[{ label: t().perSecond, of: ({ requests }) => requests, colour: "jade" }]}
				/>
				<Chart
					title={t().latency}
					lines={[
						{ label: t().half, of: ({ halfMs }) => halfMs, colour: "jade" },
						{ label: t().slowest, of: ({ slowMs }) => slowMs, colour: "brass" },
					]}
				/>
				<Chart title={t().errors} lines={[{ label: t().perSecond, of: ({ failed }) => failed, colour: "danger" }]} />
				<Chart
					title={t().groups}
					lines={[
						{ label: t().perSecond, of: ({ groups }) => groups, colour: "jade" },
						{ label: t().waiting, of: ({ waiting }) => waiting, colour: "brass" },
					]}
				/>
				<Chart title={t().circulation} lines={[{ label: "", of: ({ circulation }) => circulation, colour: "brass" }]} />
			</div>
			<Circuits />
			<Processes />
		</main>
	);
}

function Circuits() {
	const items = look.value?.items ?? [];
	const open = items.flatMap(({ nodeId, circuits }) => circuits.map((circuit) => ({ from: nodeId, ...circuit })));
	return (
		<section class="card stack">
			<h2>{t().circuits}</h2>
			{open.length === 0 ? (
				<p class="soft">{t().allClosed}</p>
			) : (
				<ul class="stack">
					{open.map(({ from, action, nodeId }) => (
						<li key={`${from} ${action} ${nodeId}`} class="notice danger">
							{t().circuit(from, action, nodeId)}
						</li>
					))}
				</ul>
			)}
		</section>
	);
}

function Processes() {
	const [draining, setDraining] = useState<string | null>(null);
	const { items = [], silent = [] } = look.value ?? {};
	const drain = async (reason: string) => {
		const drained = await outcomeOf("operator.drain", { nodeId: draining ?? "", reason });
		if (drained.ok) toast(t().drained);
		return drained;
	};
	const rows = items.map(({ nodeId, services, version, startedAtMs, memoryBytes, cpu, loopLateMs }) => ({
		key: nodeId,
		cells: [
			nodeId,
			services.join(", "),
			version,
			momentText(startedAtMs),
			`${Math.round(cpu * 100)}%`,
			`${Math.round(memoryBytes / 1e6)} MB`,
			`${loopLateMs.toFixed(0)} ms`,
			<Button key="drain" label={`${t().drain} ${nodeId}`} onPress={() => setDraining(nodeId)}>
				{t().drain}
			</Button>,
		],
	}));
	const unheard = silent.map((nodeId) => ({ key: nodeId, cells: [nodeId, t().noAnswer] }));
	return (
		<section class="card stack">
			<h2>{t().processes}</h2>
			<Table
				label={t().processes}
				columns={[
					[t().process],
					[t().services],
					[t().version],
					[t().up, "moment"],
					[t().cpu, "right"],
					[t().memory, "right"],
					[t().late, "right"],
					[t().drain],
				]}
				rows={[...rows, ...unheard]}
			/>
			{draining !== null && (
				<Reason title={t().drain} onDo={drain} onClose={() => setDraining(null)}>
					<p>{draining}</p>
				</Reason>
			)}
		</section>
	);
}
