"""Every metric: its name, kind, labels, and what it says. Durations are in seconds."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Family:
    """One metric; ``name`` is its name in the output. Those in READ are not counted, but read from the database."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 14400, 86400)
"""Bounds in seconds, up to a day: the longest timeout that a command of the catalogue may have."""

RECEIVED = Family("cellar_jobs_received_total", Kind.COUNTER, ("command",), "Jobs asked for.")
REJECTED = Family("cellar_commands_rejected_total", Kind.COUNTER, ("why",), "Commands refused, by the error's title.")
DURATION = Family(
    "cellar_job_duration_seconds",
    Kind.HISTOGRAM,
    ("command", "result"),
    "How long a job ran, from start to end, on each node.",
)
SLACK = Family("cellar_slack_calls_total", Kind.COUNTER, ("method", "outcome"), "Calls to Slack's Web API.")
OTP = Family(
    "cellar_otp_total", Kind.COUNTER, ("outcome",), "Second-factor codes by outcome: taken, wrong, locked_out."
)
ANSWERS = Family("cellar_answers_total", Kind.COUNTER, ("status",), "Answers by HTTP status: 2xx, 3xx, 4xx, 5xx.")
WORKERS = Family("cellar_workers", Kind.GAUGE, (), "Live worker processes.")

COUNTED = (RECEIVED, REJECTED, DURATION, SLACK, OTP, ANSWERS, WORKERS)

JOBS = Family("cellar_jobs", Kind.GAUGE, ("state",), "Jobs that are not over: asked, queued, claimed, running.")
QUEUE_AGE = Family(
    "cellar_queue_age_seconds", Kind.GAUGE, (), "How long the oldest queued job whose node is here has waited."
)
NODES = Family(
    "cellar_nodes",
    Kind.GAUGE,
    ("state",),
    "Nodes: here, away, unsteady, never heard of; without those that are lost or cut off.",
)
BOTS = Family("cellar_bots", Kind.GAUGE, ("state",), "Bots by state, as the pages show it.")
OUTBOX = Family("cellar_outbox_messages", Kind.GAUGE, ("to",), "Messages that wait to be sent: mail, slack.")
LEASE = Family("cellar_lease_held", Kind.GAUGE, ("name", "holder"), "1 for the master that publishes.")
FENCE = Family("cellar_lease_fence", Kind.GAUGE, ("name",), "Grows by one with each new holder.")
OUTBOX_AGE = Family(
    "cellar_outbox_age_seconds", Kind.GAUGE, ("to",), "How long the oldest of these messages has waited."
)
SILENCE = Family(
    "cellar_master_silence_seconds",
    Kind.GAUGE,
    ("master",),
    "How long ago this master last asked for jobs; recorded every 30 s.",
)
HELD = Family("cellar_runs", Kind.GAUGE, ("master",), "Unfinished runs that this master holds.")
LAG = Family("cellar_node_lag_seconds", Kind.GAUGE, (), "How late the last events of the slowest node came.")
OFFSET = Family("cellar_node_offset_seconds", Kind.GAUGE, (), "The largest clock offset of any node that is here.")
NODE_EVENTS = Family(
    "cellar_node_events", Kind.GAUGE, ("fate",), "Events of nodes since the beginning: taken, refused, lost."
)
READY = Family(
    "cellar_ready", Kind.GAUGE, (), "1 when /readyz says yes; otherwise the database's figures are left out."
)
FREE = Family(
    "cellar_disk_free_bytes", Kind.GAUGE, ("of",), "Free space on the disk of the database (if a file) and of files."
)
SIZE = Family("cellar_disk_size_bytes", Kind.GAUGE, ("of",), "The size of that disk.")
BACKUP_AGE = Family(
    "cellar_backup_age_seconds",
    Kind.GAUGE,
    ("kind",),
    "How long ago the last good one was asked for: backup, verification.",
)
BACKUP_EVERY = Family("cellar_backup_every_seconds", Kind.GAUGE, ("kind",), "How often there should be one.")
BUILD = Family("cellar_build_info", Kind.GAUGE, ("version", "database"), "Always 1; the labels say what runs here.")

READ = (
    JOBS, QUEUE_AGE, NODES, BOTS, OUTBOX, OUTBOX_AGE, LEASE, FENCE, SILENCE, HELD, LAG, OFFSET, NODE_EVENTS, READY, FREE,
    SIZE, BACKUP_AGE, BACKUP_EVERY, BUILD,
)  # fmt: skip
