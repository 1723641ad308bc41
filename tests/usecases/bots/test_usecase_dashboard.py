"""The dashboard: what it shows of each bot, and that it makes the same number of queries however many there are."""

import logging
import time
from collections.abc import Callable

import pytest
from pouring import OWNER, bot, event, owner, poured, report

from pillar_service.core.bots.health import LOST_AFTER_S
from pillar_service.store import database
from pillar_service.store.bots import bots
from pillar_service.store.jobs import outputs
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots as usecase
from pillar_service.usecases.bots import dashboard, health

pytestmark = pytest.mark.usefixtures("service")


def said(steps: int) -> str:
    """A bot that is being poured, whose job has so many lines; return its id."""
    made = bot("new")
    with database.transaction():
        for n in range(1, steps + 1):
            outputs.add_line(made["job"]["id"], n, str(n), f"step {n}", time.time())
    return str(made["agent"]["id"])


def test_a_card_shows_what_the_node_told_and_what_is_being_done() -> None:
    person = owner()
    told, new = poured("my", description="<mine>")["id"], said(steps=20)
    health.take("cellar-1", [event(report(told, disk_bytes=5, memory_bytes=6, peers=7))])
    cards = {card.id: card for card in dashboard.of(person)}
    assert [card.name for card in cards.values()] == ["my", "new"]
    mine, poor = cards[told], cards[new]
    assert (mine.disk_bytes, mine.memory_bytes, mine.peers, mine.actual) == (5, 6, 7, "alive")
    assert (mine.job, mine.steps, mine.description) == (None, (), "<mine>")
    assert mine.host == usecase.show("my")["host"]
    assert (poor.disk_bytes, poor.peers, poor.actual) == (None, None, "provisioning")
    assert poor.job is not None
    assert (poor.job.command, poor.job.state) == ("bots.create", "queued")
    assert poor.steps == tuple(f"step {n}" for n in range(9, 21))


def test_only_the_last_steps_of_each_pouring_are_read() -> None:
    owner()
    first, second = bot("first")["job"]["id"], bot("second")["job"]["id"]
    with database.transaction():
        for n in range(1, 9):
            outputs.add_line(first, n, str(n), f"step {n}", time.time())
        outputs.add_line(second, 1, "1", "alone", time.time())
    assert outputs.last_texts([first, second], 2) == {first: ["step 7", "step 8"], second: ["alone"]}
    assert outputs.last_texts([], 2) == {}


def test_an_old_report_is_no_longer_believed_and_a_removed_bot_is_not_shown() -> None:
    person = owner()
    old, gone = poured("old")["id"], poured("gone")["id"]
    with database.transaction():
        bots.change(old, reported_at=time.time() - LOST_AFTER_S - 1)
        agents.change(gone, removed_at=time.time())
    assert [(card.name, card.actual) for card in dashboard.of(person)] == [("old", "lost")]


def test_it_asks_as_much_for_many_bots_as_for_one(
    caplog: pytest.LogCaptureFixture, service: Callable[[], None]
) -> None:
    person = owner()
    said(steps=1)
    caplog.set_level(logging.DEBUG, "peewee")

    def asked() -> int:
        caplog.clear()
        dashboard.of(person)
        return len(caplog.records)

    first = asked()
    for n in range(5):
        bot(f"more-{n}", OWNER)
    assert asked() == first == 3
