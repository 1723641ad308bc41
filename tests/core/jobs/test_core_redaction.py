import json
import re
import time

import pytest

from pillar_service.core.jobs import redaction
from pillar_service.core.jobs.commands import COMMANDS

KEY = "@" + "A" * 43 + "=.ed25519"
CODE = f"my.butt.nz:20000:{KEY}~{'c' * 43}="
ADDRESS = f"net:my.butt.nz:20000~shs:{'A' * 43}=:{'c' * 43}="
PRIVATE = "p" * 86 + "==.ed25519"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
SECRETS = (CODE, ADDRESS, PRIVATE, HASH)


def results(secret: str) -> list[object]:
    """Every form in which a node could return a secret."""
    return [
        secret,
        {"code": secret, "id": KEY, "note": "Carol", "uses": 1},
        {"secret": secret, "unheard": {"of": [secret]}},
        [{"id": KEY, "code": secret, "note": "Carol", "state": "unused"}],
        {"lines": [f"made {secret}", {"note": "Carol", "code": secret}]},
        [f"the pub said {secret}", secret],
        {"id": secret, "pub_id": secret, "sha256": secret},
    ]


@pytest.mark.parametrize("command", [*COMMANDS, "bots.unheard_of"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_result_of_any_command_shows_a_secret(command: str, secret: str) -> None:
    for came_back in results(secret):
        told = json.dumps(redaction.result(command, came_back))
        assert secret not in told
        assert "c" * 43 not in told
        assert "Carol" not in told


def test_every_command_says_what_is_shown_of_it() -> None:
    assert redaction.SHOWN.keys() == COMMANDS.keys()


def test_what_is_no_secret_stays() -> None:
    assert redaction.result("bots.create", {"pub_id": KEY, "sequence": 3}) == {"pub_id": KEY, "sequence": 3}
    assert redaction.result("bots.invite", {"id": KEY, "code": CODE, "uses": 2})["uses"] == 2
    assert redaction.result("bots.logs", {"lines": ["listening on net:0.0.0.0:8008"]})["lines"]
    assert redaction.result("bots.invites", [{"id": KEY, "state": "used"}]) == [{"id": KEY, "state": "used"}]
    assert redaction.result("bots.restart", None) is None


@pytest.mark.parametrize("secret", SECRETS)
def test_a_text_loses_what_looks_like_a_secret_and_nothing_else(secret: str) -> None:
    assert redaction.text(f"before {secret} after") == f"before {redaction.HIDDEN} after"
    assert redaction.text(f"{KEY} at net:my.butt.nz:1~shs:{'A' * 43}=") == f"{KEY} at net:my.butt.nz:1~shs:{'A' * 43}="


@pytest.mark.parametrize(
    "said",
    ["Authorization: Bearer abc", "authorization: Basic YWJj", "'Authorization':'abc'", "Bearer 0a1b2c3d4e5f6789", "token=abc",
     "API_TOKEN=abc", '"access_token": "abc"', "authToken: abc", "?a=1&token=abc&b=2", "PGPASSWORD=abc", "password: abc",
     "https://ann:abc@example.org/x", "redis://:abc@db", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjZWxsYXIifQ.abc",
     "AKIAABCDEFGHIJKLMNOP", "ghp_" + "abc" * 12, "xoxb-1234567890-abc", "aws_secret_access_key=abc", "api-key: abc"],
)  # fmt: skip
def test_a_secret_that_is_given_by_its_name_or_its_form_is_taken_out(said: str) -> None:
    for told in (said, said.replace("Bearer", "bearer"), f"+ curl -H '{said}' example.org"):
        assert redaction.HIDDEN in redaction.text(told)
        for secret in ("abc", "YWJj", "0a1b2c3d4e5f6789", "AKIA"):
            assert secret not in redaction.text(told)


@pytest.mark.parametrize(
    "said",
    ["3 tokens: 5 left", "a basic authentication", "bearer authentication is used", "password:", "token (hidden)",
     "https://example.org:8080/a?b=c", "log-in with password=(secret)", "net:my.butt.nz:8008", "private.key",
     "tokenring on", "secrets/web"],
)  # fmt: skip
def test_what_only_speaks_of_a_secret_stays(said: str) -> None:
    assert redaction.text(said) == said


@pytest.mark.parametrize(
    "part", ["a", "token", "Bearer ", "://", "://a:", "eyJ", "token=", "passphrase", "bearer aaaa", "eyJa."]
)
def test_a_strangers_text_takes_no_longer_than_its_length(part: str) -> None:
    began = time.monotonic()
    redaction.text((part * 100_000)[:100_000])
    assert time.monotonic() - began < 5


def test_a_note_is_the_askers_own() -> None:
    shown = redaction.arguments({"note": "Carol", "uses": 2, "invite": KEY})
    assert shown == {"note": redaction.HIDDEN, "uses": 2, "invite": KEY}


def test_what_a_name_gives_away_is_hidden_throughout_a_value() -> None:
    came_back = {
        "token": "b6yzKd",
        "ids": [{"api_key": 12345, "name": "ann"}],
        "password": ["one", "two words"],
        "error": "token: b6yzKd is over",
        "token_id": 7,
        "secret": None,
    }
    assert redaction.throughout(came_back, redaction.USUAL) == {
        "token": redaction.HIDDEN,
        "ids": [{"api_key": redaction.HIDDEN, "name": "ann"}],
        "password": [redaction.HIDDEN, redaction.HIDDEN],
        "error": f"{redaction.HIDDEN} is over",
        "token_id": 7,
        "secret": None,
    }
    assert redaction.throughout({"seed": 5, "pin": 12}, [re.compile(r"pin: \d+")]) == {
        "seed": 5,
        "pin": redaction.HIDDEN,
    }
    assert redaction.throughout(came_back, ()) == came_back
