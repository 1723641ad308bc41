"""
States of pubs, beyond what Salt's Docker states offer.

Setup: ``pip install saltcellar[node]`` into the minion's Python. Use these states through the SLS files in ``states/pubs``;
``<bot>`` is a bot's id (16 hexadecimal digits).

.. code-block:: yaml

    "<bot> alive":
      pub.alive:
        - bot: <bot>
        - timeout: 60
"""

from contextlib import nullcontext
from pathlib import Path

try:
    from pillar_service.core.errors import SaltcellarError
    from pillar_service.node import converge, paths
    from pillar_service.node import told as pillars
    from pillar_service.node.door import Door

    MISSING = None
except ImportError as error:
    MISSING = f"pub needs `pip install saltcellar[node]` in the minion's Python ({error})."

# An upgraded master hands this file out at once, also to nodes with an older package: so each import may fail.
try:
    from pillar_service.node.tracing import begun as _begun
except ImportError:

    def _begun(opts):
        pass


try:
    from pillar_service.node.lastgood import Kept
    from pillar_service.node.masterless.states import States
except ImportError:
    States = None

try:
    from pillar_service.node import building, tracing
except ImportError:
    building = tracing = None


try:
    from pillar_service.node.images import Source
except ImportError:
    Source = None

try:
    from pillar_service.node.stillness import starting as _starting
except ImportError:

    def _starting(home, bot):
        return nullcontext()


def __virtual__():
    return (False, MISSING) if MISSING else "pub"


def _home():
    return paths.Home.at(__salt__["config.get"]("saltcellar:data"))


def _pki():
    return Path(__opts__["pki_dir"])


def _kept():
    return Kept(_home(), __opts__["id"], _pki())


def _keeps_none(name):
    return {"name": name, "changes": {}, "result": True, "comment": "The node's package is too old to keep anything."}


def _ret(name, found):
    result = None if found.would_change and __opts__["test"] else found.result
    ret = {"name": name, "changes": found.changes, "result": result, "comment": found.comment}
    # Salt keeps keys that it does not know in a state's return, all the way to the master's job cache.
    return ret | ({"pub": found.pub} if found.pub else {})


def _of_bot(bot, name, function, *args, **more):
    """The return of a bot's state; if this run is about that bot, the master is told before the run is over."""
    return _reported(bot, _call(name, function, *args, **more))


def _reported(bot, ret, key=None):
    """
    Tell the master a state's return at once, if this run is about the bot; gives the return back.

    It is told through the minion, which is connected: Salt's own ``state_events`` open a connection and load the minion's key
    for each state, which takes half of a run's time, and try for minutes if no master is there. A lost event does no harm:
    the dispatcher finds the same in the run's return.
    """
    if bot in __pillar__.get("saltcellar_only", ()):
        told = {"__id__": ret["name"], "result": ret["result"], "comment": ret["comment"]}
        _tell(key or ret["name"], told | {"changes": bool(ret["changes"])})
    return ret


def _tell(key, told):
    """Fire an event that the dispatcher takes as a state's progress, unless no master asked for this run."""
    is_asked = hasattr(tracing, "jid") and __opts__.get("file_client") != "local"
    if is_asked and (jid := tracing.jid(__opts__)) is not None:
        __salt__["event.fire_master"]({"ret": told}, f"salt/job/{jid}/prog/{__opts__['id']}/{key}")


def _call(name, function, *args, **more):
    _begun(__opts__)
    try:
        return _ret(name, function(*args, **more))
    except SaltcellarError as error:
        return {"name": name, "changes": {}, "result": False, "comment": error.sentence}


def engine(name, made=False):
    """The Docker engine answers. ``made``: states before this one install and start it."""
    return _call(name, converge.engine, *_would_come(made))


def _would_come(made):
    is_older = not hasattr(converge, "configured")  # an older package of the node can't plan that
    return [True] if made and __opts__["test"] and not is_older else []


def tidied(name):
    """No container is left over from a killed state run."""
    return _call(name, converge.tidied, __opts__["id"], __opts__["test"])


def pillar_kept(name):
    """The pillar of this run is kept on disk, sealed, for when no master answers."""
    if States is None:
        return _keeps_none(name)
    return _call(name, converge.pillar_kept, _kept(), __pillar__, __opts__["test"])


def states_kept(name):
    """The states that were copied into the node's data directory are sealed."""
    if States is None:
        return _keeps_none(name)
    return _call(name, converge.states_kept, States(_home(), __opts__["id"], _pki()), __opts__["test"])


def network(name):
    """The engine has one network called ``name``, made if there was none; unused twins of it are removed."""
    return _call(name, converge.network, name, __opts__["test"])


def image(name, image, made=False):
    """
    The engine has the image ``image`` (name:tag). If it lacks it, it is fetched from the place, if that hands it out.
    ``made``: states before this one build it.
    """
    more = {"sources": _sources} if hasattr(converge, "BUILT") else {}  # the node's package may be older
    if Source is not None:
        place = Source(_home(), __opts__["id"], pillars.told(__pillar__, __opts__["id"]))
        more |= {"place": place, "plan_only": __opts__["test"]}
    return _call(name, converge.image, image, *_would_come(made), **more)


def _sources():
    return __salt__["cp.get_file_str"]("salt://pubs/image/package.json")


