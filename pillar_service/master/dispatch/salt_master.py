"""The master that this engine belongs to: publishing, runners, its job cache and its pillar cache."""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import salt.cache
import salt.client
import salt.payload
import salt.utils.jid
import salt.utils.stringutils
from salt.exceptions import (
    AuthenticationError,
    AuthorizationError,
    PublishError,
    SaltClientError,
    SaltDeserializationError,
    SaltException,
    SaltReqTimeoutError,
)

from pillar_service.core.errors import Failed, NotFound, Unavailable
from pillar_service.master import runner

PUBLISH_TIMEOUT_S = 15

log = logging.getLogger(__name__)


class SaltMaster:
    """One LocalClient, kept for all threads and used by one at a time, as it is not thread-safe; publishing takes 20 ms."""

    def __init__(self, opts: Mapping[str, Any]) -> None:
        self._opts = dict(opts)
        self._lock = threading.Lock()
        self._local: Any = None
        self._cache = salt.cache.factory(self._opts, driver=self._opts["pillar.cache_driver"])

    def new_jid(self) -> str:
        """A new jid, made here so that it can be recorded before anything is published under it."""
        with self._lock:
            return str(salt.utils.jid.gen_jid(self._opts))

    def publish_to_all(self, function: str) -> None:
        """Publishes one call to all connected nodes; raises as `publish` does."""
        self._publish("*", function, [], self.new_jid(), "glob")

    def publish_to(self, nodes: list[str], function: str) -> None:
        """Publishes one call to those of these nodes that are connected; raises as `publish` does."""
        self._publish(nodes, function, [], self.new_jid(), "list")

    def publish(
        self, node: str, function: str, arguments: list[Any], jid: str, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Publishes one call to one node under the given jid, with ``metadata``, if any.

        Raises NotFound when the master knows no such node, Failed when it is not ready or refuses us (nothing was published),
        and Unavailable when it did not answer in time (it may have published, or may still).
        """
        self._publish([node], function, arguments, jid, "list", **({"metadata": dict(metadata)} if metadata else {}))

    def _publish(
        self, target: str | list[str], function: str, arguments: list[Any], jid: str, kind: str, **beside: Any
    ) -> None:
        try:
            with self._lock:
                told = {"tgt_type": kind, "jid": jid, "timeout": PUBLISH_TIMEOUT_S, **beside}
                self._client().pub(target, function, arguments, **told)
        except SaltReqTimeoutError as error:
            raise Unavailable(f"The master did not answer within {PUBLISH_TIMEOUT_S} s.") from error
        except PublishError as error:
            raise NotFound(f"The master knows no node {target}: start its minion and accept its key.") from error
        except (SaltClientError, AuthenticationError, AuthorizationError) as error:
            self._forget()
            raise Failed(f"The master did not publish to {target}: {error or 'it is not ready'}") from error
        except (SaltException, OSError) as error:
            self._forget()
            raise Unavailable(f"The master did not answer: {error}") from error

    def was_saved(self, jid: str) -> bool:
        """Whether the master has stored the job, as it does before publishing (salt.master.ClearFuncs._prep_pub).

        Also if what it stored can't be read, as power was lost: it may have been published.
        """
        with self._lock:
            try:
                return bool(self._returner("get_load")(jid))
            except SaltDeserializationError:
                return True

    def start_runner(self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], jid: str) -> None:
        """Starts a runner on this master under the given jid; raises Failed when it could not be started."""
        try:
            runner.start(self._opts, name, arguments, keywords, jid)
        except OSError as error:
            raise Failed(f"The master could not start {name}: {error}") from error

    def runners(self) -> set[str]:
        """The jids of the running runners that we started on this master."""
        return set(runner.running(self._opts))

    def end_runner(self, jid: str, force: bool = False) -> bool:
        """Ends a runner and all that it started (``force``: with SIGKILL at once); returns whether it was running."""
        return runner.end(self._opts, jid, force)

    def returned(self, jid: str, node: str | None) -> dict[str, Any] | None:
        """What the node, or (None) a runner here, returned: ``return``, ``retcode``, ``success``; None if there is nothing.

        The job cache stores a return under the id that the channel verified: with minimum_auth_version 3 a request whose
        load names another id, or whose token does not match, is dropped (salt.channel.server.ReqServerChannel,
        handle_message, 3008.3 lines 333 and 368-394), and salt.master.AESFuncs stores it under that id (from line 3680 on).
        Our guard refuses the two ways around that (``resource_id``, line 3733, and ``_syndic_return``, line 3743).
        """
        found = self._stored(jid, node or self._opts["id"])
        if found is not None and node is None:
            found = dict(found["return"])  # a runner's return holds all of it (salt.client.mixins, SyncClientMixin.low)
        return found

    def _stored(self, jid: str, node: str) -> dict[str, Any] | None:
        """A return in the job cache (`local_cache`), or None. One that can't be read is deleted: the node's spool has it, too.

        Power may be lost as it is written, and a node may return what Salt can store but not read (a date in the year 1).
        Salt's own get_jid (salt.returners.local_cache, 3008.3 line 469) would try to read it for ever, and hold up all runs.
        """
        jobs = os.path.join(self._opts["cachedir"], "jobs")
        file = Path(salt.utils.jid.jid_dir(jid, jobs, self._opts["hash_type"])) / node / "return.p"
        try:
            told = salt.payload.load(file.open("rb"))
        except FileNotFoundError:
            return None
        except SaltDeserializationError:
            told = None
        if not isinstance(told, dict):
            log.error("What %s returned for %s can't be read, and is deleted.", node, jid)
            file.unlink(missing_ok=True)
            return None
        # If anything in it is no text, Salt reads all of it as bytes.
        return {salt.utils.stringutils.to_unicode(key): value for key, value in told.items()}

    def clear_pillar(self, node: str | None) -> None:
        """Clears a node's pillar from the master's cache, or (None) every node's."""
        with self._lock:
            self._cache.flush("pillar", node)

    def _returner(self, function: str) -> Any:
        return self._client().returners[f"{self._opts['master_job_cache']}.{function}"]

    def _client(self) -> Any:
        if self._local is None:
            self._local = salt.client.LocalClient(mopts=self._opts)
        return self._local

    def _forget(self) -> None:
        """Closes the client, so that the next call makes a new one: the master's key may have changed."""
        with self._lock:
            if self._local is not None:
                self._local.destroy()
                self._local = None
