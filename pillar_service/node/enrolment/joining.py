"""A machine becomes a node, and leaves again."""

import getpass
import json
import platform
from typing import Any

from pillar_service import __version__
from pillar_service.core import names
from pillar_service.core.errors import Failed, Forbidden, SaltcellarError, Unavailable
from pillar_service.core.nodes.enrolment import KeyAct, fingerprint, node_name, statement
from pillar_service.node.enrolment import keys, turning
from pillar_service.node.enrolment.asking import ask
from pillar_service.node.enrolment.site import Site, write


def join(site: Site, service: str, name: str, token: str, new_key: bool = False) -> dict[str, Any]:
    """Make the key, redeem the token with its public half, write the answer's configuration, and return the answer.

    Running it again gives the same result, because it uses the key that is there. With ``new_key`` it makes another key,
    and the present one stays the node's until the service has taken the new one. Raises the error that the service named,
    or Unavailable if the outcome is unknown: then the key must stay for the next try.
    """
    called = node_name(name)
    if not new_key or not (site.pki / keys.PRIVATE).exists():
        key = keys.own(site.pki)
        told = _redeemed(service, called, key, token)
        settle(site, told, key.public)
        return told
    key, told = _with_another(site, service, called, token)
    settle(site, told, key.public)
    key.save(site.pki / keys.NEXT)  # a node that starts at this moment may have tried to turn to it, and deleted it
    turning.take(site)
    return told


def _redeemed(service: str, name: str, key: keys.Key, token: str) -> dict[str, Any]:
    return ask(service, "/enrol", {"name": name, "public_key": key.public, "machine": about()}, token)


def _with_another(site: Site, service: str, name: str, token: str) -> tuple[keys.Key, dict[str, Any]]:
    """Enrol with the next key; returns it and the answer.

    A refused key is deleted, unless the service may have taken it at an earlier try.
    """
    was_told = (site.pki / keys.NEXT).exists()
    key = keys.following(site.pki)
    try:
        return key, _redeemed(service, name, key, token)
    except Unavailable:
        raise
    except SaltcellarError as error:
        if not was_told or isinstance(error, Forbidden):
            (site.pki / keys.NEXT).unlink(missing_ok=True)
        raise


def about() -> dict[str, str]:
    """Basic facts about this machine."""
    return {
        "hostname": platform.node()[:200],
        "system": platform.platform()[:200],
        "python": platform.python_version(),
        "saltcellar": __version__,
    }


def settle(site: Site, told: dict[str, Any], public_key: str) -> None:
    """Write the configuration; the file that names the node comes last."""
    if fingerprint(told["master_key"]) != told["master_fingerprint"]:
        raise Failed("The service's answer contradicts itself: its fingerprint is not that of its master's key.")
    write(site.pki / "minion_master.pub", f"{told['master_key'].strip()}\n")
    for name, text in told["configuration"].items():
        write(site.etc / "minion.d" / names.node_id(name), text)
    write(site.etc / "minion", site.configuration(told, getpass.getuser()))
    known = {key: told[key] for key in ("node", "account", "service", "master_fingerprint")}
    write(site.identity, json.dumps(known | {"fingerprint": fingerprint(public_key)}) + "\n")


def leave(site: Site) -> None:
    """Tell the service that this node leaves; from then on its key is worthless."""
    who, key = site.who(), keys.own(site.pki)
    signature = key.sign(statement(KeyAct.LEAVE, who["node"], key.public))
    ask(who["service"], "/keys/leave", {"node": who["node"], "signature": signature})
