"""All settings of the service. Only this module reads them from the environment.

A setting is read from ``CELLAR_<NAME>``; a secret may also be in the file named by ``CELLAR_<NAME>_FILE``.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pillar_service.core.addresses import Network
from pillar_service.core.errors import Invalid
from pillar_service.settings.known import SETTINGS, Setting


@dataclass(frozen=True)
class Settings:
    """The values of the settings."""

    database: str
    files: Path
    secret_key: str
    bundle_key: str
    domain: str
    public_host: str
    public_port: int
    public_url: str
    private_host: str
    private_port: int
    workers: int
    threads: int
    launcher: str
    password_kib: int
    pub_image: str
    pub_image_tar: str
    memory_mb: int
    bot_ports: tuple[int, int]
    allow_private: bool
    seeds: list[str]
    job_lines: int
    job_bytes: int
    transfer_bytes: int
    proxies: int
    mail: str
    mail_from: str
    price_cents: int
    currency: str
    trial_days: int
    grace_days: int
    keep_days: int
    deleted_days: int
    keep_exports: bool
    keep_jobs_days: int
    keep_audit_days: int
    keep_events_days: dict[str, int]
    keep_events_mib: int
    webhook_networks: list[Network]
    metrics: str
    backup_repository: str
    backup_password_file: str
    backup_paths: list[str]
    backup_keeper: str
    backup_hours: int
    backup_keep: dict[str, str]
    backup_verify_days: int
    backup_bots_days: int
    backup_sftp_command: str
    backup_s3_file: str
    log: str
    bots_most: int
    payments: str
    stripe_key: str
    stripe_webhook_secret: str
    stripe_price: str
    stripe_url: str
    slack_bot_token: str
    slack_signing_secret: str
    slack_app_token: str
    slack_url: str
    chat_files: str
    nodes_most: int
    node_bundle: str
    minion_d: Path
    machines: Path
    catalogue: Path
    chat_jobs_most: int
    chat_deadline_s: int
    cloud: str
    cloud_key: str
    cloud_secret: str
    cloud_url: str
    cloud_zone: str
    cloud_size: str
    cloud_image: str
    cloud_volume_gb: int
    cloud_device: str
    cloud_boot_s: int

    @property
    def metrics_folder(self) -> Path:
        """The folder in which the processes of this machine keep their counters."""
        return Path(self.metrics) if self.metrics else self.files.absolute().parent / "metrics"

    @property
    def backs_up_bots(self) -> bool:
        """Whether bots are exported into backups."""
        return bool(self.backup_repository and self.backup_bots_days)

    @property
    def backup_folder(self) -> Path:
        """Where backups are assembled: beside the tars, so that these can be linked instead of copied."""
        return self.files.absolute().parent / "backups"

    @property
    def address(self) -> str:
        """The URL at which nodes and people reach the public app, without a slash at the end."""
        return (self.public_url or f"http://{self.public_host}:{self.public_port}").rstrip("/")

    @property
    def inbox(self) -> Path:
        """The folder that keeps what Slack sent until it is worked on."""
        return Path(self.chat_files) if self.chat_files else self.files / "chat"


def _text(setting: Setting, environment: Mapping[str, str]) -> str:
    name = f"CELLAR_{setting.name}"
    file = environment.get(f"{name}_FILE")
    if setting.secret and file:
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise Invalid(f"{name}_FILE can't be read ({error.strerror}: {file}).") from error
        except UnicodeDecodeError:
            raise Invalid(f"{name}_FILE is no text ({file}): write the secret as text, such as base64.") from None
    text = environment.get(name, setting.default)
    if text is None:
        either = f" or {name}_FILE" if setting.secret else ""
        raise Invalid(f"{name}{either} is not set: {setting.help}")
    return text


def read(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment; raises Invalid, which names the variable and what it accepts."""
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = _text(setting, environment)
        try:
            values[setting.name.lower()] = setting.read(text)
        except ValueError as error:
            raise Invalid(f"CELLAR_{setting.name} must be {error}, not {text!r}.") from error
    _check(values)
    return Settings(**values)


def _check(values: Mapping[str, Any]) -> None:
    """Raise Invalid if settings that depend on each other do not fit together."""
    if len(values["secret_key"]) < 32:
        raise Invalid("CELLAR_SECRET_KEY is too short: use at least 32 random characters.")
    for name in ("stripe_key", "stripe_webhook_secret", "stripe_price"):
        if values["payments"] == "stripe" and not values[name]:
            raise Invalid(
                f"CELLAR_{name.upper()} is not set, and CELLAR_PAYMENTS is stripe: set it, or set CELLAR_PAYMENTS to manual."
            )
    for name in ("cloud_key", "cloud_secret"):
        if values["cloud"] and not values[name]:
            raise Invalid(f"CELLAR_{name.upper()} is not set, and CELLAR_CLOUD is {values['cloud']}: set it.")
    if values["backup_repository"] and not values["backup_password_file"]:
        raise Invalid(
            "CELLAR_BACKUP_PASSWORD_FILE is not set, and CELLAR_BACKUP_REPOSITORY is: name a file with a password."
        )


def given() -> dict[str, str]:
    """The settings in this process's environment, by variable."""
    return {name: value for name, value in os.environ.items() if name.startswith("CELLAR_")}


def secret_files() -> list[str]:
    """The absolute paths of the files from which this process reads secrets."""
    names = [f"CELLAR_{setting.name}_FILE" for setting in SETTINGS if setting.secret]
    return sorted({os.path.abspath(file) for name in names if (file := os.environ.get(name))})


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return read(os.environ)
