"""A machine becomes a node, and goes again."""

import getpass
import json
import platform
from typing import Any

from pillar_service import __version__
from pillar_service.core import names
from pillar_service.core.enrolment import KeyAct, fingerprint, node_name, statement
from pillar_service.core.errors import Failed
from pillar_service.node.enrolment import keys
from pillar_service.node.enrolment.asking import ask
from pillar_service.node.enrolment.site import Site, write


def join(site: Site, service: str, name: str, token: str) -> dict[str, Any]:
    """Make the key, redeem the token with its public half, write down what the answer tells; returns it.

    Run again it comes to the same: the key that is there is brought again. Raises what the service said, or Unavailable
    when it is not known: then the key must stay for the next try.
    """
    key = keys.own(site.pki)
    told = ask(service, "/enrol", {"name": node_name(name), "public_key": key.public, "machine": about()}, token)
    settle(site, told, key.public)
    return told


def about() -> dict[str, str]:
    """A little about this machine."""
    return {
        "hostname": platform.node()[:200],
        "system": platform.platform()[:200],
        "python": platform.python_version(),
        "saltcellar": __version__,
    }


def settle(site: Site, told: dict[str, Any], public_key: str) -> None:
    """Write the configuration down; the file that names the node is the last."""
    if fingerprint(told["master_key"]) != told["master_fingerprint"]:
        raise Failed("The service's answer does not fit together: its master's key has another fingerprint.")
    write(site.pki / "minion_master.pub", f"{told['master_key'].strip()}\n")
    for name, text in told["configuration"].items():
        write(site.etc / "minion.d" / names.node_id(name), text)
    write(site.etc / "minion", site.configuration(told, getpass.getuser()))
    known = {key: told[key] for key in ("node", "account", "service", "master_fingerprint")}
    write(site.identity, json.dumps(known | {"fingerprint": fingerprint(public_key)}) + "\n")


def leave(site: Site) -> None:
    """Tell the service that this node goes: its key is good for nothing from then on."""
    who, key = site.who(), keys.own(site.pki)
    signature = key.sign(statement(KeyAct.LEAVE, who["node"], key.public))
    ask(who["service"], "/keys/leave", {"node": who["node"], "signature": signature})
