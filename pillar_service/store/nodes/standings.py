"""How nodes stand: when each was heard of, what was made of it, and what it told of itself last."""

from collections.abc import Mapping, Sequence
from typing import Any

from peewee import BooleanField, Case, DoubleField, IntegerField, TextField

from pillar_service.core.nodes import presence
from pillar_service.core.nodes.presence import STOPPED_AFTER_S
from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.sql import places, read


class Standing(Table):
    """A node's. ``lag_s``: how old its last event was when it came; ``offset_s``: how far its clock is ahead of ours."""

    node = TextField(primary_key=True)
    account = TextField(null=True)
    state = TextField()
    since = DoubleField()
    is_away = BooleanField()
    heard_at = DoubleField(null=True)
    reported_at = DoubleField(null=True)
    stopped_at = DoubleField(null=True)
    penalty = DoubleField()
    penalty_at = DoubleField()
    deaf_s = DoubleField(default=0.0)
    lag_s = DoubleField(null=True)
    offset_s = DoubleField(null=True)
    spool = JsonField(null=True)
    versions = JsonField(null=True)

    @property
    def presence(self) -> presence.Standing:
        """What core decides by."""
        return presence.Standing(
            self.heard_at,
            self.reported_at,
            self.stopped_at,
            bool(self.is_away),
            presence.State(self.state),
            self.since,
            self.penalty,
            self.penalty_at,
            self.deaf_s,
        )


class Pulse(Table):
    """One row: when the service was last there to listen."""

    id = IntegerField(primary_key=True)
    beat_at = DoubleField()


def find(node: str) -> Standing | None:
    """How a node stands; None when nothing came of it."""
    return plain.first(Standing, "WHERE node = ?", node)


def of(nodes: Sequence[str]) -> dict[str, Standing]:
    """How these nodes stand, by their ids."""
    return {one.node: one for one in plain.found(Standing, f"WHERE node IN ({places(len(nodes))})", *nodes)}


def doubtful(now: float) -> list[Standing]:
    """Those that may not be there any more, or may be steady again."""
    return plain.found(Standing, "WHERE (NOT is_away AND heard_at < ?) OR state = 'unsteady'", now - STOPPED_AFTER_S)


def beat_at() -> float | None:
    """When the service was last there, as far as it is written down."""
    told = read("SELECT beat_at FROM pulse")
    return float(told[0][0]) if told else None


def beat(now: float) -> None:
    """The service is there."""
    if not plain.change(Pulse, {"beat_at": now}, "id = 1"):
        plain.add(Pulse, {"id": 1, "beat_at": now})


def was_deaf(until: float, seconds: float) -> None:
    """Of the silence of all that were heard of until then, so many seconds more are the service's own."""
    Standing.update(deaf_s=Standing.deaf_s + seconds).where(Standing.heard_at <= until).execute()


def was_ahead(now: float, seconds: float) -> None:
    """The clock was so far ahead, and is right again: who was heard of by it was as long ago as it seemed then; for others the
    jump ahead was a silence of the service's own."""
    told = (Standing.heard_at, Standing.reported_at, Standing.stopped_at)
    Standing.update({column: column - seconds for column in told}).where(Standing.heard_at > now).execute()
    left = Standing.deaf_s - seconds
    Standing.update(deaf_s=Case(None, [(left > 0, left)], 0.0)).where(Standing.deaf_s > 0).execute()


def put(before: Standing | None, node: str, columns: Mapping[str, Any]) -> None:
    """Write down how a node stands."""
    if before is None:
        plain.add(Standing, {"node": node, **columns})
    else:
        plain.change(Standing, columns, "node = ?", node)


def counts() -> dict[str, int]:
    """How many nodes stand how; those that are lost or cut off are not looked for."""
    told = (
        "SELECT coalesce(standing.state, 'never'), count(*) FROM node LEFT JOIN standing ON node = node.id "
        "WHERE lost_at IS NULL AND key_state <> 'revoked' GROUP BY 1"
    )
    return {str(state): int(count) for state, count in read(told)}


def forget_account(account: str) -> None:
    """Forget how an account's nodes stood."""
    Standing.delete().where(Standing.account == account).execute()


def forget(node: str) -> None:
    """Forget how a node stood."""
    Standing.delete().where(Standing.node == node).execute()
