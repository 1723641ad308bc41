"""Every setting: its name, how its text is read, its default, and what it is for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillar_service.core.service import backups
from pillar_service.settings import texts


@dataclass(frozen=True)
class Setting:
    """One setting: its name without the prefix, how its text is read, its default, and what it is for."""

    name: str
    read: Callable[[str], Any]
    default: str | None
    help: str
    secret: bool = False


SETTINGS = (
    Setting(
        "DATABASE",
        str,
        None,
        "The database: sqlite:////absolute/path or postgresql://user:password@host/name.",
        secret=True,
    ),
    Setting("FILES", Path, None, "The folder for tars on their way (exports and imports)."),
    Setting("SECRET_KEY", str, None, "Signs sessions and node tokens; at least 32 characters.", secret=True),
    Setting("BUNDLE_KEY", str, "", "Signs bundles for nodes (`bundle-key` makes one); none if empty.", secret=True),
    Setting("DOMAIN", str, "butt.nz", "The name of the place; the bot `my` is `my.butt.nz`."),
    Setting("PUBLIC_HOST", texts.host, "127.0.0.1", "The address the public app listens on."),
    Setting("PUBLIC_PORT", texts.port, "8080", "The port of the public app (people, nodes)."),
    Setting("PUBLIC_URL", str, "", "How nodes and people reach the public app; http://<host>:<port> when empty."),
    Setting("PRIVATE_HOST", texts.host, "127.0.0.1", "The address the private app listens on; keep it on loopback."),
    Setting("PRIVATE_PORT", texts.port, "8081", "The port of the private app (masters only)."),
    Setting("WORKERS", texts.count, "2", "Worker processes of each app."),
    Setting(
        "THREADS",
        texts.count,
        "16",
        "Threads of each worker; a long poll holds one, and followed jobs at most half of them.",
    ),
    Setting(
        "LAUNCHER",
        texts.absolute,
        "",
        "The program that starts a server's successor, with Python's own arguments; the Python that serves now if empty.",
    ),
    Setting(
        "PASSWORD_KIB",
        texts.count,
        "19456",
        "Memory that checking a password takes, in KiB; the default is OWASP's minimum for Argon2id.",
    ),
    Setting("PUB_IMAGE", str, "saltcellar/pub:0.1.0", "The image of a new or upgraded pub."),
    Setting(
        "PUB_IMAGE_TAR",
        str,
        "",
        "The tar of that image (vagrant/image-tar.sh), for nodes that lack it; they get none if empty.",
    ),
    Setting("MEMORY_MB", texts.count, "256", "The memory limit of a new bot, in MiB."),
    Setting("BOT_PORTS", texts.ports, "20000-20999", "The ports of a new node's bots, both ends included."),
    Setting("ALLOW_PRIVATE", texts.yes, "no", "Whether pubs accept private addresses; for tests on one machine."),
    Setting(
        "SEEDS",
        texts.seeds,
        "",
        "Addresses (net:host:port~shs:key) that pubs connect to first, separated by spaces.",
    ),
    Setting("JOB_LINES", texts.count, "20000", "How many lines of one job are kept; later ones are only counted."),
    Setting("JOB_BYTES", texts.count, str(10 << 20), "How many bytes of one job's lines are kept."),
    Setting("TRANSFER_BYTES", texts.count, str(20 << 30), "The largest tar that is accepted, in bytes."),
    Setting(
        "PROXIES",
        texts.none_or_more,
        "0",
        "How many proxies in front of the public app pass on the client's address (X-Forwarded-For).",
    ),
    Setting(
        "MAIL",
        str,
        "",
        "Where mail goes: smtp://user:password@host:587, smtps://…, or file:///path of a mailbox for a trial; none if empty.",
        secret=True,
    ),
    Setting("MAIL_FROM", str, "", "The sender of mail; post@<domain> when empty."),
    Setting(
        "PRICE_CENTS",
        texts.none_or_more,
        "500",
        "What a month costs, in the currency's smallest unit: 500 is $5 in usd, ¥500 in jpy; 0 if the place is free.",
    ),
    Setting("CURRENCY", texts.currency, "usd", "The currency of the price (ISO 4217)."),
    Setting("TRIAL_DAYS", texts.none_or_more, "14", "For how many days a new account is free."),
    Setting("GRACE_DAYS", texts.count, "7", "After how many days past due an account is suspended."),
    Setting("KEEP_DAYS", texts.count, "30", "For how many days the data of a suspended account is kept."),
    Setting("DELETED_DAYS", texts.none_or_more, "7", "For how many days a deleted bot can be brought back."),
    Setting(
        "KEEP_EXPORTS",
        texts.yes,
        "no",
        "Whether each bot's newest full export is kept until the next one, so that the bot can be restored if its node is "
        "lost; otherwise it is kept for a day, like any other export. It holds the pub's secret.",
    ),
    Setting("KEEP_JOBS_DAYS", texts.none_or_more, "365", "For how many days jobs that are over are kept; 0 for ever."),
    Setting("KEEP_AUDIT_DAYS", texts.none_or_more, "0", "For how many days the audit is kept; 0 for ever."),
    Setting(
        "KEEP_EVENTS_DAYS",
        texts.days,
        texts.EVENTS_KEPT,
        "For how many days events of nodes are kept, by kind, separated by spaces; 0 for ever.",
    ),
    Setting(
        "KEEP_EVENTS_MIB",
        texts.none_or_more,
        "1024",
        "How many MiB of events are kept for each node; beyond that its oldest are deleted, those that say when it lived and "
        "what it lost last; 0 for no limit.",
    ),
    Setting(
        "WEBHOOK_NETWORKS",
        texts.networks,
        "",
        "Private networks that events may be forwarded to, also over http, such as 10.1.0.0/16; separated by spaces.",
    ),
    Setting("METRICS", str, "", "The folder of this machine's counters; `metrics` beside CELLAR_FILES when empty."),
    Setting(
        "BACKUP_REPOSITORY",
        texts.repository,
        "",
        "Where backups go, as restic names it: /folder, sftp:user@host:/folder, s3:https://host/bucket; no backups if empty.",
    ),
    Setting(
        "BACKUP_PASSWORD_FILE",
        texts.absolute,
        "",
        "The file with the repository's password. It is not in the backups: without a copy kept elsewhere, they are lost.",
    ),
    Setting(
        "BACKUP_PATHS",
        texts.absolutes,
        "",
        "Paths to back up besides database and tars, separated by spaces (one with a space in it is quoted): the master's "
        "keys, Salt's configuration, secrets.",
    ),
    Setting(
        "BACKUP_KEEPER",
        texts.one_of("service", "own"),
        "service",
        "Who makes backups: service (the public app), or own (the command `keep-backups`, which may read more).",
    ),
    Setting("BACKUP_HOURS", texts.count, "6", "How many hours apart snapshots are made."),
    Setting("BACKUP_KEEP", texts.keep, backups.KEPT, "Which snapshots are kept, by restic's --keep-… words."),
    Setting(
        "BACKUP_VERIFY_DAYS",
        texts.none_or_more,
        "7",
        "How many days apart the newest snapshot is restored into a scratch place and checked; 0 for never.",
    ),
    Setting(
        "BACKUP_BOTS_DAYS",
        texts.none_or_more,
        "7",
        "How many days apart each bot is exported into the backups, for which it stops for a moment; its newest tar is kept "
        "until the next one, and holds its secret. 0 for never.",
    ),
    Setting("BACKUP_SFTP_COMMAND", str, "", "The command that speaks SFTP; restic's own ssh when empty."),
    Setting(
        "BACKUP_S3_FILE",
        texts.absolute,
        "",
        "The file with S3's keys, in the format of AWS' tools (~/.aws/credentials).",
    ),
    Setting(
        "LOG",
        texts.one_of("auto", "json", "text"),
        "auto",
        "How logs are written: json, text, or auto: text on a terminal.",
    ),
    Setting("BOTS_MOST", texts.count, "20", "How many bots an account may own."),
    Setting(
        "PAYMENTS",
        texts.one_of("manual", "stripe"),
        "manual",
        "Who takes payments: manual (operators mark them) or stripe.",
    ),
    Setting("STRIPE_KEY", str, "", "The secret key of the Stripe account.", secret=True),
    Setting("STRIPE_WEBHOOK_SECRET", str, "", "What Stripe signs its webhooks with.", secret=True),
    Setting("STRIPE_PRICE", str, "", "The id of the monthly price at Stripe."),
    Setting("STRIPE_URL", str, "https://api.stripe.com", "Where Stripe's API answers."),
    Setting("SLACK_BOT_TOKEN", str, "", "The bot's token of the Slack app (xoxb-…); no chat if empty.", secret=True),
    Setting(
        "SLACK_SIGNING_SECRET", str, "", "What Slack signs its requests with; no HTTP from Slack if empty.", secret=True
    ),
    Setting("SLACK_APP_TOKEN", str, "", "The app's token for Socket Mode (xapp-…); HTTP only if empty.", secret=True),
    Setting("SLACK_URL", str, "https://slack.com/api/", "Where Slack's Web API answers, with a slash at the end."),
    Setting(
        "CHAT_FILES", str, "", "The folder for what Slack sent until it is processed; `chat` in CELLAR_FILES if empty."
    ),
    Setting("NODES_MOST", texts.count, "50", "How many nodes an account may have."),
    Setting("NODE_BUNDLE", str, "", "The tar.gz of wheels that new nodes install from (vagrant/node-bundle.sh)."),
    Setting(
        "MINION_D", Path, "/etc/saltcellar/minion.d", "The folder with the configuration that every minion shares."
    ),
    Setting(
        "MACHINES",
        Path,
        "/etc/saltcellar/machines",
        "The folder with the machines that ship with the service: signed, and offered to nodes without a published bundle.",
    ),
    Setting("CATALOGUE", Path, "/etc/saltcellar/meeseeks", "The folder of the catalogue, the roles and the personas."),
    Setting("CHAT_JOBS_MOST", texts.count, "20", "How many unfinished jobs one person may have in chat."),
    Setting(
        "CHAT_DEADLINE_S",
        texts.count,
        "3600",
        "How long a command whose turn it is waits for a node that is away, in seconds.",
    ),
    Setting(
        "CLOUD",
        str,
        "",
        "Where machines are ordered: scaleway, or libcloud's name for another provider; nowhere if empty.",
    ),
    Setting("CLOUD_KEY", str, "", "Who orders there: Scaleway's organization id, or an access key's id.", secret=True),
    Setting("CLOUD_SECRET", str, "", "The secret of that key.", secret=True),
    Setting("CLOUD_URL", str, "", "Where the provider's API answers; its usual address if empty."),
    Setting("CLOUD_ZONE", str, "", "The zone (Scaleway), region or location of new machines: fr-par-1."),
    Setting("CLOUD_SIZE", str, "", "The default size of a new machine, as the provider names it."),
    Setting("CLOUD_IMAGE", str, "", "The provider's id of the image (Debian 12, with cloud-init) of a new machine."),
    Setting("CLOUD_VOLUME_GB", texts.none_or_more, "20", "The size of a new machine's volume; 0 for none."),
    Setting("CLOUD_DEVICE", str, "/dev/vdb", "The device name of a machine's volume."),
    Setting(
        "CLOUD_BOOT_S", texts.boot, "1800", "How long a new machine may take to enrol, in seconds, from 60 to a day."
    ),
)
