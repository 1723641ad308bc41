"""The door for nodes in the public app: events, tars and lines come in, bundles, wheels and tars go out, jobs begin.

A node reaches one account alone, its own: it writes that account's configuration, and takes its governors.
"""

import json
import time
import zlib
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from pillar_service.core.errors import Invalid
from pillar_service.core.events.submission import MEDIA_TYPE
from pillar_service.core.nodes import governors as rules
from pillar_service.core.nodes import signatures
from pillar_service.settings import settings
from pillar_service.usecases.bots import transfers
from pillar_service.usecases.events import events as told
from pillar_service.usecases.jobs import executing
from pillar_service.usecases.nodes import bundles, configuration, governors, nodes, pillars, pub_images, signed, waves
from pillar_service.web import conditions, incoming, sending, uploads

blueprint = Blueprint("door", __name__)

LARGEST_BATCH = 8 << 20
"""The largest batch of events in bytes, packed or unpacked."""

LARGEST_LINES = 4 << 20


@blueprint.before_request
def _authenticate() -> None:
    token = incoming.bearer()
    if request.endpoint == "door.events" and signed.is_one(token):
        g.claims = signed.claims(token)
        g.node = g.claims["sub"]
    else:
        g.claims, g.node = None, nodes.authenticated(token)


@blueprint.post("/events")
def events() -> tuple[dict[str, Any], int]:
    """Take a CloudEvents batch, in a request signed with the minion's key. What the answer accepts is on disk.

    A request with the node's token instead of a signature may bring health reports alone.
    """
    request.max_content_length = LARGEST_BATCH
    if request.mimetype != MEDIA_TYPE:
        raise UnsupportedMediaType(f"Send {MEDIA_TYPE}.")
    body = request.get_data()
    if g.claims is None:
        return told.take(g.node, _read(body), is_signed=False), 202
    signatures.check(g.claims, g.node, body)
    return told.take(g.node, _read(body), offset_s=_offset(g.claims["iat"]), request=signatures.request(g.claims)), 202


def _read(body: bytes) -> Any:
    try:
        return json.loads(_unpacked(body))
    except (ValueError, RecursionError) as error:
        raise Invalid("The batch is not JSON.") from error


def _unpacked(body: bytes) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise UnsupportedMediaType("Send the batch uncompressed, or packed by gzip.")
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        found = unpacking.decompress(body, LARGEST_BATCH + 1)
    except zlib.error as error:
        raise Invalid("The batch can't be unpacked: it is not gzip.") from error
    if len(found) > LARGEST_BATCH:
        raise RequestEntityTooLarge(f"A batch may have at most {LARGEST_BATCH >> 20} MiB, also when unpacked.")
    if not unpacking.eof or unpacking.unused_data:
        raise Invalid("The batch is not one complete gzip file.")
    return found


def _offset(iat: object) -> float | None:
    """By how many seconds the node's clock is ahead of ours; None if that can't be told."""
    if isinstance(iat, bool) or not isinstance(iat, int | float) or not abs(iat) < 1e12:
        return None
    return iat - time.time()


@blueprint.put("/transfers/<job>")
def deliver(job: str) -> tuple[dict[str, Any], int]:
    """Take the tar that an export job made on this node."""
    request.max_content_length = settings().transfer_bytes
    with uploads.taken(uploads.of_nodes, g.node):
        return transfers.deliver(g.node, job, request.stream), 201


@blueprint.get("/transfers/<job>")
def fetch(job: str) -> Response:
    """Send the tar that an import on this node needs."""
    return sending.to_node(g.node, transfers.path(transfers.for_node(g.node, job).id))


@blueprint.get("/bundle")
def bundle() -> dict[str, Any]:
    """The bundle that is offered to this node, with an address that is good for a few minutes."""
    return {"bundle": bundles.offered(g.node)}


@blueprint.get("/node/upgrade")
def upgrade() -> dict[str, Any]:
    """The version that this node should upgrade to, or None."""
    return {"upgrade": waves.wanted(g.node)}


@blueprint.get("/node/wheels")
def upgrade_wheels() -> Response:
    """Send the wheels of the version that this node should upgrade to."""
    return sending.to_node(g.node, waves.bundle(g.node), "application/gzip")


@blueprint.get("/node/image/<sha256>")
def pub_image(sha256: str) -> Response:
    """Send the tar of the pub's image; with a Range, from there on, so that a download that broke off can go on."""
    return sending.to_node(g.node, pub_images.file(sha256), "application/gzip")


@blueprint.post("/jobs/<id>/begin")
def begin(id: str) -> dict[str, Any]:
    """Let an attempt of a job begin on this node, once; the answer holds the job's secret arguments."""
    return executing.begin(g.node, id, incoming.body("attempt").get("attempt"))


@blueprint.post("/jobs/<id>/lines")
def lines(id: str) -> dict[str, Any]:
    """Take lines of a command that this node was allowed to begin; those that the answer counts are on disk."""
    request.max_content_length = LARGEST_LINES
    given = incoming.body("attempt", "lines")
    return executing.add_lines(g.node, id, given.get("attempt"), given.get("lines"))


@blueprint.get("/runs/<id>")
def run(id: str) -> dict[str, Any]:
    """Check that somebody still waits for a run that this node is about to carry out; an error if not."""
    executing.require_awaited(g.node, id)
    return {"run": id}


@blueprint.post("/capacities")
def capacities() -> dict[str, Any]:
    """Take what this node has to run commands with: names, and how many commands at a time."""
    given = incoming.body("has", "slots")
    return executing.tell_capacities(g.node, given.get("has"), given.get("slots"))


@blueprint.get("/node/configuration")
def told_configuration() -> dict[str, Any]:
    """All keys of this node's account, as its pillar has them."""
    return configuration.told(g.node)


@blueprint.put("/node/configuration/<path:key>")
def set_key(key: str) -> dict[str, Any]:
    """Set a key of this node's account."""
    account, value = pillars.account_of(g.node), incoming.body("value").get("value")
    return configuration.set(f"node:{g.node}", account, key, value, conditions.expected())


@blueprint.delete("/node/configuration/<path:key>")
def delete_key(key: str) -> tuple[str, int]:
    """Delete a key of this node's account."""
    configuration.delete(f"node:{g.node}", pillars.account_of(g.node), key, conditions.expected())
    return "", 204


@blueprint.post("/governors/<name>/take")
def take_governor(name: str) -> dict[str, Any]:
    """Take a lease on a governor of this node's account; the answer may be that none is free."""
    given = incoming.body("holder", "seconds")
    holder = _holder(given.get("holder"))
    return governors.take(pillars.account_of(g.node), name, holder, given.get("seconds"))


@blueprint.post("/governors/<name>/renew")
def renew_governor(name: str) -> dict[str, Any]:
    """Extend a lease that has not run out."""
    given = incoming.body("holder", "fence", "seconds")
    holder = _holder(given.get("holder"))
    return governors.renew(pillars.account_of(g.node), name, holder, given.get("fence"), given.get("seconds"))


@blueprint.post("/governors/<name>/release")
def release_governor(name: str) -> tuple[str, int]:
    """Give a lease back."""
    given = incoming.body("holder", "fence")
    governors.release(pillars.account_of(g.node), name, _holder(given.get("holder")), given.get("fence"))
    return "", 204


def _holder(given: object) -> str:
    """The holder's name with the node before it: a node can hold and release leases in its own name alone."""
    return f"{g.node}/{rules.holder(given)}"
