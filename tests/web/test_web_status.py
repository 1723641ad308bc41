"""The status tab: current figures, charts with and without scripts, the small chart on the dashboard."""

import itertools
import json
import re
import time
import xml.etree.ElementTree as ElementTree

import pytest
from flask.testing import FlaskClient
from pouring import event, owner, poured, report
from visiting import sign_in

from pillar_service.core.bots.series import YOUNG_S, Span
from pillar_service.store import database
from pillar_service.store.bots import bots as rows
from pillar_service.store.people.agents import Agent
from pillar_service.usecases.bots import health
from pillar_service.web import charts, drawing, figures

SVG = "{http://www.w3.org/2000/svg}"
PAGES = ("status", "status/figures", "series.json", "chart.svg", "spark.svg")


@pytest.fixture
def bot(visitor: FlaskClient) -> str:
    """A bot with two hours of samples, restarted half an hour ago after a gap of ten minutes; its id."""
    owner()
    id, now = str(poured()["id"]), int(time.time())
    told = {"memory_limit_bytes": 2**28, "memory_bytes": 96 << 20, "follows": 7, "restarts": 1, "version": "1.2.3"}
    each = [
        report(id, **told, at=now - ago, uptime_s=1800 - ago if ago <= 1800 else 9000 - ago, rx_bytes=(now - ago) * 100)
        for ago in range(0, 7200, 15)
        if not 1800 < ago < 2400
    ]
    with database.transaction():
        rows.change(id, reported_at=now - 7200)  # when it was poured
    health.take("cellar-1", [event(*each)])
    sign_in(visitor)
    return id


def drawn(client: FlaskClient, address: str) -> ElementTree.Element:
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    return ElementTree.fromstring(answer.data)


def test_the_page_says_how_the_bot_is(visitor: FlaskClient, bot: str) -> None:
    page = visitor.get("/bots/my/status").text
    for said in ("alive", "30 min", "8.0 GiB", "96.0 MiB of 256 MiB", "received", "1.2.3", "cellar-1"):
        assert said in page
    words = re.sub(r"<[^>]+>", " ", page)
    assert re.search(r"Follows\s+7", words)
    assert re.search(r"Peers now\s+2", words)
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)


def test_without_a_script_the_page_renews_itself(visitor: FlaskClient, bot: str) -> None:
    for path in ("/bots/my/status", "/bots"):
        assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in visitor.get(path).text


def test_the_figures_are_fetched_again_as_a_part_of_the_page(visitor: FlaskClient, bot: str) -> None:
    page = visitor.get("/bots/my/status").text
    address = re.search(r'hx-get="([^"]+)" hx-trigger="every 5s"', page)
    assert address
    part = visitor.get(address[1]).text
    assert "<html" not in part
    assert part[part.index("<dl") : part.index("</dl>")] in page
    health.take("cellar-1", [event(report(bot, peers=41), n=2)])
    assert "41" in visitor.get(address[1]).text


def test_what_stands_above_the_tabs_comes_with_the_figures(visitor: FlaskClient, bot: str) -> None:
    page = visitor.get("/bots/my/status").text
    with database.transaction():
        rows.change(bot, actual="sick", detail="It is <ill>.")
    part = visitor.get("/bots/my/status/figures").text
    for id in ("bot-state", "bot-detail"):
        assert page.count(f'id="{id}"') == part.count(f'id="{id}" hx-swap-oob="true"') == 1
    assert "#sick</span>" in part
    assert '<p class="wrong">It is &lt;ill&gt;.</p>' in part
    assert '<p class="wrong" role="alert">It is &lt;ill&gt;.</p>' in visitor.get("/bots/my/actions").text
    assert "hx-swap-oob" not in page


def test_a_bot_that_was_never_heard_of_has_a_page_too(visitor: FlaskClient) -> None:
    owner()
    poured()
    sign_in(visitor)
    for span in Span:
        page = visitor.get(f"/bots/my/status?span={span}")
        assert page.status_code == 200
        assert "unknown" in page.text
        assert "Nothing was heard from it" in page.text
        assert "data-series" not in page.text
        chart = drawn(visitor, f"/bots/my/chart.svg?span={span}")
        assert "Nothing was heard yet" in [text.text for text in chart.iter(f"{SVG}text")]
    assert visitor.get("/bots/my/spark.svg").status_code == 200


@pytest.mark.parametrize("span", list(Span))
def test_every_span_has_its_link_and_every_chart_its_drawing(visitor: FlaskClient, bot: str, span: Span) -> None:
    page = visitor.get(f"/bots/my/status?span={span}").text
    assert page.count('aria-current="page"') >= 1
    assert all(f"span={each}" in page for each in Span)
    for figure in charts.CHARTS:
        assert f"/bots/my/chart.svg?figure={figure}&amp;span={span}" in page
        chart = drawn(visitor, f"/bots/my/chart.svg?figure={figure}&span={span}")
        strokes = [path.get("d") for path in chart.iter(f"{SVG}path")]
        assert all(strokes) or (figure == "bandwidth" and len(strokes) == 2)  # a rate needs two points
    assert "Nothing was heard from it" not in page
    table = page[page.index("<table") :]
    assert table.count('<th scope="row">') == 6
    assert "96.0 MiB" in table


