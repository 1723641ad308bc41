"""Asks the service which bundle is for this node, and fetches it from the address that the service signed for a while."""

from collections.abc import Mapping
from typing import Any

import requests

from pillar_service.core.errors import Failed, Unavailable
from pillar_service.core.nodes import bundles
from pillar_service.node.door import Door

PATIENCE_S = 60


def offer(door: Door) -> Mapping[str, Any] | None:
    """The newest bundle for this node: ``serial``, ``size``, ``path``; None if there is none."""
    told = door.bundle().get("bundle")
    return told if isinstance(told, dict) else None


def fetch(door: Door, path: str) -> bytes:
    """The bundle at a path that the service signed.

    Raises Unavailable if it can't be fetched, Failed if the path is not a bundle's or the bundle is too large.
    """
    if not path.startswith("/bundles/"):
        raise Failed("The service's answer does not point to a bundle.")
    try:
        # The signed address is the permission: the node's token is sent only through the door.
        with requests.get(door.url + path, timeout=PATIENCE_S, stream=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                raise Unavailable(f"The bundle can't be fetched: the service said {answer.status_code}.")
            got = b""
            for part in answer.iter_content(1 << 16):
                got += part
                if len(got) > bundles.LARGEST:
                    raise Failed(f"The bundle has more than {bundles.LARGEST} bytes.")
            return got
    except requests.RequestException as error:
        raise Unavailable(f"The bundle can't be fetched ({type(error).__name__}).") from error
