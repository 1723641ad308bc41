import json

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
    """Every shape in which a node could give a secret back."""
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


def test_a_note_is_the_askers_own() -> None:
    shown = redaction.arguments({"note": "Carol", "uses": 2, "invite": KEY})
    assert shown == {"note": redaction.HIDDEN, "uses": 2, "invite": KEY}
