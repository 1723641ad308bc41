"""How nodes stand: when each was last heard of, what was concluded from that, and what it last reported of itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from peewee import BooleanField, Case, DoubleField, IntegerField, TextField

from pillar_service.core.nodes import presence
from pillar_service.core.nodes.presence import STOPPED_AFTER_S
from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.sql import places, read


class Standing(Table):
    """How one node stands. ``lag_s`` is how old its last event was on arrival, ``offset_s`` how far its clock is ahead of ours.

    ``deaf_s`` is how many seconds of its silence the service itself was not listening.
    """

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
        """The part that core's rules use."""
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
    """One row: when the service was last listening."""

    id = IntegerField(primary_key=True)
    beat_at = DoubleField()


def find(node: str) -> Standing | None:
    """How a node stands; None when nothing is known of it."""
    return plain.first(Standing, "WHERE node = ?", node)


def of(nodes: Sequence[str]) -> dict[str, Standing]:
    """How these nodes stand, by id."""
    return {one.node: one for one in plain.found(Standing, f"WHERE node IN ({places(len(nodes))})", *nodes)}


def doubtful(now: float) -> list[Standing]:
    """Nodes that may have gone away, or may be steady again."""
    return plain.found(Standing, "WHERE (NOT is_away AND heard_at < ?) OR state = 'unsteady'", now - STOPPED_AFTER_S)


def beat_at() -> float | None:
    """When the service was last listening, as recorded by `beat`."""
    told = read("SELECT beat_at FROM pulse")
    return float(told[0][0]) if told else None


def beat(now: float) -> None:
    """Record that the service is listening."""
    if not plain.change(Pulse, {"beat_at": now}, "id = 1"):
        plain.add(Pulse, {"id": 1, "beat_at": now})


def was_deaf(until: float, seconds: float) -> None:
    """Count so many more seconds of silence as the service's own, for all nodes last heard of by ``until``."""
    Standing.update(deaf_s=Standing.deaf_s + seconds).where(Standing.heard_at <= until).execute()


def was_ahead(now: float, seconds: float) -> None:
    """Correct all nodes after the service's clock was set back by so many seconds.

    Times after ``now`` were written by the clock while it was ahead, and move back. For nodes that were not heard of since,
    the clock's jump ahead was counted as silence of the service's own, and that is subtracted.
    """
    told = (Standing.heard_at, Standing.reported_at, Standing.stopped_at)
    Standing.update({column: column - seconds for column in told}).where(Standing.heard_at > now).execute()
    left = Standing.deaf_s - seconds
    Standing.update(deaf_s=Case(None, [(left > 0, left)], 0.0)).where(Standing.deaf_s > 0).execute()


def put(before: Standing | None, node: str, columns: Mapping[str, Any]) -> None:
    """Record how a node stands; ``before`` is the row that it has, if any."""
    if before is None:
        plain.add(Standing, {"node": node, **columns})
    else:
        plain.change(Standing, columns, "node = ?", node)


def counts() -> dict[str, int]:
    """How many nodes are in each state, without nodes that are lost or revoked."""
    told = (
        "SELECT coalesce(standing.state, 'never'), count(*) FROM node LEFT JOIN standing ON node = node.id "
        "WHERE lost_at IS NULL AND key_state <> 'revoked' GROUP BY 1"
    )
    return {str(state): int(count) for state, count in read(told)}


def forget_account(account: str) -> None:
    """Delete how an account's nodes stand."""
    Standing.delete().where(Standing.account == account).execute()


def forget(node: str) -> None:
    """Delete how a node stands."""
    Standing.delete().where(Standing.node == node).execute()
