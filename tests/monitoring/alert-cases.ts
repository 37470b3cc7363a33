/** Of each alert, what makes it fire, and what is almost that and must not. Series as promtool writes them: `start+step x times`, one step a minute. */
export type Series = Readonly<Record<string, string>>;
export type Case = {
	readonly afterMinutes: number;
	readonly fires: Series;
	/** In another way. */
	readonly alsoFires?: Series;
	readonly quiet: Series;
};

const requests = (failed: string, all: string): Series => ({
	'hannip_http_requests_total{gateway="api", status="500"}': failed,
	'hannip_http_requests_total{gateway="api", status="200"}': all,
	// What operators ask does not count.
	'hannip_http_requests_total{gateway="internal", status="500"}': "0+100x800",
});
const SALES = 'gateway="api", method="POST", route="/v1/stores/:storeId/sales"';
const sales = (fast: string, all: string): Series => ({
	[`hannip_http_request_duration_seconds_bucket{${SALES}, le="0.5"}`]: fast,
	[`hannip_http_request_duration_seconds_count{${SALES}}`]: all,
});
const only = (name: string, fires: string, quiet: string) => ({ fires: { [name]: fires }, quiet: { [name]: quiet } });

const BACKUP = '{cronjob="mongodb-backup"}';

export const cases: Readonly<Record<string, Case>> = {
	// 2 % of requests; a burst of them that is over.
	ApiErrorsBurnFast: {
		afterMinutes: 70,
		fires: requests("0+2x100", "0+98x100"),
		quiet: requests("0+20x10 200x90", "0+98x100"),
	},
	// 1 %, which is too little for the fast one; 0.5 %.
	ApiErrorsBurnSlow: {
		afterMinutes: 400,
		fires: requests("0+1x500", "0+99x500"),
		quiet: requests("0+1x500", "0+199x500"),
	},
	PaymentsSlowBurnFast: {
		afterMinutes: 70,
		fires: sales("0+80x100", "0+100x100"),
		quiet: sales("0+90x100", "0+100x100"),
	},
	PaymentsSlowBurnSlow: {
		afterMinutes: 400,
		fires: sales("0+90x500", "0+100x500"),
		quiet: sales("0+95x500", "0+100x500"),
	},
	LedgerAuditFailed: { afterMinutes: 1, ...only('hannip_audit_clean{instance="a"}', "0x9", "1x9") },
	// Never; and 25 hours ago, by a process that has ended since.
	LedgerAuditOverdue: {
		afterMinutes: 1_700,
		fires: { hannip_ledger_sequence: "5x1800" },
		quiet: { hannip_ledger_sequence: "5x1800", hannip_audit_timestamp_seconds: "12000x300" },
	},
	MoneyNotConserved: { afterMinutes: 1, ...only('hannip_ledger_drift_credits{instance="a"}', "-1x9", "0x9") },
	LedgerCannotWrite: {
		afterMinutes: 8,
		...only('hannip_ledger_failures_total{outcome="unknown"}', "0+1x20", "0 1 1 1 1 1 1 1 1 1"),
	},
	LedgerQueueGrowing: { afterMinutes: 5, ...only('hannip_ledger_queue_commands{instance="a"}', "5000x9", "5000 0x9") },
	ReadModelBehind: { afterMinutes: 8, ...only("hannip_ledger_read_model_lag_seconds", "0+60x9", "30x9") },
	ProcessDown: { afterMinutes: 4, ...only('up{job="hannip", instance="a"}', "0x9", "0 1x9") },
	BackingDown: { afterMinutes: 4, ...only('hannip_backing_up{backing="nats", instance="a"}', "0x9", "1x9") },
	// Each time it is tried it is half open, and then open again.
	CircuitOpen: {
		afterMinutes: 6,
		...only('hannip_circuits{state="open", action="credit.transfer"}', "1x9", "0 1 0 0 0 0 0 0 0"),
	},
	ReplicaSetIncomplete: { afterMinutes: 8, ...only('hannip_mongodb_members{state="down"}', "1x9", "0x9") },
	// What is looked at every two seconds is behind for a moment, now and then.
	ReplicaLag: { afterMinutes: 7, ...only("hannip_mongodb_replica_lag_seconds", "30x9", "30 0 30 0 30 0 30 0 30") },
	// Behind the other processes, or the database ahead; one slow answer, and what clocks that are kept differ by.
	ClockOff: {
		afterMinutes: 5,
		fires: { 'hannip_clock_offset_seconds{from="processes", instance="a"}': "-2x9" },
		alsoFires: {
			'hannip_clock_offset_seconds{from="mongodb", instance="a"}': "2x9",
			'hannip_clock_offset_seconds{from="processes", instance="a"}': "0x9",
		},
		quiet: {
			'hannip_clock_offset_seconds{from="processes", instance="a"}': "0 0 -2 0 0 2 0 0 0",
			'hannip_clock_offset_seconds{from="mongodb", instance="a"}': "0.3x9",
		},
	},
	DiskFillsUp: {
		afterMinutes: 20,
		fires: { hannip_disk_free_bytes: "10x30", hannip_disk_size_bytes: "100x30" },
		quiet: { hannip_disk_free_bytes: "20x30", hannip_disk_size_bytes: "100x30" },
	},
	// Five hours after 1970 began: last done four hours ago; made four hours ago, and never done; made then, and done two hours ago.
	BackupOverdue: {
		afterMinutes: 300,
		fires: {
			[`kube_cronjob_status_last_successful_time${BACKUP}`]: "3600x400",
			[`kube_cronjob_created${BACKUP}`]: "0x400",
		},
		alsoFires: { [`kube_cronjob_created${BACKUP}`]: "3600x400" },
		quiet: {
			[`kube_cronjob_status_last_successful_time${BACKUP}`]: "10800x400",
			[`kube_cronjob_created${BACKUP}`]: "3600x400",
		},
	},
	KeyRotationOverdue: {
		afterMinutes: 70,
		fires: { hannip_signing_key_age_seconds: "2800000x90", hannip_signing_key_rotation_seconds: "2592000x90" },
		quiet: { hannip_signing_key_age_seconds: "2600000x90", hannip_signing_key_rotation_seconds: "2592000x90" },
	},
	// It is 1970: what ends in ten days, and in thirty.
	CertificateExpires: {
		afterMinutes: 70,
		...only("hannip_certificate_expiry_timestamp_seconds", "864000x90", "2592000x90"),
	},
	LoginQueueFull: {
		afterMinutes: 3,
		...only('moleculer_bulkhead_waiting{instance="a", action="auth.login"}', "50x9", "30x9"),
	},
	NobodyLogsIn: {
		afterMinutes: 5,
		fires: { 'up{job="hannip"}': "1x9" },
		quiet: { 'hannip_password_hashes_total{instance="a"}': "0x9" },
	},
	WebhooksFailing: {
		afterMinutes: 10,
		fires: { hannip_webhook_late_seconds: "0x15", 'hannip_webhook_deliveries{state="failed"}': "21x15" },
		quiet: { hannip_webhook_late_seconds: "5x15", 'hannip_webhook_deliveries{state="failed"}': "20x15" },
	},
};
