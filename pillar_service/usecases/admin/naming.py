"""What operators read instead of an id: an account's address, a bot's name."""

from collections.abc import Iterable

from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.people import accounts as account_rows


def called(keys: Iterable[str]) -> dict[str, str]:
    """The names of these actors and subjects of the audit ('account:…', 'agent:…'); deleted accounts have none."""
    parts = {key: key.partition(":") for key in keys}
    ids = {key: id for key, (kind, _, id) in parts.items() if kind in ("account", "agent")}
    bots = {id: row.name for id, row in bot_rows.with_ids(ids.values()).items()}
    people = account_rows.with_ids(ids.values()).items()
    names = bots | {id: row.email for id, row in people if row.agent.removed_at is None}
    return {key: names[id] for key, id in ids.items() if id in names}
