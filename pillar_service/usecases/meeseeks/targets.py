"""Targets: the nodes that a command will run on. They are chosen here, shown to the asker, and stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NoNodes, NotFound
from pillar_service.core.meeseeks.catalogue import Action, Command, Where
from pillar_service.core.meeseeks.parameters import Kind
from pillar_service.core.nodes import losing
from pillar_service.core.nodes.labels import NODE, with_id
from pillar_service.core.nodes.selectors import EVERYTHING, AnyOf, Selector
from pillar_service.core.people.agents import Desired
from pillar_service.core.people.permissions import Act, refuse_on_theirs
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.bots.bots import Bot
from pillar_service.store.nodes import nodes
from pillar_service.usecases.meeseeks import people, routing
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import permissions

BRING_BACK = Action("bots.bring_back")
MOST_NAMED = 10
"""How many nodes a sentence names at most."""


def labels(only: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """The labels of every node on which commands of the catalogue run, or of these nodes, by node id."""
    return {node: with_id(its, node) for node, its in nodes.labels(only).items()}


def of(command: Command, arguments: Mapping[str, Any], asked: Selector, allowed: AnyOf) -> list[str]:
    """The nodes that a job of this command will run on, sorted; empty if it runs on no node.

    ``asked`` is the asker's selector, ``allowed`` what their roles grant. Raises Invalid (only one may fit, but several
    do), NoNodes (none fits), Conflict (none of them can run it).
    """
    if command.where is Where.NONE:
        return []
    known = labels(asked.only(NODE))
    named = {arguments[one.name] for one in command.parameters if one.kind is Kind.NODE and arguments.get(one.name)}
    fit = [
        node
        for node, its in sorted(known.items())
        if asked.matches(its) and allowed.matches(its) and command.runs_on(its) and (not named or node in named)
    ]
    if not fit:
        alone = "" if command.selector == EVERYTHING else f" It only runs where {command.selector} fits."
        wanted = str(asked) or ("that" if named else "")
        fits = f"fits {wanted} and " if wanted else ""
        raise NoNodes(f"No node {fits}lets you run {command.name}: {_usable(allowed)}.{alone}")
    return _chosen(command, _able(command, fit))


def _usable(allowed: AnyOf) -> str:
    yours = [node for node, its in sorted(labels().items()) if allowed.matches(its)]
    return f"yours are {told(yours)}" if yours else "your roles cover none"


def told(these: list[str]) -> str:
    """Nodes in a sentence."""
    more = len(these) - MOST_NAMED
    return ", ".join(these[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _able(command: Command, fit: list[str]) -> list[str]:
    if not command.capacities:
        return fit
    known = nodes.capacities(fit)
    lacks = {node: command.capacities - set(known[node].get("has", [])) for node in fit}
    able = [node for node in fit if not lacks[node]]
    if not able:
        missing = " and ".join(sorted(frozenset().union(*lacks.values())))
        raise Conflict(f"{command.name} needs {missing}, which is missing on {told(fit)}.")
    return able


def _chosen(command: Command, able: list[str]) -> list[str]:
    if command.where is Where.ALL or len(able) == 1:
        return able
    if command.where is Where.ONE:
        raise Invalid(
            f"{command.name} runs on one node, but {len(able)} fit ({told(able)}): choose one with -l {NODE}=NAME."
        )
    return [routing.any_one(able)]


def named(command: Command, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with each bot given by name, however it was written, so that roles deal with one form only."""
    bots_of = [one.name for one in command.parameters if one.kind is Kind.BOT and arguments.get(one.name)]
    found = {name: _meant(command, str(arguments[name])) for name in bots_of}
    return {**arguments, **{name: bot.name for name, bot in found.items() if bot is not None}}


def _meant(command: Command, written: str) -> Bot | None:
    """The bot that was written; for bringing a bot back, the last deleted one of that name."""
    found = _known(written)
    if command.runs != BRING_BACK or (found is not None and found.desired == Desired.ABSENT):
        return found
    name, _, domain = written.partition(".")
    return (bots.deleted_last(name) if domain in ("", settings().domain) else None) or found


def _known(written: str) -> Bot | None:
    """The bot with that name, host or id, if it is there."""
    name, _, domain = written.partition(".")
    found = bots.find(name) if domain in ("", settings().domain) else None
    return None if found is None or found.agent.removed_at is not None else found


def bot(asker: Asker, command: Command, arguments: Mapping[str, Any], asked: Selector, allowed: AnyOf) -> Bot:
    """Return the bot that a bot's action is for.

    Raises NotFound (no such bot, or not on a node that was asked for), Forbidden if its node is not granted, Conflict
    if its node is lost.
    """
    [name] = [str(arguments[one.name]) for one in command.parameters if one.kind is Kind.BOT]
    found = _meant(command, name)
    node = None if found is None else nodes.find(found.node)
    if found is None or node is None:
        raise NotFound(f"There is no bot {names.shown(name)}.")
    its = with_id(node.labels, node.id)
    if node.account is not None:
        _require_theirs(asker, command, found)
    elif not allowed.matches(its):
        raise Forbidden(f"Your roles do not let you run {command.name} on {node.id}, where {found.name} is.")
    if not asked.matches(its):
        raise NotFound(f"{found.name} is on {node.id}, which does not fit {asked}.")
    losing.refuse_lost(node.id, node.lost_at)
    return found


def _require_theirs(asker: Asker, command: Command, bot: Bot) -> None:
    if asker.caller is None or not isinstance(command.runs, Action):
        return
    person = people.person(asker.actor)
    may = frozenset[Act]() if person is None else permissions.of(person, bot.id)
    refuse_on_theirs(bot.name, bot.node, command.runs.command, may)
