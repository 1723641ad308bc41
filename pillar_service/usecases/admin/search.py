"""Search over all nouns by one word."""

from typing import Any

from pillar_service.core import names
from pillar_service.store import search
from pillar_service.usecases.admin import accounts, bots, jobs, nodes

MOST = 20
"""How many of each noun are shown."""

KINDS = ("account", "operator", "master", "node")
"""What an actor may be written without: `account:<id>` is found by the id too."""


def everything(word: str) -> dict[str, list[Any]]:
    """What an e-mail address, name, pub id, job's id, node's id or actor finds, by noun; raises Invalid.

    Nothing for an empty word. Of each noun there are at most 20: a longer word finds fewer.
    """
    asked = names.text(word.strip(), "search", 200)
    if not asked:
        return {}
    actors = [asked, *(f"{kind}:{asked}" for kind in KINDS)]
    return {
        "accounts": accounts.described(search.accounts(asked, MOST)),
        "bots": bots.described(search.bots(asked, MOST)),
        "nodes": nodes.described(search.nodes(asked, MOST)),
        "jobs": jobs.described(search.jobs(asked, MOST)),
        "actors": search.actors(actors),
    }
