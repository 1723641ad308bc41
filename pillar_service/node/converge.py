"""What the states of a pub do. Each looks, plans or acts, and says what it found in one sentence."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pillar_service.core.bots import identities
from pillar_service.core.errors import Conflict, Failed, SaltcellarError, Unavailable
from pillar_service.node import containers, control, folders, identity, networks, pub_config, starting, transfers
from pillar_service.node.door import Door
from pillar_service.node.images import Source, nowhere
from pillar_service.node.lastgood import Kept
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home, bot_id


@dataclass(frozen=True)
class Found:
    """How a state ended.

    ``would_change``: this is a plan, and something would change. ``pub``: what the pub said about itself, or what is left.
    """

    comment: str
    changes: dict[str, Any] = field(default_factory=dict)
    result: bool = True
    would_change: bool = False
    pub: dict[str, Any] | None = None


def engine(would_come: bool = False) -> Found:
    """The Docker engine answers; raises Unavailable if it does not.

    ``would_come``: this is a plan in which an earlier state installs and starts it.
    """
    if containers.answers():
        return Found("Docker answers.")
    if would_come:
        return Found("Docker would answer: it would be installed and started.", would_change=True)
    raise Unavailable(containers.AWAY)


def pillar_kept(kept: Kept, pillar: Mapping[str, Any], plan_only: bool) -> Found:
    """The pillar is kept. Reports no changes: the states that follow report what is different."""
    if not plan_only:
        with _written("pillar"):
            kept.keep(pillar)
    return Found("The pillar is kept for times when no master answers.")


def states_kept(states: States, plan_only: bool) -> Found:
    """The kept states are sealed."""
    if not states.is_sealed() and not plan_only:
        with _written("states"):
            states.seal()
    return Found("The states are kept for times when no master answers.")


@contextmanager
def _written(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failed(f"The {what} could not be written on this node: {error.strerror or error}.") from error


def tidied(node: str, plan_only: bool) -> Found:
    """No container is left over from a killed state run. A node has only one state run at a time."""
    with containers.engine(timeout_s=60) as client:
        found = containers.leftovers(client, node)
        changes = {containers.name(one): {"old": "created", "new": None} for one in found}
        for one in [] if plan_only else found:
            client.remove_container(one["Id"], v=True)
    return Found(
        f"{len(changes)} left over from a state run that was killed.", changes, would_change=bool(changes) and plan_only
    )


def network(name: str, plan_only: bool) -> Found:
    """The engine has exactly one network of that name; raises Failed if two of them are in use."""
    with containers.engine(timeout_s=60) as client:
        there = len(networks.named(client, name))
        if there == 1:
            return Found(f"The network {name} is there.")
        changes = {name: {"old": f"{there} networks", "new": "one network"}}
        if plan_only:
            return Found(f"There would be one network {name}; there are {there}.", changes, would_change=True)
        made, gone = networks.settle(client, name)
    return Found(f"The network {name} was {'made' if made else 'there'}; {gone} twins removed.", changes)


BUILT = "saltcellar/pub"
"""The name of the image that `bots.rebuild` builds; the tag is the version of its sources (vagrant/pub-image.sh)."""


def image(
    tag: str,
    would_come: bool = False,
    sources: Callable[[], object] = lambda: None,
    place: Source | None = None,
    plan_only: bool = False,
) -> Found:
    """The engine has the image, fetched from the ``place`` if need be; raises Failed, with how to get it, if that has none.

    ``would_come``: this is a plan in which an earlier state builds it. ``sources`` returns the text of the `package.json`
    from which `bots.rebuild` builds. Older states pass no ``place``.
    """
    with containers.engine() as client:
        if containers.has_image(client, tag):
            return Found(f"The image {tag} is there.")
    if would_come:
        return Found(f"The image {tag} would be built.", would_change=True)
    if place is None or not place.offers(tag):
        raise Failed(nowhere(tag, place.node if place else "", _is_built(tag, sources())))
    if plan_only:
        return Found(f"The image {tag} would be fetched from the place.", would_change=True)
    return Found(f"The image {tag} was fetched from the place.", place.bring())


def _is_built(tag: str, sources: object) -> bool:
    try:
        return tag == f"{BUILT}:{json.loads(str(sources))['version']}"
    except (ValueError, KeyError, TypeError):
        return False


def configured(home: Home, bot: str, config: Mapping[str, Any], pub_id: str | None, plan_only: bool) -> Found:
    """The bot's configuration file holds ``config`` and the pub's id.

    If only the id was missing, no change is reported, so that the container made from the configuration stays as it is.
    """
    path = home.config(bot)
    there = pub_config.read(path)
    wanted = pub_config.told(config, pub_id or pub_config.named(there))
    if there == wanted:
        return Found("The configuration is up to date.")
    is_unnamed = there is not None and pub_config.told(there, None) == pub_config.told(config, None)
    changes = {} if is_unnamed else {"configuration": {"old": there, "new": wanted}}
    if not plan_only:
        with _written("configuration"):
            (pub_config.name if is_unnamed else pub_config.write)(path, wanted)
    would = "would be" if plan_only else "was"
    return Found(f"The configuration {would} written.", changes, would_change=bool(changes) and plan_only)


def itself(home: Home, bot: str, pub_id: str) -> Found:
    """The bot's data directory holds the bot's identity; raises Conflict if it holds another, or none."""
    _refuse_another(pub_id, identity.of(home.bot(bot)).pub_id)
    return Found(f"{pub_id} is there.")


def placed(home: Home, bot: str, pub_id: str | None, plan_only: bool) -> Found:
    """The bot's data directory exists and belongs to the pub's user.

    Raises Conflict, before anything is made, if the bot has an identity (``pub_id``) and the directory holds another, or none.
    """
    if pub_id:
        itself(home, bot, pub_id)
    folder = home.bot(bot)
    changes = folders.amiss(folder)
    if not changes:
        return Found("The data directory is as it should be.")
    if not plan_only:
        with _written("data directory"):
            folders.put(folder)
    would = "would be" if plan_only else "was"
    return Found(f"The data directory {would} put right.", changes, would_change=plan_only)


def _refuse_another(known: str | None, found: str | None) -> None:
    wrong = identities.another(known, found)
    if wrong:
        raise Conflict(wrong)


def imported(home: Home, bot: str, transfer: Mapping[str, Any], door: Callable[[], Door], plan_only: bool) -> Found:
    """The transfer's identity is in the bot's data directory; raises whatever prevents the import."""
    if transfers.is_imported(home, bot, transfer):
        return Found(f"{transfer['pub_id']} is there with its log.")
    changes = {"identity": {"old": None, "new": transfer["pub_id"]}}
    if plan_only:
        return Found(f"{transfer['pub_id']} would be imported.", changes, would_change=True)
    transfers.bring_in(home, bot, transfer, door())
    return Found(f"{transfer['pub_id']} was imported with its log.", changes)


def alive(home: Home, node: str, bot: str, timeout_s: float, plan_only: bool, pub_id: str | None = None) -> Found:
    """The pub answers, and is ``pub_id`` if that is known.

    Raises Unavailable if it does not answer ``timeout_s`` seconds after its start, Failed if it keeps crashing, Conflict if it
    is another pub.
    """
    if plan_only:
        return _planned(home, bot)
    pub = starting.wait(home, node, bot, timeout_s)
    _refuse_another(pub_id, pub["pub_id"])
    return Found(f"The pub {pub['pub_id']} answers.", pub=pub)


def _planned(home: Home, bot: str) -> Found:
    try:
        pub = control.pub(home.bot(bot))
    except SaltcellarError:
        return Found("It would wait for the pub to answer.", would_change=True)
    return Found(f"The pub {pub['pub_id']} answers.", pub=pub)


def gone(home: Home, node: str, bot: str, purge: bool, plan_only: bool) -> Found:
    """The bot has no container and, with ``purge``, no data; ``pub`` says what is left.

    It also says how far the log went: the pub may have written since its last report, and no older export may be started.
    """
    with containers.engine(timeout_s=60) as client:
        listed = containers.find(client, node, bot_id(bot))
        with_data = purge and not transfers.is_removed(home, bot)
        changes = _going(listed, with_data)
        if changes and plan_only:
            return Found(f"Would be removed: {', '.join(changes)}.", changes, would_change=True)
        if listed:
            containers.remove(client, listed["Id"])
    said = {} if plan_only else identity.told(home.bot(bot))
    if with_data:
        transfers.remove(home, bot)
    without = transfers.is_removed(home, bot)
    kept = "" if without else f" Its data is kept in {home.bot(bot)}."
    pub = {"data": "gone" if without else "kept", **said}
    return Found(f"The bot has no container on this node.{kept}", changes, pub=pub)


def _going(listed: Mapping[str, Any] | None, with_data: bool) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if listed:
        changes["container"] = {"old": containers.name(listed), "new": None}
    if with_data:
        changes["data"] = {"old": "present", "new": None}
    return changes


def unlisted(node: str, known: list[str]) -> Found:
    """Name this node's containers of bots that are not known; they are left alone."""
    with containers.engine() as client:
        strangers = containers.unlisted(client, node, set(known))
    if not strangers:
        return Found("The pillar lists every container of this node.")
    return Found(f"Left alone, because the pillar does not list them: {', '.join(strangers)}.")
