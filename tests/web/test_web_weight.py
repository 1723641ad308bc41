"""A page weighs less than 150 KB: its HTML and every style, script and picture that it names."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from pouring import owner, poured
from visiting import sign_in

from pillar_service.usecases.jobs import claims, jobs, runs

MOST = 150_000
BROWSER = {"Accept-Encoding": "gzip, deflate"}
CHARTS = ("vendor/uPlot.iife.min.js", "vendor/uPlot.min.css")

PATHS = ("/", "/sign-in", "/start", "/account", "/bots", "/bots/my", "/my/jobs/{job}", "/api", "/nothing/here")


def loaded(visitor: FlaskClient, page: Any) -> list[str]:
    """The addresses of what the page makes a browser load."""
    tags = re.findall(r"<(?:link|script|img)\b[^>]*>", page.text)
    return [address for tag in tags for address in re.findall(r'(?:src|href)="([^"]+)"', tag)]


def weight(visitor: FlaskClient, path: str, **headers: str) -> tuple[int, list[str]]:
    """The bytes of a page with all it loads, as sent; and what it loads."""
    page = visitor.get(path, headers=headers, follow_redirects=True)
    named = loaded(visitor, page)
    parts = [visitor.get(address, headers=headers) for address in dict.fromkeys(named)]
    assert {part.status_code for part in parts} == {200}, f"{page.status}: {page.text[:500]}"
    return len(page.data) + sum(len(part.data) for part in parts), named


@pytest.fixture
def bot(visitor: FlaskClient) -> str:
    """A bot with a long history; gives the id of one of its jobs."""
    owner()
    poured()
    for n in range(20):
        job = jobs.submit("test", "bots.invite", "my", {"uses": 1, "note": f"friend {n}"})["job"]["id"]
    sign_in(visitor)
    return str(job)


def test_each_page_is_light(visitor: FlaskClient, bot: str) -> None:
    for path in PATHS:
        sent, named = weight(visitor, path.format(job=bot), **BROWSER)
        plain, _ = weight(visitor, path.format(job=bot))
        assert any("htmx" in address for address in named) == (path != "/api")  # only needed where something is live
        assert 10_000 < sent < plain < MOST, f"{path}: {sent} bytes, {plain} when nothing is compressed"


def test_a_job_with_thousands_of_long_lines_is_light_too(visitor: FlaskClient, bot: str) -> None:
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    told = ['"<é>' * 500, "one line of many, of a length that is usual: ok, changed."]
    runs.add_lines("salt", run["id"], [{"key": str(n), "text": told[n > 500]} for n in range(1500)])
    path, job, seen = f"/my/jobs/{run['jobs'][0]}", str(run["jobs"][0]), 0
    for shown in (200, 200):
        sent, _ = weight(visitor, path)
        page = visitor.get(path).text
        assert (sent < MOST, page.count("<li>one line")) == (True, shown)
        seen += shown
        assert f"{1500 - seen} older lines" in page
        path = f"/my/jobs/{job}?before={1500 - seen + 1}"
    heavy = f"/my/jobs/{job}?before=400"
    assert weight(visitor, heavy)[0] < MOST
    assert "hx-get" not in visitor.get(heavy).text
    assert "1 older line<" in visitor.get(f"/my/jobs/{job}?before=6").text
    assert visitor.get(f"/my/jobs/{job}?before=x").status_code == 422


def test_a_job_that_stands_still_sends_nothing(visitor: FlaskClient, bot: str) -> None:
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    page = visitor.get(f"/my/jobs/{run['jobs'][0]}")
    renews = re.search(r'hx-get="([^"]+)"', page.text)
    assert renews
    again = renews[1].replace("&amp;", "&")
    assert (visitor.get(again).status_code, visitor.get(again).data) == (204, b"")
    runs.add_lines("salt", run["id"], [{"key": "1", "text": "dir: ok."}])
    told = visitor.get(again)
    assert (told.status_code, "The place for its data is ready." in told.text, again in told.text) == (200, True, False)


def test_a_page_with_charts_is_light_too(visitor: FlaskClient, bot: str) -> None:
    page, _ = weight(visitor, "/bots/my", **BROWSER)
    charts = [visitor.get(f"/static/{name}", headers=BROWSER).data for name in CHARTS]
    assert page + sum(map(len, charts)) < MOST / 2
    assert "uPlot" not in visitor.get("/").text
