"""Drift: where a master or a node is not what it should be. What should be stands here; others look.

MASTER and NODE are what ``salt/*.d`` ship (a test compares them): a file that somebody edited says nothing about itself.
"""

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pillar_service.core.enrolment import KeyState

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

SALT_SINCE = (3008, 3)
"""The oldest Salt that the attacks in the tests were tried on."""


class Kind(StrEnum):
    """What a file or folder is to others."""

    PRIVATE = "private"
    TRUSTED = "trusted"


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it should be: what it is ``about``, what it ``is``, and what to do about it (``mend``)."""

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

    What is private is nobody else's to read; what is trusted is nobody else's to write, and root's or the daemon's own.
    """
    bits = 0o077 if kind is Kind.PRIVATE else 0o022
    verb = "read" if kind is Kind.PRIVATE else "change"
    if mode & bits:
        shown = f"has the mode {stat.S_IMODE(mode):04o}: others can {verb} it"
        yield Drift(path, shown, f"chmod go-{'rwx' if kind is Kind.PRIVATE else 'w'} {path}")
    if owner not in {0, ours}:
        yield Drift(path, f"belongs to uid {owner}", f"chown root {path}")


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
