"""Enrolling a machine over SSH: the service's own enrol.sh runs there, with a token for only this use."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from shlex import quote
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError
from pillar_service.core.nodes.enrolment import KeyState, fingerprint
from pillar_service.master import node_keys
from pillar_service.master.client import Client
from pillar_service.master.programs import Show
from pillar_service.master.runners import bounded, keywords, text
from pillar_service.master.ssh import Machine

LOOK_S = 60.0
EVERY_S = 1.0
LAST_LINES = 5
LINE = 500
STEP = "  "
WAIT_S = (30.0, 7200.0)
UNREACHED = "cellar:unreached"

# The paths are those of enrol.sh, which follows the same CELLAR_ENROL_ROOT.
LOOK = 'cd "${CELLAR_ENROL_ROOT:-/}" && cat etc/saltcellar/node.json etc/saltcellar/pki/minion.pub 2>/dev/null || :\n'

ENROL = """\
command -v curl >/dev/null || {{ echo 'curl is missing: install it (on Debian: apt-get install curl).'; exit 1; }}
export CELLAR_ENROL_TOKEN={secret} CELLAR_ENROL_NAME={name}
script=$(curl -fsS --connect-timeout 10 --max-time 60 {script}) || {{ echo {unreached}; exit 1; }}
printf '%s\\n' "$script" | sh -s --
"""


def asked(service: Client, way: Mapping[str, Any], told: Mapping[str, Any], wait: object) -> dict[str, Any]:
    """Does what `enrolled` does, with words as they were typed; ``way`` says how to reach the machine."""
    typed = {word: text(value) for word, value in way.items() if value is not None and word != "port"}
    named = {word: None if told[word] is None else text(told[word]) for word in ("account", "name")}
    return enrolled(service, Machine(**way | typed), named | {"labels": keywords(told["labels"])}, wait)


def enrolled(service: Client, machine: Machine, told: Mapping[str, Any], wait: object) -> dict[str, Any]:
    """Makes a machine a node; returns ``node``, whether anything ``changed``, and a sentence (``said``).

    ``told`` says what its token is for: ``account``, ``labels``, ``name`` (None: the machine's own). ``wait`` is the most
    seconds it may take. Raises SaltcellarError with the sentence of what went wrong.
    """
    ends = time.monotonic() + _seconds(wait)
    show = partial(_show, machine.address)
    show("checks whether it is a node already")
    if node := _is_one(service, machine):
        return {"node": node, "changed": False, "said": f"{machine} is already the node {node}: nothing was changed."}
    name = told["name"]
    wanted = {"account": told["account"], "labels": told["labels"], "pattern": name or "*"}
    token = service.enrolment_token({**wanted, "uses": 1, "life": int(_seconds(wait)) + 60})
    try:
        show("runs enrol.sh")
        node = _run(machine, token, name, max(1.0, ends - time.monotonic()), show)
        show(f"waits until the service has heard of {node}")
        _await(service, node, token["account"], ends)
    finally:
        _end(service, token["id"])
    return {"node": node, "changed": True, "said": f"{machine} is enrolled as the node {node}."}


def _show(address: str, line: str) -> None:
    """Shows progress on stderr, apart from what is returned."""
    if line != UNREACHED:
        sys.stderr.write(f"{address}: {line[:LINE]}\n")
        sys.stderr.flush()


def _seconds(wait: object) -> float:
    try:
        seconds = float(str(wait))
    except ValueError:
        seconds = 0.0
    return bounded(seconds, wait, *WAIT_S)


def _is_one(service: Client, machine: Machine) -> str | None:
    """The node that the machine is already, or None. Its key decides, as another service may have a node of the same name."""
    _, said = machine.run(LOOK, LOOK_S)
    try:
        who, ends = json.JSONDecoder().raw_decode(said.lstrip())
        node, public = str(who["node"]), fingerprint(said.lstrip()[ends:].strip())
    except (ValueError, KeyError, TypeError):
        return None
    known = node_keys.find(service, node)
    return node if known and _is_in(known) and known["key"]["fingerprint"] == public else None


def _is_in(node: Mapping[str, Any]) -> bool:
    return node["key"]["state"] == KeyState.ACCEPTED and node["last_seen"] is not None


def _run(machine: Machine, token: Mapping[str, Any], name: str | None, seconds: float, show: Show) -> str:
    """Runs enrol.sh on the machine; returns the id of the node that it made."""
    filled = {"secret": token["secret"], "name": name or "", "script": token["script"]}
    program = ENROL.format(unreached=UNREACHED, **{word: quote(value) for word, value in filled.items()})
    code, said = machine.run(program, seconds, lambda line: show(line.replace(token["secret"], "…")))
    lines = said.replace(token["secret"], "…").splitlines()
    if UNREACHED in lines:
        raise Failed(
            f"{machine} can't fetch {token['script']} ({_last(lines)}): make sure that it can reach that address."
        )
    if code != 0:
        raise Failed(f"enrol.sh failed on {machine}: {_last(lines)}")
    for line in lines:
        if line.split()[:1] == ["node"]:
            return line.split()[1].rstrip(",")
    raise Failed(f"enrol.sh named no node on {machine}: {_last(lines)}")


def _last(lines: Sequence[str]) -> str:
    """The last lines, without those that only name a step or are our own."""
    told = [line[:LINE].strip() for line in lines if line.strip() and not line.startswith((STEP, UNREACHED))]
    return " ".join(told[-LAST_LINES:]) or "it said nothing."


def _await(service: Client, node: str, account: str | None, ends: float) -> None:
    """Waits until the service has heard of the node, as the machine's own word is not enough; raises Failed after ``ends``."""
    while not ((known := node_keys.find(service, node)) and _is_in(known) and known["account"] == account):
        if time.monotonic() > ends:
            raise Failed(f"enrol.sh has finished, but the service has not heard of {node}: run this again later.")
        time.sleep(EVERY_S)


def _end(service: Client, token: str) -> None:
    """Revokes the token unless it is used up. If the service does not answer, the token expires by itself."""
    try:
        if any(one["id"] == token and one["state"] == "open" for one in service.enrolment_tokens()):
            service.revoke_enrolment_token(token)
    except SaltcellarError:
        return
