"""Discovery: nodes for Prometheus (HTTP service discovery), from the facts that they report."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)

EXPORTER = 9100
"""The port of Prometheus's node exporter."""


def target(
    node: str, port: int, facts: Mapping[str, Any], labels: Mapping[str, str], account: str
) -> dict[str, Any] | None:
    """A node as a target group; None if its address is unknown."""
    where = address(facts)
    if where is None:
        return None
    known = {f"__meta_saltcellar_label_{re.sub('[^A-Za-z0-9_]', '_', key)}": value for key, value in labels.items()}
    known |= {"__meta_saltcellar_node": node, "__meta_saltcellar_account": account}
    return {"targets": [f"{where}:{port}"], "labels": dict(sorted(known.items()))}


def address(facts: Mapping[str, Any]) -> str | None:
    """The address of a node according to its facts: its first usable IPv4 address, or else its fully qualified name.

    Loopback and link-local addresses are never used: they would lead whoever connects to their own machine or neighbours.
    """
    grains = facts.get("grains")
    told = grains if isinstance(grains, Mapping) else {}
    listed = told.get("ipv4")
    for one in listed if isinstance(listed, list) else ():
        if _is_elsewhere(one):
            return str(one)
    name = told.get("fqdn")
    return name if isinstance(name, str) and _is_full_name(name) else None


def _is_elsewhere(value: object) -> bool:
    try:
        known = ipaddress.IPv4Address(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return known is not None and not (
        known.is_loopback or known.is_link_local or known.is_multicast or known.is_unspecified
    )


def _is_full_name(name: str) -> bool:
    last = name.rpartition(".")[2]
    fits = HOST.fullmatch(name) and "." in name and not last.isdigit()
    return bool(fits) and not name.startswith("localhost") and last != "localhost"
