"""Follows the service's keys of nodes: the master accepts exactly those, and cuts off at once a node whose key is revoked.

Keys of minions that the service does not know are left as they are.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.master.client import LONG_POLL_S, Client
from pillar_service.master.dispatch.backoff import Backoff
from pillar_service.master.dispatch.salt_keys import SaltKeys

log = logging.getLogger(__name__)


def follow(client: Client, opts: Mapping[str, Any], stop: threading.Event) -> None:
    """Follows the keys until it is stopped; takes all of them at the start and after a loss of contact."""
    backoff, keys, serial = Backoff(stop), SaltKeys(opts), None
    # The last dispatcher may have rejected a key and died before it renewed the shared secret.
    renew = True
    while not stop.is_set():
        try:
            if serial is None:
                _tell_place(client, opts, keys)
            serial, changed = client.keys(serial or 0, 0 if serial is None else LONG_POLL_S)
            apply(keys, changed, renew)
            renew = False
            backoff.reset()
        except SaltcellarError as error:
            serial = None
            log.warning("Keys of nodes can't be followed: %s", error)
            backoff.wait()


def apply(keys: SaltKeys, changed: list[dict[str, Any]], renew: bool = False) -> None:
    """Sets the master's keys to what the service says, and renews the nodes' shared secret if a node was cut off.

    With ``renew``, also if a node was cut off before. A key that can't be written does not hold up the others; Failed is
    raised at the end.
    """
    cut_off, failed = False, None
    for one in changed:
        is_accepted = one["state"] == KeyState.ACCEPTED
        put = keys.accept if is_accepted else keys.reject
        try:
            cut_off |= put(one["node"], one["public_key"]) or (renew and not is_accepted)
        except Failed as error:
            failed = error
    if cut_off:
        keys.renew_secret()
    if failed:
        raise failed


def _tell_place(client: Client, opts: Mapping[str, Any], keys: SaltKeys) -> None:
    """Tells the service where nodes find this master (``saltcellar: {address: …}``), and its key."""
    address = (opts.get("saltcellar") or {}).get("address")
    client.tell_place(address, opts["publish_port"], opts["ret_port"], keys.master_key())
