"""Search over everything that operators see, by one word."""

from collections.abc import Callable
from typing import Any

from pillar_service.core import names, searching
from pillar_service.core.searching import MOST, MOST_OF_ONE, Kind
from pillar_service.store import search
from pillar_service.usecases.admin import accounts, audit, bots, jobs, nodes
from pillar_service.usecases.events import stories


def everything(word: str, kind: str = "") -> dict[Kind, list[Any]]:
    """What a word finds, by kind, or of one kind if that is named; nothing for an empty word. Raises Invalid.

    A word may be a part of an address, a name, a pub id, a node's id, a label or a command; an actor or a subject; the
    beginning of the id of an account, a bot, a job, an event or an audit row; or a part of what one of the newest
    events or audit rows says. There are at most 20 of each kind, or 100 if one is named: a longer word finds fewer.
    """
    asked = names.text(word.strip(), "search", 200)
    kinds = [names.one_of(Kind, kind, "kind")] if kind else list(Kind)
    if not asked:
        return {}
    look = _looks(asked, MOST_OF_ONE if kind else MOST)
    return {one: look[one]() for one in kinds}


def _looks(word: str, most: int) -> dict[Kind, Callable[[], list[Any]]]:
    begins = searching.beginning(word)
    people = search.accounts(word, begins, most)
    actors = [*searching.actors(word), *(f"account:{one.id}" for one in people)]
    commands = [name for name in jobs.known() if word.lower() in name]
    place, subjects = searching.place(word), searching.subjects(word)
    return {
        Kind.ACCOUNTS: lambda: accounts.described(people),
        Kind.BOTS: lambda: bots.described(search.bots(word, begins, most)),
        Kind.NODES: lambda: nodes.described(search.nodes(word, searching.label(word), most)),
        Kind.JOBS: lambda: jobs.described(search.jobs(begins, commands, actors, most)),
        Kind.EVENTS: lambda: [stories.described(one) for one in search.events(place, word, most)],
        Kind.AUDIT: lambda: audit.named(search.audit(word, begins, actors, subjects, most)),
        Kind.ACTORS: lambda: search.actors(actors),
    }
