"""A node that changes its key keeps the new one, which may be valid already, until the service itself says that it is not."""

import http.server
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import Standing

from pillar_service.core.errors import Unavailable
from pillar_service.node.enrolment import keys, turning
from pillar_service.node.enrolment.site import Site, write


class Service(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the test sets."""

    fake: "Told"

    def do_POST(self) -> None:
        self.send_response(self.fake.status)
        self.end_headers()
        self.wfile.write(self.fake.body.encode())

    def log_message(self, *_: object) -> None:
        pass


class Told(Standing):
    status, body = 200, ""


@pytest.fixture
def service() -> Iterator[Told]:
    told = Told(Service)
    yield told
    told.stop()


@pytest.fixture
def site(tmp_path: Path, service: Told) -> Site:
    """A node that died while it changed its key, so that it is open which one is valid."""
    site = Site(tmp_path)
    keys.own(site.pki)
    keys.following(site.pki)
    write(site.identity, json.dumps({"node": "shed", "service": service.url}))
    return site


def said(sentence: str) -> str:
    return json.dumps({"detail": sentence})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (507, said("The service's disk is full.")),
        (429, said("Too many attempts.")),
        (404, "<h1>a proxy's own page</h1>"),
        (403, "<h1>a proxy's own page</h1>"),
        (301, ""),
        (200, "<h1>please sign in to this network</h1>"),
    ],
)
def test_who_does_not_say_which_key_counts_costs_none(site: Site, service: Told, status: int, body: str) -> None:
    service.status, service.body = status, body
    with pytest.raises(Unavailable):
        turning.finish(site)
    assert (site.pki / keys.NEXT).exists()


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_the_service_does_not_take_goes(site: Site, service: Told, status: int) -> None:
    service.status, service.body = status, said("This was not signed with the node's key.")
    assert turning.finish(site) is False
    assert not (site.pki / keys.NEXT).exists()
