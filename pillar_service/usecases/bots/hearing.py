"""One batch of reports from one node: what each means for its bot, with few queries for the whole batch."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health, identities, series
from pillar_service.core.bots.moves import MoveState
from pillar_service.core.people import agents as rules
from pillar_service.core.people.agents import AccountState, Actual, Desired
from pillar_service.store.bots import bots, moves
from pillar_service.store.bots.bots import Placed
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import standings
from pillar_service.usecases.bots import series as kept
from pillar_service.usecases.jobs import endings, plans
from pillar_service.usecases.nodes import pillars


class Hearing:
    """Hear a node's reports one after the other, then keep them, inside the caller's transaction."""

    def __init__(self, node: str, now: float) -> None:
        self.node, self.now = node, now
        self.placed = {bot.id: bot for bot in bots.placed(node)}
        self._samples: dict[str, list[series.Sample]] = {}
        self._newer: set[str] = set()
        self._named = False

    @cached_property
    def _offset_s(self) -> float | None:
        standing = standings.find(self.node)
        return standing.offset_s if standing else None

    @cached_property
    def _pouring(self) -> set[str]:
        return {job.bot for job in jobs.open_on(self.node) if job.bot and plans.converges(job)}

    @cached_property
    def _moving(self) -> frozenset[str]:
        return frozenset(bot for bot, state in moves.states().items() if state != MoveState.CLEARING)

    @cached_property
    def _owners(self) -> dict[str, list[AccountState]]:
        return pillars.owner_states(list(self.placed))

    def hear(self, report: Mapping[str, Any]) -> str | None:
        """Take one bot's report; returns why it, or a part of it, was refused, or None."""
        bot = self.placed.get(report["bot"])
        if bot is None:
            return f"The bot {names.shown(report['bot'])} is not on {self.node}."
        at = health.made_at(report["at"], self._offset_s, self.now)
        self._samples.setdefault(bot.id, []).append(series.sample(report, at))
        if bot.reported_at is None or at >= bot.reported_at or bot.reported_at > self.now:  # our own clock was ahead
            self._last_word(bot, report, at)
        return identities.another(bot.pub_id, report["pub_id"]) if report["pub_id"] else None

    def _last_word(self, bot: Placed, report: Mapping[str, Any], at: float) -> None:
        self._newer.add(bot.id)
        bot.actual = str(self._actual(bot, report))
        bot.reported_at, bot.report = at, report
        told = endings.told(bot, report)
        for column, value in told.items():
            setattr(bot, column, value)
        self._named |= "pub_id" in told
        self._is_itself(bot, report["pub_id"])

    def _is_itself(self, bot: Placed, found: str | None) -> None:
        wrong = identities.another(bot.pub_id, found) if found else None
        if wrong and bot.desired != Desired.ABSENT:
            bot.actual, bot.detail = str(Actual.SICK), wrong
        elif found and bot.detail.endswith(identities.MEND):
            bot.detail = ""

    def _actual(self, bot: Placed, report: Mapping[str, Any]) -> Actual:
        actual, before = health.reported(report), Actual(bot.actual)
        if actual is Actual.ALIVE or bot.desired == Desired.ABSENT:
            # Only the job that removes a bot says that it is gone.
            return actual if actual is not Actual.GONE else before
        if bot.id in self._moving:
            return Actual.PROVISIONING
        if before is Actual.ALIVE and actual is Actual.PROVISIONING:
            # The node looked before the bot's job said that it lives, or the bot is restarting; if it stays silent, it
            # soon counts as sick.
            return before
        if before is Actual.PROVISIONING and bot.id in self._pouring:
            return before  # not there yet, or not up yet: its job will tell
        if actual is Actual.STOPPED and bot.desired == Desired.RUNNING and report["status"] == "exited":
            effective = rules.effective(Desired(bot.desired), self._owners.get(bot.id, []))
            return actual if effective is Desired.STOPPED else Actual.SICK
        return Actual.SICK if actual is Actual.GONE else actual

    def keep(self) -> None:
        """Write down everything that was heard."""
        kept.keep(self._samples, self.now)
        bots.reported(self.placed[id] for id in self._newer)
        if self._named:
            pillars.rewrite(self.node)
