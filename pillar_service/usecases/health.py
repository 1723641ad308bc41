"""Health: what nodes report of themselves and of their bots."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent

from pillar_service.core import health, names
from pillar_service.core.agents import Actual, Desired
from pillar_service.core.commands import COMMANDS
from pillar_service.core.errors import Invalid
from pillar_service.store import bots, jobs, nodes, samples
from pillar_service.store.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.usecases import endings, fleet, pillars, reports

SAMPLES_KEPT_S = 30 * 86_400.0
MOST_EVENTS = 1000


def take(node: str, events: object) -> dict[str, list[Any]]:
    """Take a batch of CloudEvents from an authenticated node; returns {"accepted": [id], "refused": [{id, reason}]}.

    What is accepted is on disk. The same event again changes nothing. A bad event does not spoil the others.
    """
    if not isinstance(events, list) or len(events) > MOST_EVENTS:
        raise Invalid(f"Send a batch: a JSON list of at most {MOST_EVENTS} CloudEvents.")
    accepted: list[str] = []
    refused: list[dict[str, str]] = []
    now = time.time()
    with transaction():
        placed = {bot.id: bot for bot in bots.listed(node=node)}
        for raw in events:
            id = raw.get("id") if isinstance(raw, Mapping) else None
            try:
                refused += [{"id": str(id), "reason": why} for why in _take(node, _event(raw, node), placed, now)]
                accepted.append(str(id))
            except Invalid as error:
                refused.append({"id": str(id)[:200], "reason": error.sentence})
        fleet.note(now)
    return {"accepted": accepted, "refused": refused}


def _event(raw: object, node: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise Invalid("An event must be an object.")
    attributes = {key: value for key, value in raw.items() if key != "data"}
    try:
        if "time" in attributes:
            attributes["time"] = datetime.fromisoformat(str(attributes["time"]))
        event = CloudEvent(attributes, raw.get("data"))
    except (CloudEventValidationError, ValueError, TypeError) as error:
        raise Invalid(f"It is no CloudEvent 1.0: {names.shown(str(error))}.") from error
    if event.get_type() != health.EVENT_TYPE:
        raise Invalid(f"The type {names.shown(event.get_type())} is not known.")
    if event.get_source() != node or not str(event.get_id()).startswith(f"{node}/"):
        raise Invalid(f"The event says that it is of {names.shown(event.get_source())}, but {node} sent it.")
    return reports.read(event.get_data())


def _take(node: str, data: Mapping[str, Any], placed: dict[str, Bot], now: float) -> list[str]:
    # The node may not have heard of its newest bots yet; whether a container is unlisted is decided here.
    unlisted = [name for name in data["node"]["unlisted"] if name.rpartition("-")[2] not in placed]
    nodes.change(node, last_seen=now, facts={**data["node"], "unlisted": unlisted})
    return [why for report in data["bots"] if (why := _take_report(node, report, placed.get(report["bot"]), now))]


def _take_report(node: str, report: dict[str, Any], bot: Bot | None, now: float) -> str | None:
    if bot is None:
        return f"The bot {names.shown(report['bot'])} is not on {node}."
    at = min(report["at"], now)  # a node's clock may be ahead; the future would hide every later report
    actual = _actual(bot, report)
    samples.add(bot.id, at, actual, report)
    if bot.reported_at is None or at >= bot.reported_at:
        if bot.reported_at is None or int(bot.reported_at // 3600) != int(at // 3600):
            samples.forget(bot.id, before=now - SAMPLES_KEPT_S)
        bots.change(bot.id, actual=str(actual), reported_at=at, report=report, **endings.told(bot, report))
        bot.reported_at, bot.actual = at, str(actual)
    if bot.pub_id and report["pub_id"] and bot.pub_id != report["pub_id"]:
        return f"{bot.name} is {bot.pub_id}, but the report says {report['pub_id']}: the identity was not changed."
    return None


def _actual(bot: Bot, report: Mapping[str, Any]) -> Actual:
    actual, before = health.reported(report), Actual(bot.actual)
    if actual is Actual.ALIVE or bot.desired == Desired.ABSENT:
        return actual if actual is not Actual.GONE else before  # gone is said by the job that removed it
    if before is Actual.PROVISIONING and any(COMMANDS[job.command].converges for job in jobs.open_of(bot.id)):
        return before  # not there yet, or not up yet: its job will tell
    if actual is Actual.STOPPED and bot.desired == Desired.RUNNING and report["status"] == "exited":
        return actual if pillars.effective(bot) is Desired.STOPPED else Actual.SICK
    return Actual.SICK if actual is Actual.GONE else actual
