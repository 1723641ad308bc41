"""Where events are forwarded to: who may set that, and what is kept; by mail and Slack."""

from collections.abc import Callable
from typing import Any

import pytest
from eventful import known
from forwarding_out import URL, taken, tell, verify
from pouring import has_second_factor, operator, owner

from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.events import forwarding
from pillar_service.store import database
from pillar_service.store.chat import outgoing
from pillar_service.store.events import forwardings as rows
from pillar_service.store.people import second_factor
from pillar_service.usecases.chat import outbox
from pillar_service.usecases.events import deliveries, forwardings
from pillar_service.usecases.people import accounts, leaving

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def ann() -> str:
    """An account with a node, `shed`."""
    person = owner("ann@example.org")
    known("shed", person)
    return person


def test_the_secret_is_told_once_and_kept_sealed(ann: str) -> None:
    made = forwardings.make(ann, ann, "webhook", URL, severity="warning", type="org.example.*", node="")
    assert made["secret"].startswith("whsec_")
    [shown] = forwardings.listed(ann)
    assert "secret" not in shown
    assert shown["filter"] == {"severity": "warning", "type": "org.example.*"}
    assert made["secret"] not in str(rows.find(made["id"]).__data__)  # type: ignore[union-attr]
    tell(1, data={"severity": "warning"})
    assert taken(made["id"]).secret == made["secret"]


@pytest.mark.parametrize(
    ("way", "address"),
    [("webhook", "http://a.example/"), ("pigeon", URL), ("mail", URL), ("slack", "C012345"), ("mail", "")],
)
def test_what_can_not_be_made(ann: str, way: str, address: str) -> None:
    with pytest.raises(Invalid):
        forwardings.make(ann, ann, way, address)
    assert forwardings.listed(ann) == []


def test_an_account_has_so_many_and_sees_its_own_alone(ann: str) -> None:
    made = [forwardings.make(ann, ann, "webhook", URL)["id"] for _ in range(forwarding.MOST)]
    with pytest.raises(Conflict):
        forwardings.make(ann, ann, "webhook", URL)
    bob = owner("bob@example.org")
    assert forwardings.listed(bob) == forwardings.listed(None) == []
    for whose in (bob, None):
        for deed in (forwardings.test, forwardings.remove, lambda *which: forwardings.switch(*which, False)):
            with pytest.raises(NotFound):
                deed("test", whose, made[0])
    forwardings.remove("test", ann, made[0])
    assert len(forwardings.listed(ann)) == forwarding.MOST - 1


def test_a_suspended_account_waits_and_may_only_take_away(ann: str) -> None:
    id, other = (forwardings.make(ann, ann, "webhook", URL)["id"] for _ in range(2))
    tell(1)
    accounts.set_state("test", "ann@example.org", "suspended")
    assert deliveries.due(9) == []
    with pytest.raises(Forbidden):
        forwardings.make(ann, ann, "webhook", URL)
    with pytest.raises(Forbidden):
        forwardings.test("test", ann, id)
    assert forwardings.switch("test", ann, id, False)["state"] == "off"
    forwardings.remove("test", ann, other)


def test_a_secret_that_can_not_be_read_switches_it_off(ann: str) -> None:
    id = forwardings.make(ann, ann, "webhook", URL)["id"]
    tell(1)
    rows.change(id, secret="other")
    assert deliveries.take(id) is None
    assert "CELLAR_SECRET_KEY" in forwardings.listed(ann)[0]["error"]


def test_mail_tells_what_came_once_and_rests_a_while(ann: str, posted: Callable[[], list[Any]]) -> None:
    verify(ann, None)
    with pytest.raises(Conflict, match="verified"):
        forwardings.make(ann, ann, "mail")
    verify(ann)
    id = forwardings.make(ann, ann, "mail")["id"]
    tell(*range(1, 151))
    assert deliveries.take(id) is None
    [letter] = posted()
    assert letter.recipient == "ann@example.org"
    assert "150 events" in letter.subject
    assert "… and 120 more" in letter.text
    tell(151)
    assert deliveries.due(9) == []
    rows.change(id, not_before=0.0)
    assert deliveries.due(9) == [id]


def test_operators_events_are_mailed_to_operators_alone(ann: str, posted: Callable[[], list[Any]]) -> None:
    verify(ann)
    id = forwardings.make(ann, None, "mail")["id"]
    tell(1)
    deliveries.take(id)
    assert posted() == []
    assert forwardings.listed(None)[0]["state"] == "failed"


def test_they_are_mailed_while_the_operators_second_factor_is_on(ann: str, posted: Callable[[], list[Any]]) -> None:
    boss = has_second_factor(operator())
    verify(boss)
    id = forwardings.make(boss, None, "mail")["id"]
    tell(1)
    deliveries.take(id)
    assert [letter.recipient for letter in posted()] == ["op@example.org"]
    with database.transaction():
        second_factor.drop(boss)
    rows.change(id, not_before=0.0)
    tell(2)
    deliveries.take(id)
    assert (len(posted()), forwardings.listed(None)[0]["state"]) == (1, "failed")


def test_operators_may_forward_to_slack(ann: str, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_SLACK_BOT_TOKEN", "xoxb-1")
    service()
    with pytest.raises(Invalid, match="operators"):
        forwardings.make(ann, ann, "slack", "C012345")
    id = forwardings.make(ann, None, "slack", "C012345")["id"]
    tell(1, subject="<!channel>")
    deliveries.take(id)
    [message] = outgoing.Outgoing.select()
    said = outbox.opened(message.id, message.body)
    assert (message.channel, "&lt;!channel&gt;" in said["text"]) == ("C012345", True)  # type: ignore[index]
    assert forwardings.listed(None)[0]["sent"] == 1


def test_who_leaves_takes_the_list_along_and_leaves_none(ann: str) -> None:
    forwardings.make(ann, ann, "webhook", URL)
    assert leaving.data(ann)["forwardings"][0]["address"] == URL
    leaving.delete(ann, "ann@example.org", "long enough 1", None)
    assert rows.of(ann) == []


def test_the_table_can_be_taken_back_and_made_again() -> None:
    from importlib import import_module

    step = import_module("pillar_service.store.migrations.0024_forwarding")
    with database.transaction():
        step.down(None, database.db)
        step.up(None, database.db)
    assert rows.of(None) == []
