"""The operators' search in a browser."""

import re

import pytest
from eventful import told
from flask.testing import FlaskClient
from pouring import OWNER, PUB, carry_out, poured
from visiting import OPERATOR

from pillar_service.core.errors import Invalid
from pillar_service.core.events.events import Filter
from pillar_service.store import database
from pillar_service.store.nodes import nodes as rows
from pillar_service.usecases.admin import audit, search
from pillar_service.usecases.bots import bots
from pillar_service.usecases.events import events, stories
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import auditing


def found(visitor: FlaskClient, word: str, **more: str) -> set[str]:
    """The kinds of things that a word finds."""
    page = visitor.get("/admin/search", query_string={"q": word, **more})
    assert page.status_code == 200
    return set(re.findall(r"<h2>(\w+)</h2>", page.text))


def test_one_word_finds_each_kind(visitor: FlaskClient, operator: str, someone: str) -> None:
    mine = poured()
    job = jobs.listed()[0]["id"]
    for word, kinds in {
        OWNER: {"Accounts", "Audit"},
        "DEMO@": {"Accounts", "Audit"},
        someone: {"Accounts", "Audit"},
        someone[:6]: {"Accounts"},
        "my": {"Bots"},
        mine["id"]: {"Bots", "Audit"},
        mine["id"][:6]: {"Bots"},
        PUB: {"Bots"},
        PUB[:12]: {"Bots"},
        "cellar": {"Nodes", "Audit"},
        "cellar-1": {"Nodes", "Actors", "Audit"},
        job: {"Jobs"},
        job[:6]: {"Jobs"},
        "bots.create": {"Jobs", "Audit"},
        "CREATE": {"Jobs", "Audit"},
        "test": {"Jobs", "Actors", "Audit"},
        "node:cellar-1": {"Actors", "Audit"},
        f"account:{operator}": {"Actors", "Audit"},
    }.items():
        assert kinds <= found(visitor, word) <= kinds | {"Audit"}, word  # The audit's newest rows are searched, too.
    assert found(visitor, "nothing-is-called-so") == found(visitor, "") == set()
    carry_out()
    bots.delete("test", "my", purge=False)
    carry_out()
    assert "Bots" in found(visitor, "my")


def test_a_label_finds_its_nodes(visitor: FlaskClient, operator: str, someone: str) -> None:
    nodes.label("test", "cellar-1", {"environment": "prd", "butt.nz/rack": "7"})
    for word in ("environment", "environment=", "environment=prd", "ENVIRON", "prd", "butt.nz/rack=7", "rack"):
        assert found(visitor, word, kind="nodes") == {"Nodes"}, word
    for word in ("environment=stg", "nvironment=prd", "prd=", "rack=7", ": ", '", "'):
        assert found(visitor, word, kind="nodes") == set(), word


def test_nodes_are_filtered_by_label_and_account(visitor: FlaskClient, operator: str, someone: str) -> None:
    nodes.label("test", "cellar-1", {"environment": "prd"})
    with database.transaction():
        rows.add("shed", 1, 20000, 20001, someone)

    def listed(**asked: str) -> set[str]:
        page = visitor.get("/admin/nodes", query_string=asked)
        assert page.status_code == 200
        assert all(re.search(rf'name="{name}" value="{value}"', page.text) for name, value in asked.items())
        return {id for id in ("cellar-1", "shed") if f'/admin/nodes/{id}"' in page.text}

    assert "environment=prd" in visitor.get("/admin/nodes").text
    assert listed() == {"cellar-1", "shed"}
    assert listed(label="environment=prd") == listed(label="env") == {"cellar-1"}
    assert listed(account=OWNER) == listed(account=someone) == {"shed"}
    assert listed(account=OWNER, label="prd") == listed(label="environment=p_d") == set()
    assert visitor.get("/admin/nodes?account=nobody-9").status_code == 404
    for wrong in ("%", "a b", "'; DROP TABLE node; --", "x" * 10_000 + "!"):
        assert visitor.get("/admin/nodes", query_string={"label": wrong}).status_code == 422


def test_events_are_found_by_their_place_and_what_they_say(visitor: FlaskClient, operator: str, someone: str) -> None:
    events.take("cellar-1", [told(3, subject="db", epoch=7)])
    [event] = stories.listed(None, Filter(type="org.example.backup.done"))["events"]
    for word in (event["id"], event["id"].rpartition("/")[0], "example.backup", "db"):
        assert found(visitor, word, kind="events") == {"Events"}, word
    for word in (f"{event['id']}9", "cellar-9/1", "cellar-1/1/1/1", "org_example"):
        assert found(visitor, word, kind="events") == set(), word


def test_what_an_address_asked_for_is_found_by_it(visitor: FlaskClient, operator: str, someone: str) -> None:
    poured()
    job = jobs.submit(f"account:{someone}", "bots.restart", "my")["job"]["id"]
    assert job in visitor.get("/admin/search", query_string={"q": OWNER, "kind": "jobs"}).text
    assert job not in visitor.get("/admin/search", query_string={"q": OPERATOR, "kind": "jobs"}).text


def test_one_kind_shows_more_and_lives_in_the_address(visitor: FlaskClient, operator: str, someone: str) -> None:
    poured()
    for n in range(30):
        with database.transaction():
            auditing.record("test", "many.more", f"job:{n:016}", float(n), f"row {n:02}.")
    few = visitor.get("/admin/search?q=many.more")
    assert len(re.findall(r"row \d\d\.", few.text)) == 20
    [more] = re.findall(r'href="([^"]+)">More audit', few.text)
    all_of = visitor.get(more.replace("&amp;", "&"))
    assert len(re.findall(r"row \d\d\.", all_of.text)) == 30
    assert 'aria-current="page">audit' in all_of.text
    assert visitor.get("/admin/search?q=x&kind=wine").status_code == 422


@pytest.mark.parametrize("word", ["%", "_", "\\", "'", '"', "%%%", "m_", "'; DROP TABLE agent; --", "💥", "ä"])
def test_a_hostile_word_means_itself_and_breaks_nothing(
    visitor: FlaskClient, operator: str, someone: str, word: str
) -> None:
    poured()
    said = any(word in " ".join([row["action"], row["detail"]]) for row in audit.newest(limit=500))
    assert found(visitor, word) == ({"Audit"} if said else set())


@pytest.mark.parametrize("word", ["x" * 10_000, "a\0b", "\r\n\x1b[0m a\x07"])
def test_a_word_that_can_not_be_is_said_to_be_wrong(visitor: FlaskClient, operator: str, word: str) -> None:
    page = visitor.get("/admin/search", query_string={"q": word})
    assert page.status_code == 422
    with pytest.raises(Invalid):
        search.everything(word)
