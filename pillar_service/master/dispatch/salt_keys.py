"""The keys that this master accepts, through Salt's own key cache, and its sessions with their nodes."""

import contextlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import salt.cache
import salt.crypt
import salt.master
import salt.utils.event
from salt.exceptions import SaltCacheError, SaltException

from pillar_service.core.errors import Failed

log = logging.getLogger(__name__)

ACCEPTED, REJECTED = "accepted", "rejected"


class SaltKeys:
    """Salt 3008's keys (`keys.cache_driver`): whichever driver keeps them, `salt-key` shows the same."""

    def __init__(self, opts: Mapping[str, Any]) -> None:
        self._opts = dict(opts)
        self._cache = salt.cache.Cache(self._opts, driver=self._opts["keys.cache_driver"])
        self._lock = threading.Lock()

    def accept(self, node: str, public_key: str) -> bool:
        """Accept exactly this key of a node; return whether another one was accepted before. Raises Failed."""
        return self._put(node, public_key, ACCEPTED)

    def reject(self, node: str, public_key: str) -> bool:
        """Reject a node's key, so that it can't even wait to be accepted; return whether one was accepted. Raises Failed."""
        return self._put(node, public_key, REJECTED)

    def _put(self, node: str, public_key: str, state: str) -> bool:
        with self._lock, self._said(node):
            there = self._cache.fetch("keys", node) or {}
            is_same = salt.crypt.clean_key(there.get("pub", "")) == salt.crypt.clean_key(public_key)
            if is_same and there.get("state") == state:
                return False
            self._cache.store("keys", node, {"pub": f"{public_key}\n", "state": state})
            if self._cache.contains("denied_keys", node):
                self._cache.flush("denied_keys", node)
            self._forget_session(node)
            log.info("The key of %s is %s.", node, state)
            return there.get("state") == ACCEPTED

    def accepted(self) -> dict[str, str]:
        """The accepted key of each node that has one, by node."""
        with self._lock:
            kept = {node: self._cache.fetch("keys", node) or {} for node in self._cache.list("keys")}
        return {node: str(key["pub"]) for node, key in kept.items() if key.get("state") == ACCEPTED}

    @contextlib.contextmanager
    def _said(self, node: str) -> Any:
        try:
            yield
        except (SaltException, SaltCacheError, OSError) as error:
            raise Failed(f"The master's key of {node} could not be written: {error}") from error

    def _forget_session(self, node: str) -> None:
        # The session key that a node shares with the workers (salt.channel.server.ReqServerChannel.session_key); they make a
        # new one.
        (Path(self._opts["cachedir"]) / "sessions" / node).unlink(missing_ok=True)

    def renew_secret(self) -> None:
        """Give all nodes a new secret for what is published, so that a node that was cut off can't read it.

        This takes effect at once, in memory that the master shares with its engines; Salt itself would look for such a
        request only once a minute (salt.master.Maintenance.handle_key_rotate).
        """
        with salt.utils.event.get_master_event(self._opts, self._opts["sock_dir"], listen=False) as event:
            salt.master.SMaster.rotate_secrets(self._opts, event, owner=True)

    def master_key(self) -> str:
        """This master's own public key."""
        return str(salt.crypt.MasterKeys(self._opts).get_pub_str())
