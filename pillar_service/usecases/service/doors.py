"""The addresses where the service's two apps listen: if one answers, the service runs, and what needs it stopped must wait."""

import socket
from collections.abc import Iterable
from contextlib import suppress

from pillar_service.core.errors import Conflict
from pillar_service.settings import settings

CONNECT_S = 2.0


def ours() -> list[str]:
    """Both addresses from the settings, as ``host:port``."""
    chosen = settings()
    return [f"{chosen.public_host}:{chosen.public_port}", f"{chosen.private_host}:{chosen.private_port}"]


def refuse_where_one_answers(doors: Iterable[str]) -> None:
    """Raise Conflict if anything answers at one of these addresses."""
    for door in doors:
        host, _, port = door.rpartition(":")
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
            raise Conflict(f"Something answers at {door}, the service's address: stop it first. Nothing was touched.")
