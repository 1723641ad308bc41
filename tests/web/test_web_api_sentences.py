"""What a program gets when what it sent is wrong: a sentence that says what would be right."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from pouring import poured
from programs import problem

from pillar_service.web.api.refusing import IN_WORDS

JSON = {"content_type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "said"),
    [
        ("post", "/agents", {"json": {"name": "My Pub"}}, 422, "'name' is wrong: use 1 to 63 lower-case letters"),
        (
            "post",
            "/agents",
            {"json": {"name": "my", "color": 1}},
            422,
            "'color' is not known here; known: description, ",
        ),
        ("post", "/agents", {"data": '{"name": "my"', **JSON}, 400, "The body is not JSON"),
        ("delete", "/agents/my", {}, 422, "Send a JSON object with password and code."),
        ("get", "/authentication/sign-in", {}, 405, "This address does not take that method: it takes POST."),
        (
            "put",
            "/configuration/a",
            {"json": {"value": 1}, "headers": {"If-Match": "7"}},
            422,
            "an ETag with its quotes",
        ),
        ("get", "/api/events?type=A", {}, 422, "use lower-case letters, digits, dots, hyphens and asterisks, not 'A'"),
        ("post", "/forwardings", {"json": {"way": "mail", "filter": {"x": 1}}}, 422, "'filter.x' is not known here."),
    ],
)
def test_it_says_what_would_be_right(
    api: FlaskClient, method: str, path: str, sent: dict[str, Any], status: int, said: str
) -> None:
    poured()
    assert said in problem(getattr(api, method)(path, **sent), status)


def test_each_pattern_of_the_api_has_words(api: FlaskClient) -> None:
    described = api.get("/openapi.json").json
    assert set(patterns(described)) <= set(IN_WORDS)


def patterns(described: Any) -> list[str]:
    if isinstance(described, list):
        return [pattern for one in described for pattern in patterns(one)]
    if not isinstance(described, dict):
        return []
    here = [described["pattern"]] if isinstance(described.get("pattern"), str) else []
    return here + patterns(list(described.values()))