def built(name, scripts, logs, base_image="", timeout=840):
    """
    The pub's image is built by ``pub-image.sh`` in ``scripts``, within ``timeout`` seconds; its programs write their logs
    into ``logs``. The return's key ``log`` holds the last lines of the logs, which become the job's, and ``log_from`` the
    number of the first of them among all lines. Lines written meanwhile are told to the master as they come.
    """
    if building is None:  # the node's package is older
        env = {"SALTCELLAR_LOG_DIR": logs} | ({"BASE": base_image} if base_image else {})
        return __states__["cmd.run"]("./pub-image.sh", cwd=scripts, env=env, timeout=timeout) | {"name": name}
    if __opts__["test"]:
        return {"name": name, "changes": {}, "result": None, "comment": "The image would be built from its sources."}
    _begun(__opts__)
    more = [_telling()] if hasattr(building, "Written") else []  # the node's package may be older
    made = building.build(Path(scripts), Path(logs), base_image, timeout, *more)
    log = {"log": made.lines} | ({"log_from": made.first} if more else {})
    ret = {"name": name, "changes": {}, "result": made.result, "comment": made.comment, **log}
    _tell(name, {"__id__": name, **ret})
    return ret


def _telling():
    """A function that tells the master lines as they come."""

    def tell(first, lines):
        _tell(f"log-{first}", {"log": lines, "log_from": first, "goes_on": True})

    return tell


def poured(name, bot, told, memory_mb, container, force=False):
    """
    The bot's container runs as ``told`` (a hash of all that its states say). Otherwise it is made by the state
    ``docker_container.running`` with the arguments ``container``; with ``force``, or if its network is gone, it is replaced.
    Fails while the bot is packed for an export, which would be inconsistent if the pub wrote meanwhile.

    ``docker_container.running`` makes and removes a second container for comparison. To save that, the container has its hash
    as a label, and only what can be changed on an existing container is checked besides. Salt's ``unless`` is not used for the
    check: with it, Salt looks for a ``mod_run_check`` of the state (salt.state.State.call, 3008.3), and loads every module
    there is to learn that there is none.
    """
    just_so = [bot, told, container["image"], memory_mb, container["network_mode"]]
    if not force and __salt__["pubs.is_as_told"](*just_so):
        return _reported(
            bot, {"name": name, "changes": {}, "result": True, "comment": "The container runs and is up to date."}
        )
    anew = force or __salt__["pubs.is_stranded"](bot, container["network_mode"])
    made = _made(bot, container, anew) | {"name": name}
    return _reported(bot, made, f"{name} anew" if force else None)


def _made(bot, container, anew):
    # A plan starts nothing, and leaves nothing behind: the lock of a start is a file.
    starts = nullcontext() if __opts__["test"] else _starting(_home(), bot)
    try:
        with starts:
            return __states__["docker_container.running"](**container, force=anew)
    except SaltcellarError as error:
        return {"changes": {}, "result": False, "comment": error.sentence}


def mod_watch(name, sfun=None, **told):
    """Replace the container, because what it watches has changed: a pub reads its configuration only at its start."""
    return poured(name, **{key: told[key] for key in ("bot", "told", "memory_mb", "container")}, force=True)


def imported(name, bot, transfer):
    """An import's identity (``transfer``: job, sha256, size, pub_id) and its log are in the bot's data directory."""

    def door():
        return Door(pillars.told(__pillar__, __opts__["id"]).service)

    return _of_bot(bot, name, converge.imported, _home(), bot, transfer, door, __opts__["test"])


def configured(name, bot, config, pub_id=None):
    """The bot's configuration file holds ``config`` and, if it is known, the pub's id."""
    if not hasattr(converge, "configured"):  # the node's package is older
        path, root = str(_home().config(bot)), {"user": 0, "group": 0, "mode": "0644"}
        return __states__["file.serialize"](path, dataset=config, serializer="json", **root) | {"name": name}
    return _of_bot(bot, name, converge.configured, _home(), bot, config, pub_id, __opts__["test"])


def placed(name, bot, pub_id=None):
    """The bot's data directory belongs to the pub's user and, if ``pub_id`` is given, holds that identity."""
    if hasattr(converge, "placed"):
        return _of_bot(bot, name, converge.placed, _home(), bot, pub_id, __opts__["test"])
    # The node's package is older.
    said = itself(name, bot, pub_id) if pub_id else {"result": True}
    if said["result"] is False:
        return said
    owned = {"user": 1000, "group": 1000, "mode": "0700"}
    return __states__["file.directory"](str(_home().bot(bot)), **owned) | {"name": name}


def itself(name, bot, pub_id):
    """The bot's data directory holds the identity ``pub_id``."""
    return _call(name, converge.itself, _home(), bot, pub_id)


def alive(name, bot, timeout=60, pub_id=None):
    """
    The pub answers within ``timeout`` seconds of its start and, if ``pub_id`` is given, has that id; the return's key ``pub``
    holds what it said about itself.
    """
    known = {"pub_id": pub_id} if pub_id else {}  # an older package of the node has no such argument
    return _of_bot(bot, name, converge.alive, _home(), __opts__["id"], bot, timeout, __opts__["test"], **known)


def gone(name, bot, purge=False):
    """The bot has no container on this node and, with ``purge``, no data."""
    return _of_bot(bot, name, converge.gone, _home(), __opts__["id"], bot, purge, __opts__["test"])


def unlisted(name, known):
    """Name this node's containers of bots whose ids are not in ``known``; nothing is done to them."""
    return _call(name, converge.unlisted, __opts__["id"], known)


def refused(name, reason):
    """Always fails, with ``reason``, which says why nothing can be done."""
    return {"name": name, "changes": {}, "result": False, "comment": reason}
