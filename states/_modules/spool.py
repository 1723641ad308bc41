"""
The node's spool: what it has to tell the service, kept on its disk until the service has it.

Setup: ``pip install saltcellar[node]`` into the minion's Python; ``saltcellar: {data: DIRECTORY}`` in the minion's
configuration (default ``/var/lib/saltcellar``). A function that can't do its work raises ``CommandExecutionError`` with
one sentence for people.
"""

try:
    from pillar_service.node.paths import Home
    from pillar_service.node.saying import said as _said  # Salt offers each public function here
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
    What waits: epoch, waiting, oldest_at, streams, bytes, most_bytes, lost_untold (losses that are yet to be told), dead
    (what the service refused for good), refused (what the spool could not take).

    CLI Example:

    .. code-block:: bash

        salt cellar-1 spool.status
    """
    return _asked(lambda spool: spool.status())


def dead():
    """
    What the service refused for good, the oldest first: epoch, sequence, why, stream, priority, type, subject, data, at.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 spool.dead
    """
    return _asked(lambda spool: spool.dead())


def retry():
    """
    Try again, as new events, what the service refused for good; how many.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 spool.retry
    """
    return _asked(lambda spool: spool.retry())
