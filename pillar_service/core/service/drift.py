"""Drift: where a master or a node is not what it should be. This module says what should be; others collect what is.

MASTER and NODE repeat what ``salt/*.d`` ship (a test compares them), because a file that somebody edited can't be its
own reference.
"""

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from pillar_service.core.nodes.enrolment import KeyState

MASTER: Mapping[str, Any] = {
    "allow_minion_key_revoke": False,
    "auto_accept": False,
    "autosign_file": None,
    "autosign_grains_dir": None,
    "client_acl_verify": True,
    "cluster_id": None,
    "enable_ssh_minions": False,
    "external_auth": {},
    "file_recv": False,
    "fileserver_backend": ["roots"],
    "master_async_mworker": False,
    "minimum_auth_version": 3,
    "netapi_enable_clients": [],
    "on_demand_ext_pillar": [],
    "open_mode": False,
    "order_masters": False,
    "peer": {},
    "peer_run": {},
    "permissive_pki_access": False,
    "pillar.cache_driver": "pillar_files",
    "pillar_safe_render_error": True,
    "publish_signing_algorithm": "PKCS1v15-SHA224",
    "publisher_acl": {},
    "request_server_ttl": 900,
    "sign_pub_messages": True,
    "sudo_acl": False,
}
"""What a master's configuration must say; an option that is not set counts as None."""

NODE: Mapping[str, Any] = {
    "encryption_algorithm": "OAEP-SHA224",
    "file_client": "remote",
    "permissive_pki_access": False,
    "sign_pub_messages": True,
    "signing_algorithm": "PKCS1v15-SHA224",
}
"""The same for a minion."""

UNIT: Mapping[str, str] = {
    "CapabilityBoundingSet": "cap_chown cap_dac_override cap_fowner",
    "KeyringMode": "private",
    "LockPersonality": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "UMask": "0077",
}
"""The same for the master's systemd unit, as ``systemctl show`` prints it, which includes drop-ins."""

LOG_MOST = 100 << 20
"""A log with more bytes than this is not rotated: logrotate starts a new file at 50 MB, and looks once a day."""

SALT_SINCE = (3008, 3)
"""The oldest Salt on which the attacks in the tests were tried."""


class Kind(StrEnum):
    """How far a file or folder is open to others."""

    PRIVATE = "private"
    SHARED = "shared"
    TRUSTED = "trusted"


FORBIDDEN: Mapping[Kind, tuple[int, str, str]] = {
    Kind.PRIVATE: (0o077, "read", "go-rwx"),
    Kind.SHARED: (0o027, "read or change", "g-w,o-rwx"),
    Kind.TRUSTED: (0o022, "change", "go-w"),
}
"""The mode bits that a file must not have, what they would let others do, and how to remove them."""


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it should be: what it is ``about``, what is wrong (``told``), and how to fix it (``mend``)."""

    about: str
    told: str
    mend: str


def of_options(options: Mapping[str, Any], wanted: Mapping[str, Any], file: str) -> Iterator[Drift]:
    """The options that differ from what is wanted; ``file`` is where the right ones are shipped."""
    for name, value in wanted.items():
        if (found := _plain(options.get(name))) != value:
            yield Drift(f"option {name}", f"is {found!r}, should be {value!r}", f"see {file}, then restart the daemon")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def of_file(path: str, kind: Kind, mode: int, owner: int, ours: int) -> Iterator[Drift]:
    """What is wrong with the mode and owner (uid) of a file or folder, where the daemon runs as the uid ``ours``.

    Others may neither read nor write what is private. Only the group may read what is shared, and nobody else may write
    it. Others may not write what is trusted. The owner must be root or the daemon.
    """
    bits, verb, without = FORBIDDEN[kind]
    if mode & bits:
        shown = f"has the mode {stat.S_IMODE(mode):04o}: others can {verb} it"
        yield Drift(path, shown, f"chmod {without} {path}")
    if owner not in {0, ours}:
        yield Drift(path, f"belongs to uid {owner}", f"chown root {path}")


def of_unit(name: str, properties: Mapping[str, str]) -> Iterator[Drift]:
    """What differs from UNIT in the properties of a systemd unit."""
    for word, value in UNIT.items():
        if (found := properties.get(word, "")) != value:
            mend = f"systemctl cat {name} shows where it is set: remove it there, then cellar apply"
            yield Drift(f"{name}: {word}", f"is {found or 'nothing'}, should be {value}", mend)


def of_logs(logs: Mapping[str, int], rotated: str) -> Iterator[Drift]:
    """What is wrong with logs (path, bytes), where ``rotated`` is the machine's whole logrotate configuration.

    Only a log in /var/log must be rotated by logrotate; for others, only the size is checked.
    """
    patterns = [word.strip("\"'") for word in rotated.split()]
    for path, size in sorted(logs.items()):
        if path.startswith("/var/log/") and not any(fnmatchcase(path, pattern) for pattern in patterns):
            yield Drift(path, "is not rotated: it grows until the disk is full", "cellar apply, or on a node enrol.sh")
        elif size > LOG_MOST:
            yield Drift(path, f"has {size >> 20} MiB: nothing rotates it", "see /etc/logrotate.d and logrotate.timer")


def of_keys(salts: Mapping[str, str], service: Mapping[str, tuple[str, str]]) -> Iterator[Drift]:
    """Where the keys that Salt accepts (by node) differ from the service's (by node: key and state)."""
    for node, key in sorted(salts.items()):
        known, state = service.get(node, ("", KeyState.NONE))
        if state == KeyState.NONE:
            yield Drift(f"key {node}", "Salt accepts it, the service does not know it", f"salt-key -d {node}")
        elif state != KeyState.ACCEPTED:
            yield Drift(f"key {node}", f"Salt accepts it, the service says {state}", f"salt-key -d {node}")
        elif "".join(known.split()) != "".join(key.split()):
            yield Drift(f"key {node}", "Salt accepts a different one than the service", f"salt-key -d {node}")
    for node, (_, state) in sorted(service.items()):
        if state == KeyState.ACCEPTED and node not in salts:
            yield Drift(f"key {node}", "the service accepts it, Salt does not", "restart the master's dispatcher")


def of_versions(salts: str, ours: str, wanted: str) -> Iterator[Drift]:
    """What is wrong with the versions of Salt and Saltcellar, where ``wanted`` is the version of the asking master."""
    numbers = tuple(int(part) for part in salts.split(".")[:2] if part.isdigit())
    if numbers < SALT_SINCE or numbers[:1] != SALT_SINCE[:1]:
        oldest = ".".join(map(str, SALT_SINCE))
        yield Drift("salt", f"is {salts}, should be {oldest} or a later {SALT_SINCE[0]}", "install what the lock names")
    if ours != wanted:
        yield Drift("saltcellar", f"is {ours}, the master's is {wanted}", "upgrade the older one")
