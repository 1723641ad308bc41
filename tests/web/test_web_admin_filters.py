"""The operators' lists: filtered by the address, and read page by page."""

import re
from typing import Any

import pytest
from eventful import told
from flask.testing import FlaskClient
from pouring import OWNER, event, poured, report

from pillar_service.store import database
from pillar_service.usecases.bots import health
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import auditing

FILTERS = {
    "accounts": {"state": "active", "role": "person", "since": "2020-01-01", "until": "2999-01-01"},
    "bots": {"state": "alive", "desired": "running", "node": "cellar-1", "account": OWNER, "since": "2020-01-01"},
    "jobs": {
        "state": "succeeded", "command": "bots.create", "node": "cellar-1", "bot": "my", "account": OWNER,
        "actor": "test", "since": "2020-01-01", "until": "2999-01-01",
    },
    "reports": {"state": "alive", "node": "cellar-1", "bot": "my", "since": "2020-01-01"},
    "audit": {"actor": "test", "action": "bots.create", "since": "2020-01-01", "until": "2999-01-01"},
}  # fmt: skip

UNKNOWN = ("bot", "account")
"""Filters whose value must exist: otherwise the page says that it does not, instead of showing an empty list."""


@pytest.mark.parametrize("noun", list(FILTERS))
def test_filters_live_in_the_address(visitor: FlaskClient, operator: str, someone: str, noun: str) -> None:
    health.take("cellar-1", [event(report(poured()["id"]))])
    page = visitor.get(f"/admin/{noun}", query_string=FILTERS[noun]).text
    assert "There is nothing here" not in page
    for name, value in FILTERS[noun].items():
        chosen = f"<option selected>{value}</option>" in page
        written = re.search(rf'name="{name}" value="{re.escape(value)}"', page)
        assert chosen or written, name
        others = {"state": {"state": "lost"}, "role": {"role": "operator", "state": "suspended"}}
        other = others.get(name, {name: {"desired": "absent", "command": "bots.export"}.get(name, "nobody-9")})
        if name in ("since", "until"):
            other = {name: "2998-01-01" if name == "since" else "1980-01-01"}
        if (noun, name) == ("accounts", "state"):
            other = {"state": "suspended"}
        without = visitor.get(f"/admin/{noun}", query_string={**FILTERS[noun], **other})
        is_unknown = other == {name: "nobody-9"} and name in UNKNOWN
        assert without.status_code == (404 if is_unknown else 200), name
        assert is_unknown or "There is nothing here" in without.text, name


def test_events_are_what_nodes_told_filtered_by_the_address(visitor: FlaskClient, operator: str) -> None:
    nodes.add("test", "cellar-2")
    events.take(
        "cellar-1", [told(1, subject="dbase-7"), told(2, type="org.example.disk", data={"severity": "critical"})]
    )
    events.take("cellar-2", [told(1, node="cellar-2", subject="garden-9")])

    def shows(**asked: str) -> set[str]:
        page = visitor.get("/admin/events", query_string=asked)
        assert page.status_code == 200, asked
        for name, value in asked.items():
            is_kept = f"<option selected>{value}</option>" in page.text or f'name="{name}" value="{value}"' in page.text
            assert is_kept, name
        return {word for word in ("dbase-7", "org.example.disk", "garden-9") if word in page.text}

    assert shows() == {"dbase-7", "org.example.disk", "garden-9"}
    assert shows(severity="critical") == shows(type="org.example.d*") == {"org.example.disk"}
    assert shows(node="cellar-2", kind="submission") == {"garden-9"}
    assert shows(since="2020-01-01", until="2999-01-01") == {"dbase-7", "org.example.disk", "garden-9"}
    assert shows(kind="gap") == shows(since="2998-01-01") == shows(until="1980-01-01") == shows(node="no-such") == set()
    for name in ("severity", "kind", "type", "since", "until", "before"):
        for wrong in ("no such", "\0", "%", "'\"<script>", "x" * 10_000):
            assert visitor.get("/admin/events", query_string={name: wrong}).status_code == 422, (name, wrong)


def test_events_have_pages_that_keep_the_filter(visitor: FlaskClient, operator: str) -> None:
    events.take("cellar-1", [told(n, subject=f"s{n}.") for n in range(1, 61)])
    first = visitor.get("/admin/events?kind=submission").text
    [more] = re.findall(r'rel="next" href="([^"]+)"', first)
    assert "kind=submission" in more
    second = visitor.get(more.replace("&amp;", "&")).text
    assert [("s60." in page, "s1." in page) for page in (first, second)] == [(True, False), (False, True)]
    assert 'rel="next"' not in second


@pytest.mark.parametrize("noun", list(FILTERS))
@pytest.mark.parametrize("wrong", ["x" * 10_000, "\0", "%", "'\"<script>", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_hostile_filter_is_answered(visitor: FlaskClient, operator: str, noun: str, wrong: Any) -> None:
    for name in (*FILTERS[noun], "before"):
        page = visitor.get(f"/admin/{noun}", query_string={name: wrong})
        assert page.status_code in (200, 404, 422), name
        assert "<script>" not in page.text


def test_the_next_page_keeps_the_filters_and_stays_right_while_rows_come_in(
    visitor: FlaskClient, operator: str
) -> None:
    subject = "agent:0123456789abcdef"

    def add(n: int) -> None:
        auditing.record("test", "many", subject, float(1_000_000 + n // 3), f"row {n:03}.")

    with database.transaction():
        for n in range(120):
            add(n)
    seen: list[str] = []
    path = "/admin/audit?action=many&actor=test"
    for round in range(3):
        page = visitor.get(path)
        seen += re.findall(r"row \d{3}\.", page.text)
        with database.transaction():
            for n in range(200 + 70 * round, 270 + 70 * round):
                add(n)
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = found[1].replace("&amp;", "&") if found else ""
    assert path == ""
    assert len(seen) == 120
    assert set(seen) == {f"row {n:03}." for n in range(120)}
