"""From the service's answer to a node's pillar: a current one, an old one marked as such, or an error; never an empty one."""

import base64
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from pillar_service.core import errors, names
from pillar_service.core.nodes import pillar as rules
from pillar_service.master.bearer import Token
from pillar_service.master.lastgood import Kept, LastGood
from pillar_service.master.refusals import refusal
from pillar_service.master.wire import Answer, Wire

log = logging.getLogger(__name__)

DEFINITIVE = (401, 403, 404)
"""Statuses with which the service itself refuses: an old pillar must not be used instead."""

LIMIT = 4 * 1024 * 1024
"""The most bytes of a pillar; 30 bots take about 12 kB."""


@dataclass(frozen=True)
class Source:
    """Where pillars come from: ``url`` with ``%s`` for the node's id, our credentials, and the total ``timeout`` in seconds."""

    url: str
    token_file: str | None = None
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout: float = 2.0

    def __post_init__(self) -> None:
        if self.url.count("%s") != 1:
            raise errors.Invalid(
                f"The url {self.url!r:.100} of http_json must contain '%s' exactly once, where the node's id goes."
            )


@lru_cache(maxsize=8)
def _door(source: Source) -> tuple[Wire, Token]:
    # Kept for the life of the process: the loader loads http_json anew for every pillar, but the connection stays.
    return Wire(source.url.replace("%s", ""), source.timeout, LIMIT), Token(source.token_file, source.token)


def pillar(node: str, source: Source, folder: str, max_age: float) -> dict[str, Any]:
    """The pillar of a node.

    ``folder`` holds last known good copies, which serve for ``max_age`` seconds after the service last confirmed them.
    Raises Invalid for an id that can't be a node's, the service's own error when it refuses, and Unavailable when it gives no
    pillar and no copy is young enough.
    """
    copy = LastGood(folder, source.url, names.node_id(node))
    kept = copy.read()
    try:
        return _asked(node, source, copy, kept)
    except (errors.Unauthenticated, errors.Forbidden, errors.NotFound):
        raise
    except (errors.SaltcellarError, rules.NotThisPillar) as error:
        return _old(node, kept, max_age, str(error))


def _asked(node: str, source: Source, copy: LastGood, kept: Kept | None) -> dict[str, Any]:
    answer = _answer(node, source, kept)
    if answer.status == 304:
        if kept is None or not kept.etag:
            raise errors.Unavailable("The service said that nothing has changed, but there is no earlier pillar here.")
        copy.confirm()
        return kept.pillar
    told = _read(node, answer)
    try:
        copy.keep(told, answer.headers.get("ETag", ""))
    except OSError as error:  # A full disk on the master must not keep a current pillar from its node.
        log.error("The last known good pillar of %s can't be written (%s): free some space.", node, error)
    return told


def _answer(node: str, source: Source, kept: Kept | None) -> Answer:
    wire, token = _door(source)
    path = source.url.replace("%s", quote(node, safe="")).removeprefix(wire.origin) or "/"
    headers = {"Accept": "application/json", **dict(source.headers), **_basic(source), **token.headers()}
    if kept is not None and kept.etag:
        headers["If-None-Match"] = kept.etag
    answer = wire.ask("GET", path, headers)
    if answer.status in (200, 304):
        return answer
    refused = refusal(answer, wire.origin)
    if answer.status in DEFINITIVE:
        raise type(refused)(f"The service gives {node} no pillar ({answer.status}): {refused.sentence}")
    raise errors.Unavailable(f"The service answered {answer.status}: {refused.sentence}")


def _basic(source: Source) -> Mapping[str, str]:
    if source.username is None:
        return {}
    pair = f"{source.username}:{source.password or ''}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _read(node: str, answer: Answer) -> dict[str, Any]:
    if answer.content_type != "application/json":
        raise rules.NotThisPillar(f"the answer is {answer.content_type or 'of no type'!r:.60}, not application/json")
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise rules.NotThisPillar("the answer is not complete JSON") from error
    return rules.read(node, told)


def _old(node: str, kept: Kept | None, max_age: float, reason: str) -> dict[str, Any]:
    age = None if kept is None else time.time() - kept.confirmed
    if kept is None or age is None:
        raise errors.Unavailable(f"No pillar for {node}: {reason} There is no earlier copy; nothing is changed.")
    if age > max_age:
        raise errors.Unavailable(
            f"No pillar for {node}: {reason} The earlier copy is {age / 3600:.1f} h old, more than the allowed "
            f"{max_age / 3600:g} h; nothing is changed."
        )
    log.warning("%s is given its last known good pillar, %d s old: %s", node, age, reason)
    return rules.with_notice(kept.pillar, kept.confirmed, reason)
