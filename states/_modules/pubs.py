"""
Operate this node's pubs.

Setup: ``pip install saltcellar[node]`` into the minion's Python; ``saltcellar: {data: DIRECTORY}`` in the minion's
configuration (default ``/var/lib/saltcellar``). A function that can't do its work raises ``CommandExecutionError`` with
one sentence for people.
"""

from pathlib import Path

try:
    from pillar_service.core.errors import Invalid, SaltcellarError
    from pillar_service.node import bots, containers, paths
    from pillar_service.node import told as pillars
    from pillar_service.node.door import Door
    from pillar_service.node.saying import said as _said  # private: Salt offers each public name here

    MISSING = None
except ImportError as error:
    MISSING = f"pubs needs `pip install saltcellar[node]` in the minion's Python ({error})."

    def _said(function):
        return function


# An upgraded master hands this file out at once, also to nodes with an older package: what that lacks is None.
try:
    from pillar_service.node.bots import export_as_told as _export_as_told
    from pillar_service.node.lastgood import Kept
except ImportError:
    _export_as_told = None

try:
    from pillar_service.node import awaited as _awaited
except ImportError:
    _awaited = None


def __virtual__():
    return (False, MISSING) if MISSING else "pubs"


def _home():
    return paths.Home.at(__salt__["config.get"]("saltcellar:data"))


def _told():
    return pillars.told(__pillar__, __opts__["id"])


def _told_now():
    # A person who asks wants to know what is true now.
    return pillars.told_now(__salt__, __opts__["id"])


def _require_awaited():
    """Raise unless somebody still waits for this call: what has an effect each time must not be done for a job given up."""
    if _awaited is not None:
        _awaited.require(__opts__, _told().service)


@_said
def info(bot):
    """
    What a pub says about itself: id, version, sequence, peers, follows, uptime_s, …

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.info 1f3a9c2e5b7d9e0f
    """
    return bots.info(_home(), bot)


@_said
def invite(bot, uses=1, note=""):
    """
    Create an invite to a pub that can be used ``uses`` times, with a private note: id, code, note, uses.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.invite 1f3a9c2e5b7d9e0f uses=3 note='for Ann'
    """
    _require_awaited()
    return bots.invite(_home(), bot, uses, note)


@_said
def invites(bot):
    """
    The invites of a pub: which are used, and by whom.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.invites 1f3a9c2e5b7d9e0f
    """
    return bots.invites(_home(), bot)


@_said
def revoke(bot, invite):
    """
    Revoke an invite by its id: nobody can use its code any more.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.revoke 1f3a9c2e5b7d9e0f '@Jl3gXGe3GrsmOvQzTWlQdQSmDnCWhgj3bvvAz0iWVvs=.ed25519'
    """
    return bots.revoke(_home(), bot, invite)


@_said
def restart(bot, timeout=60):
    """
    Restart a pub and wait until it answers, at most ``timeout`` seconds: pub_id, sequence, version, peers, follows.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.restart 1f3a9c2e5b7d9e0f
    """
    _require_awaited()
    return bots.restart(_home(), __opts__["id"], bot, timeout)


@_said
def logs(bot, lines=100):
    """
    The last lines that a pub wrote, each with its time.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.logs 1f3a9c2e5b7d9e0f lines=20
    """
    return bots.logs(__opts__["id"], bot, lines)


@_said
def export(bot, job, kind="everything"):
    """
    Send a pub's identity and data, or only one ``kind`` of it (secret, gossip, log, blobs), to the service as the tar of a
    running export job: pub_id, sequence, kind, size, sha256.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.export 1f3a9c2e5b7d9e0f 9e0f1f3a9c2e5b7d
    """
    asked = (_home(), __opts__["id"], bot, job, Door(_told().service), kind)
    if _export_as_told is None:
        return bots.export(*asked)
    return _export_as_told(Kept(_home(), __opts__["id"], Path(__opts__["pki_dir"])).told, *asked)


def is_as_told(bot, told, image, memory_mb, network):
    """
    Whether a bot's container runs as told: made from ``told`` (a hash of all that its states say) and from the image that has
    the name ``image`` now, with that memory limit (MiB) and network, and no older than its configuration file. False if
    that can't be found out.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.is_as_told 1f3a9c2e5b7d9e0f 5feceb66 saltcellar/pub:0.1.0 256 saltcellar
    """
    try:
        return containers.is_as_told(__opts__["id"], _home(), bot, told, image, memory_mb, network)
    except SaltcellarError:
        return False


def is_stranded(bot, network):
    """
    Whether a bot's container can't be started because its network was removed while it was stopped (as by
    ``docker network prune``), even if there is one of that name again. False if that can't be found out.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.is_stranded 1f3a9c2e5b7d9e0f saltcellar
    """
    try:
        return containers.is_stranded(__opts__["id"], bot, network)
    except (SaltcellarError, AttributeError):  # the node's package may be older than this file
        return False


@_said
def unlisted():
    """
    The names of this node's containers whose bots its pillar does not list; nothing is done to them.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.unlisted
    """
    known = _told_now()
    if known.problem:
        raise Invalid(known.problem)
    with containers.engine() as client:
        return containers.unlisted(client, __opts__["id"], known.known)


@_said
def status():
    """
    A fresh health report of every bot of this node.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.status
    """
    return bots.status(_home(), __opts__["id"], _told_now())


def told():
    """
    What the pillar tells this node, checked: its bots, or why nothing is known. The states use it.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.told
    """
    return _told().for_states()


def engine():
    """
    Whether this node's Docker engine answers.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 pubs.engine
    """
    return containers.answers()
