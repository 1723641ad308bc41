"""The table of pages for browsers (tests/browser/places.py) has every page."""

import re
import sys
from pathlib import Path

from flask import Flask
from werkzeug.exceptions import NotFound

sys.path.append(str(Path(__file__).parent.parent / "browser"))

from places import PLACES

FOR_PROGRAMS = ("api_", "door.", "enrol.", "downloads.")
"""Prefixes of endpoints that are for programs and nodes."""

PARTS = "a part of a page, which fetches it"
FILES = "no page: a file, a picture, or figures"
NO_PAGES = {
    "static": FILES,
    "account.data": FILES,
    "second_factor.qr": FILES,
    "invites.qr": FILES,
    "status.chart": FILES,
    "status.spark": FILES,
    "status.points": FILES,
    "exports.fetch": FILES,
    "api.openapi": FILES,
    "healthz": "for programs",
    "readyz": "for programs",
    "bots.part": PARTS,
    "jobs.part": PARTS,
    "log.lines": PARTS,
    "invites.ledger": PARTS,
    "status.figures": PARTS,
    "bots.show": "leads to the first tab",
    "start.newbie": "the place `newbie`: a form leads there",
    "sign_in.code": "the place `sign-in-code`: a form leads there",
}
"""Other endpoints that answer GET, and why they have no place."""


def shown(app: Flask) -> set[str]:
    """The endpoints that have a place in the table."""
    urls, found = app.url_map.bind("cellar.test"), set()
    for place in PLACES:
        if not place.path.startswith(("fault:", "shown:")):
            try:
                found.add(urls.match(re.sub(r"{\w+}", "x", place.path.partition("?")[0]))[0])
            except NotFound:
                assert place.status == 404, place.path
    return found


def test_every_page_is_a_place_or_is_none_for_a_reason(public_app: Flask) -> None:
    there = {rule.endpoint for rule in public_app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    there = {endpoint for endpoint in there if not endpoint.startswith(FOR_PROGRAMS)}
    places = shown(public_app)
    assert there - places - set(NO_PAGES) == set(), "pages that tests/browser/places.py does not name"
    assert set(NO_PAGES) - there == set(), "reasons for what is not there"
    assert set(NO_PAGES) & places == set(), "reasons for what is a place"


def test_no_two_places_have_one_name() -> None:
    names = [place.name for place in PLACES]
    assert len(names) == len(set(names))
