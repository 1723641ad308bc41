"""Drift: where a master or a node is not what it should be. What should be stands here; others look.

MASTER and NODE are what ``salt/*.d`` ship (a test compares them): a file that somebody edited says nothing about itself.
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
"""What a master's configuration must say; what is not set counts as None."""

NODE: Mapping[str, Any] = {
    "encryption_algorithm": "OAEP-SHA224",
    "file_client": "remote",
    "permissive_pki_access": False,
    "sign_pub_messages": True,
    "signing_algorithm": "PKCS1v15-SHA224",
}
"""The same of a minion."""

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
"""The same of the master's unit, as ``systemctl show`` tells it: words of a drop-in count there, too."""

LOG_MOST = 100 << 20
"""A log that is rotated stays far below, in bytes: at 50 MB a day's look makes it another file."""

SALT_SINCE = (3008, 3)
"""The oldest Salt that the attacks in the tests were tried on."""


class Kind(StrEnum):
    """What a file or folder is to others."""

    PRIVATE = "private"
    SHARED = "shared"
    TRUSTED = "trusted"


FORBIDDEN: Mapping[Kind, tuple[int, str, str]] = {
    Kind.PRIVATE: (0o077, "read", "go-rwx"),
    Kind.SHARED: (0o027, "read or change", "g-w,o-rwx"),
    Kind.TRUSTED: (0o022, "change", "go-w"),
}
"""Which bits a file may not have, what they would let others do, and how they are taken away."""


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it should be: what it is ``about``, what is wrong (``told``), and what mends it (``mend``)."""

    about: str
    told: str
    mend: str


def of_options(options: Mapping[str, Any], wanted: Mapping[str, Any], file: str) -> Iterator[Drift]:
    """What a configuration says otherwise than wanted; ``file`` is where the right one is shipped."""
    for name, value in wanted.items():
        if (found := _plain(options.get(name))) != value:
            yield Drift(f"option {name}", f"is {found!r}, should be {value!r}", f"see {file}, then restart the daemon")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def of_file(path: str, kind: Kind, mode: int, owner: int, ours: int) -> Iterator[Drift]:
    """What is wrong with a file or folder of this mode and owner (uid), where the daemon runs as the uid ``ours``.

    What is private is nobody else's to read; what is shared, nobody's but the group's, which can't change it; what is
    trusted is nobody else's to write. Each is root's or the daemon's own.
    """
    bits, verb, without = FORBIDDEN[kind]
    if mode & bits:
        shown = f"has the mode {stat.S_IMODE(mode):04o}: others can {verb} it"
        yield Drift(path, shown, f"chmod {without} {path}")
    if owner not in {0, ours}:
        yield Drift(path, f"belongs to uid {owner}", f"chown root {path}")


def of_unit(name: str, properties: Mapping[str, str]) -> Iterator[Drift]:
    """What a unit of systemd has otherwise than UNIT."""
    for word, value in UNIT.items():
        if (found := properties.get(word, "")) != value:
            mend = f"systemctl cat {name} says where it stands: take it away there, then cellar apply"
            yield Drift(f"{name}: {word}", f"is {found or 'nothing'}, should be {value}", mend)


def of_logs(logs: Mapping[str, int], rotated: str) -> Iterator[Drift]:
    """What is wrong with logs (path, bytes), where ``rotated`` is all that the machine's logrotate is told.

    Only a log in /var/log is logrotate's; others are looked at for their size alone.
    """
    patterns = [word.strip("\"'") for word in rotated.split()]
    for path, size in sorted(logs.items()):
        if path.startswith("/var/log/") and not any(fnmatchcase(path, pattern) for pattern in patterns):
            yield Drift(path, "is not rotated: it grows until the disk is full", "cellar apply, or on a node enrol.sh")
        elif size > LOG_MOST:
            yield Drift(path, f"has {size >> 20} MiB: nobody rotates it", "see /etc/logrotate.d and logrotate.timer")


def of_keys(salts: Mapping[str, str], service: Mapping[str, tuple[str, str]]) -> Iterator[Drift]:
    """Where the keys that Salt accepts (node, key) and those of the service (node, key and state) differ."""
    for node, key in sorted(salts.items()):
        known, state = service.get(node, ("", KeyState.NONE))
        if state == KeyState.NONE:
            yield Drift(f"key {node}", "Salt accepts it, the service knows none", f"salt-key -d {node}")
        elif state != KeyState.ACCEPTED:
            yield Drift(f"key {node}", f"Salt accepts it, to the service it is {state}", f"salt-key -d {node}")
        elif "".join(known.split()) != "".join(key.split()):
            yield Drift(f"key {node}", "Salt accepts another one than the service", f"salt-key -d {node}")
    for node, (_, state) in sorted(service.items()):
        if state == KeyState.ACCEPTED and node not in salts:
            yield Drift(f"key {node}", "the service accepts it, Salt does not", "restart the master's dispatcher")


def of_versions(salts: str, ours: str, wanted: str) -> Iterator[Drift]:
    """What is wrong with the versions of Salt and of Saltcellar, where ``wanted`` is the asking master's own."""
    numbers = tuple(int(part) for part in salts.split(".")[:2] if part.isdigit())
    if numbers < SALT_SINCE or numbers[:1] != SALT_SINCE[:1]:
        oldest = ".".join(map(str, SALT_SINCE))
        yield Drift("salt", f"is {salts}, should be {oldest} or a later {SALT_SINCE[0]}", "install what the lock names")
    if ours != wanted:
        yield Drift("saltcellar", f"is {ours}, the master's is {wanted}", "upgrade the older one")
