"""
The node's spool: events for the service, kept on disk until the service has them.

Setup: ``pip install saltcellar[node]`` into the minion's Python; ``saltcellar: {data: DIRECTORY}`` in the minion's
configuration (default ``/var/lib/saltcellar``). A function that can't do its work raises ``CommandExecutionError`` with
one sentence for people.
"""

try:
    from pillar_service.node.paths import Home
    from pillar_service.node.saying import said as _said  # private: Salt offers each public name here
    from pillar_service.node.spool import Spool

    MISSING = None
except ImportError as error:
    MISSING = f"spool needs `pip install saltcellar[node]` in the minion's Python ({error})."

    def _said(function):
        return function


def __virtual__():
    return (False, MISSING) if MISSING else "spool"


@_said
def _asked(what):
    spool = Spool(Home.at(__salt__["config.get"]("saltcellar:data")))
    try:
        return what(spool)
    finally:
        spool.close()


def status():
    """
    The spool's status: epoch, waiting, oldest_at, streams, bytes, most_bytes, lost_untold (losses that are not reported yet),
    dead (events that the service refused for good), refused (events that the spool could not take).

    CLI Example:

    .. code-block:: bash

        salt cellar-1 spool.status
    """
    return _asked(lambda spool: spool.status())


def dead():
    """
    The events that the service refused for good, oldest first: epoch, sequence, why, stream, priority, type, subject, data,
    at.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 spool.dead
    """
    return _asked(lambda spool: spool.dead())


def retry():
    """
    Put the events that the service refused for good into the spool again, as new ones; returns how many.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 spool.retry
    """
    return _asked(lambda spool: spool.retry())
