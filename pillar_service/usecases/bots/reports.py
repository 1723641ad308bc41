"""The shape of a health report, read strictly: its sender may be broken or lying."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health
from pillar_service.core.bots.happenings import plain
from pillar_service.core.errors import Invalid

Read = Callable[[object, str], Any]
MOST = 2**53
MOST_BOTS = 10_000


def _count(value: object, what: str) -> int:
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return names.whole_number(value, what, 0, MOST)


def _seconds(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise Invalid(f"The {what} must be Unix seconds, not {names.shown(value)}.")
    return float(value)


def _line(value: object, what: str) -> str | None:
    # A pub or Docker wrote this, not the node: refusing it would also lose the reports on all other bots.
    return None if value is None else names.text(plain(value)[:500] if isinstance(value, str) else value, what, 500)


def _one_of(known: tuple[str, ...]) -> Read:
    def read(value: object, what: str) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise Invalid(f"The {what} must be one of {', '.join(known)}, not {names.shown(value)}.")

    return read


def _truth(value: object, what: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Invalid(f"{what} must be true or false, not {names.shown(value)}.")


def _id(value: object, what: str) -> str:
    if names.is_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not a bot's id.")


def _pub_id(value: object, what: str) -> str | None:
    if value is None or names.is_pub_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not a pub's id.")


COUNTS = (
    *("uptime_s", "disk_bytes", "memory_bytes", "memory_limit_bytes", "peers", "follows", "sequence"),
    *health.COUNTERS,
)

WORDS: dict[str, Read] = {
    "bot": _id,
    "status": _one_of(health.STATUSES),
    "health": _one_of(health.HEALTHS),
    "answers": _truth,
    "pub_id": _pub_id,
    "version": _line,
}
"""What is mostly the same from one report of a bot to the next."""


def read(data: object) -> dict[str, Any]:
    """The data of a health event, {"node", "bots"}, with all known keys of each report and no others; raises Invalid."""
    if not isinstance(data, dict) or not isinstance(data.get("node"), dict):
        raise Invalid("The event's data must be an object with 'node' and 'bots'.")
    told = data.get("bots")
    if not isinstance(told, list) or len(told) > MOST_BOTS or not all(isinstance(bot, dict) for bot in told):
        raise Invalid("The event's 'bots' must be a list of reports.")
    return {"node": _node(data["node"]), "bots": [_report(bot) for bot in told]}


def _report(bot: Mapping[str, Any]) -> dict[str, Any]:
    report = {**_words(bot), "at": _seconds(bot.get("at"), "at")}
    for key in COUNTS:
        value = bot.get(key)
        # Nearly all values are like this, ten in each of a thousand reports: a call for each would take half of the
        # reading time.
        is_one = value is None or (type(value) is int and 0 <= value <= MOST)
        report[key] = value if is_one else _count(value, key)
    report["uptime_s"] = report["uptime_s"] or 0
    return report


def _words(bot: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _known(*map(bot.get, WORDS))
    except TypeError:  # a list or an object, which can't be a cache key
        return _known.__wrapped__(*map(bot.get, WORDS))


@lru_cache(4096, typed=True)
def _known(*words: object) -> dict[str, Any]:
    """The checked words, cached from report to report, so not to be changed. Refusals are not cached."""
    return {key: read_value(word, key) for word, (key, read_value) in zip(words, WORDS.items(), strict=True)}


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    unlisted = node.get("unlisted") or []
    if not isinstance(unlisted, list) or len(unlisted) > MOST_BOTS:
        raise Invalid("The node's 'unlisted' must be a list of container names.")
    return {
        "docker": _truth(node.get("docker"), "docker"),
        "error": _line(node.get("error"), "error"),
        "unlisted": [names.text(name, "container name", 200) for name in unlisted],
    }
