"""A form sent after the session has ended leads to signing in, and from there back to its page."""

import pytest
from flask.testing import FlaskClient

HOST = "http://localhost"


@pytest.mark.parametrize(("referrer", "then"), [
    (f"{HOST}/bots/my/actions", "?next=/bots/my/actions"),
    (f"{HOST}/bots/my/status?span=day", "?next=/bots/my/status?span%3Dday"),
    ("https://elsewhere.example/bots/my/actions", ""),
    (f"{HOST}//elsewhere.example", ""),
    (None, ""),
])  # fmt: skip
def test_it_leads_to_its_page(visitor: FlaskClient, referrer: str | None, then: str) -> None:
    headers = {"Referer": referrer} if referrer else {}
    answer = visitor.post("/bots/my/actions/restart", data={"key": "1"}, headers=headers)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/sign-in{then}"


def test_the_way_in_says_what_is_wrong_itself(visitor: FlaskClient) -> None:
    answer = visitor.post("/sign-in", data={"email": "a@example.org", "password": "x"})
    assert answer.status_code == 400
    assert "reload it" in answer.text
