"""Enrolment in the public app: the script, what it asks for with its token, and what a node says about its key."""

import shlex
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, send_file

from pillar_service import __version__
from pillar_service.core.nodes import wheels as rules
from pillar_service.settings import settings
from pillar_service.usecases.nodes import enrolment, node_keys, wheels
from pillar_service.web import incoming, signing

blueprint = Blueprint("enrol", __name__)

SCRIPT = Path(__file__).parent / "scripts" / "enrol.sh"
LAUNCHER, OUTER = SCRIPT.with_name("launcher.sh"), SCRIPT.with_name("outer.sh")


def script() -> str:
    """The enrolment script of this service: its parts put together, its placeholders filled in and quoted."""
    told = OUTER.read_text().replace("@ENROL@\n", SCRIPT.read_text()).replace("@LAUNCHER@\n", LAUNCHER.read_text())
    fits = wheels.fits()
    for word, value in (
        ("SERVICE", settings().address),
        ("VERSION", __version__),
        ("BUNDLE", wheels.sha256()),
        ("FITS", " ".join("-".join(one) for one in fits)),
        ("NEEDED", rules.needed(fits)),
    ):
        told = told.replace(f"'@{word}@'", shlex.quote(value))
    return told


@blueprint.get("/enrol.sh")
def enrol_sh() -> Response:
    """The enrolment script, which anybody may read."""
    return Response(script(), mimetype="text/x-shellscript")


@blueprint.get("/enrol/token")
def token() -> dict[str, Any]:
    """What a token is good for, and whether it fits a node of that name; asked before anything is installed."""
    return enrolment.look(incoming.bearer(), signing.address(), request.args.get("name"))


@blueprint.get("/enrol/bundle")
def bundle() -> Response:
    """Send the wheels that a node installs from."""
    return send_file(wheels.bundle(incoming.bearer(), signing.address()), mimetype="application/gzip")


@blueprint.post("/enrol")
def redeem() -> dict[str, Any]:
    """Make a machine a node: it sends a token and its public key."""
    given = incoming.body("name", "public_key", "machine")
    told = (given.get(key) for key in ("name", "public_key", "machine"))
    return enrolment.redeem(incoming.bearer(), *told, address=signing.address())


@blueprint.get("/enrol/node")
def node() -> dict[str, Any]:
    """Whether the node that a token let in has been heard of since."""
    return enrolment.state(incoming.bearer(), request.args.get("name"))


@blueprint.post("/keys/turn")
def turn() -> dict[str, Any]:
    """Replace a node's key; the request is signed with both the old and the new one."""
    given = incoming.body("node", "public_key", "signature", "proof")
    return node_keys.turn(*(given.get(key) for key in ("node", "public_key", "signature", "proof")))


@blueprint.post("/keys/leave")
def leave() -> dict[str, Any]:
    """Revoke a node's key when it leaves; the request is signed with that key."""
    given = incoming.body("node", "signature")
    return node_keys.leave(given.get("node"), given.get("signature"))