def test_of_a_young_bot_the_last_hour_is_shown_first(visitor: FlaskClient, bot: str) -> None:
    assert f"span={Span.HOUR}" in re.findall(r'data-series="([^"]+)"', visitor.get("/bots/my/status").text)[0]
    with database.transaction():
        Agent.update(created_at=time.time() - YOUNG_S).where(Agent.id == bot).execute()
    assert f"span={Span.DAY}" in re.findall(r'data-series="([^"]+)"', visitor.get("/bots/my/status").text)[0]


def test_the_chart_shows_limit_restart_and_gap(visitor: FlaskClient, bot: str) -> None:
    chart = drawn(visitor, "/bots/my/chart.svg?figure=memory&span=day")
    classes = [line.get("class") for line in chart.iter(f"{SVG}line")]
    assert classes.count("limit") == 2  # one of them is in the legend
    assert classes.count("restart") == 2
    assert "limit 256 MiB" in [text.text for text in chart.iter(f"{SVG}text")]
    [mean, _most] = [path.get("d") or "" for path in chart.iter(f"{SVG}path")]
    assert mean.count("M") == 2
    classes = [line.get("class") for line in drawn(visitor, "/bots/my/chart.svg?figure=disk").iter(f"{SVG}line")]
    assert "limit" not in classes


def test_the_policy_of_a_drawing_lets_its_own_style_in_and_no_other(visitor: FlaskClient, bot: str) -> None:
    answer = visitor.get("/bots/my/chart.svg")
    assert answer.headers["Content-Security-Policy"] == drawing.POLICY
    assert f"<style>{drawing.STYLE}</style>" in answer.text
    assert "unsafe" not in drawing.POLICY
    assert "prefers-color-scheme:dark" in answer.text


def test_the_script_gets_the_points(visitor: FlaskClient, bot: str) -> None:
    told = json.loads(visitor.get("/bots/my/series.json?span=hour").data)
    assert len(told["at"]) == len(told["memory"]) == len(told["rx_per_s"]) == 120
    assert told["memory_limit"] == 2**28
    assert len(told["restarts"]) == 1
    assert (told["restarted"], told["restarted_exactly"]) == (1, True)
    assert {round(rate) for rate in told["rx_per_s"] if rate is not None} == {100}
    page = visitor.get("/bots/my/status?span=hour").text
    assert 'data-series="/bots/my/series.json?span=hour"' in page


def test_the_small_chart_is_asked_for_once_a_minute(visitor: FlaskClient, bot: str) -> None:
    first = visitor.get("/bots/my/spark.svg?figure=peers")
    assert first.headers["Cache-Control"] == "private, max-age=60"
    assert len(first.data) < 4000
    again = visitor.get("/bots/my/spark.svg?figure=peers", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "wrong", ["status?span=week", "series.json?span=", "chart.svg?figure=secret", "spark.svg?figure=<"]
)
def test_what_is_no_span_or_figure_is_refused(visitor: FlaskClient, bot: str, wrong: str) -> None:
    assert visitor.get(f"/bots/my/{wrong}").status_code == 422


@pytest.mark.parametrize("page", PAGES)
def test_strangers_see_nothing(visitor: FlaskClient, bot: str, page: str) -> None:
    assert visitor.get(f"/bots/my/{page}").status_code == 200
    other = visitor.application.test_client()
    assert other.get(f"/bots/my/{page}").status_code in (302, 401)  # A part of a page does not redirect.
    owner("other@example.org")
    sign_in(other, "other@example.org")
    assert other.get(f"/bots/my/{page}").status_code == 404


@pytest.mark.parametrize("most", [0, 0.2, 1, 3, 7, 10, 99, 1234, 2**20, 10**9])
@pytest.mark.parametrize("base", [2, 10])
def test_a_scale_is_even_and_holds_all(most: float, base: int) -> None:
    scale = drawing.ticks(most, base)
    assert scale[0] == 0
    assert scale[-1] >= most
    assert 2 <= len(scale) <= 7
    assert len({after - before for before, after in itertools.pairwise(scale)}) == 1


def test_a_gap_ends_the_stroke_and_a_lone_point_is_seen() -> None:
    assert drawing.path([0, 1, 2, 3, 4], [1, 2, None, 5, None], lambda value: value) == "M0.0 1.0L1.0 2.0M3.0 5.0h0"


def test_a_title_cannot_break_out() -> None:
    chart = drawing.chart(drawing.Drawing("</title><script>", [0, 300], [("<b>", [1, None])], figures.size))
    assert "<script>" not in chart
    assert "<b>" not in chart
