"""Facts hold no secrets, are bounded, and tell what has changed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.errors import Invalid
from pillar_service.core.jobs import redaction
from pillar_service.core.nodes import discovery, facts

CANARY = "canary-4711"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjZWxsYXIifQ.c2lnbmF0dXJlLWhlcmU"


@pytest.mark.parametrize(
    "name",
    ["token", "api_key", "apiKey", "API-KEY", "DB_PASSWORD", "DB_PASS", "authToken", "authtoken", "client.secret",
     "ssh_host_keys", "Passphrase", "credentials", "session-cookie", "privatePart", "AWS_SECRET_ACCESS_KEY", "token2"],
)  # fmt: skip
def test_what_is_called_a_secret_is_hidden_however_deep(name: str) -> None:
    for value in (CANARY, [CANARY], {"of": CANARY}):
        told = json.dumps(facts.checked({"environment": {"b": [{name: value}]}, "kernelparams": [[name, CANARY]]}))
        assert CANARY not in told
        assert redaction.HIDDEN in told


@pytest.mark.parametrize(
    "name", ["keyboard", "tokenring", "monkey", "author", "os", "keymap", "secretary", "passwordless_users"]
)
def test_a_name_that_only_holds_such_a_word_is_none(name: str) -> None:
    assert facts.checked({name: "x", "list": [name, "x"]}) == {name: "x", "list": [name, "x"]}


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nabc", f"x={JWT}", "https://ann:hunter2@example.org/x", "redis://:hunter2@db",
     "Bearer abcdefghijklmnop1234", "AKIAABCDEFGHIJKLMNOP", "ghp_" + "a" * 36, "xoxb-1234567890-abcdef",
     "p" * 86 + "==.ed25519", "API_TOKEN=abc", '{"token": "abc"}', "https://x.org/?a=1&token=abc", "run --password abc",
     "password: abc", "token   = abc", "Authorization: Basic YW5uOmFiYw==",
     "BEARER  abcdefghijklmnop1234", "user=ann;PGPASSWORD=abc"],
)  # fmt: skip
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(text: str) -> None:
    told = json.dumps(facts.checked({"note": f"see {text}", "all": [text], text[:60]: "x"}))
    assert json.dumps(text)[1:-1] not in told
    assert "abc" not in told
    assert "hunter2" not in told


def test_what_is_no_secret_stays() -> None:
    plain = {
        "os": "Debian", "ipv4": ["127.0.0.1", "10.0.0.7"], "docker": {"version": "27.3", "image": "saltcellar/pub:0.1.0"},
        "n": 5, "none": None, "params": [["root", "UUID=0c0ffee"], ["quiet", None]], "at": "net:my.butt.nz:8008",
        "url": "https://example.org:8080/a?b=c", "when": "12:30", "dns": ["2001:db8::1"],
    }  # fmt: skip
    assert facts.checked(plain) == plain
    assert facts.checked({"token": "", "password": None}) == {"token": "", "password": None}


@pytest.mark.parametrize("given", [None, [], "x", {"a": float("nan")}, {"a": {1}}, {"a": ["x"] * facts.LARGEST}])
def test_what_are_no_facts_is_refused(given: Any) -> None:
    with pytest.raises(Invalid):
        facts.checked(given)


def test_what_has_no_bounds_gets_some() -> None:
    deep: Any = CANARY
    for _ in range(500):
        deep = {"a": deep}
    assert CANARY not in json.dumps(facts.checked(deep))
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Invalid):
        facts.checked({"a": deep})
    assert facts.checked({"a": "x" * 3000, "b" * 100: 1, "c\ud800": "\ud800"}) == {
        "a": facts.TOO_LONG, facts.TOO_LONG: 1, "c?": "?",
    }  # fmt: skip


def test_what_was_checked_stays_as_it_is() -> None:
    once = facts.checked({"token": "x", "note": "Bearer abcdefghijklmnop1234", "long": "x" * 5000, "deep": [[[1]]]})
    assert facts.checked(once) == once


def test_a_change_names_each_fact_with_what_it_was_and_is() -> None:
    before = {"os": "Debian 12", "docker": {"version": "26", "storage": "overlay2"}, "gone": [1]}
    after = {"os": "Debian 13", "docker": {"version": "27", "storage": "overlay2"}, "bots": {"a": {"image": "pub"}}}
    assert facts.changes(before, after) == [
        {"fact": "bots:a:image", "before": None, "after": "pub"},
        {"fact": "docker:version", "before": "26", "after": "27"},
        {"fact": "gone", "before": "[1]", "after": None},
        {"fact": "os", "before": "Debian 12", "after": "Debian 13"},
    ]
    assert facts.changes(after, after) == []
    [change] = facts.changes({}, {"a": "x" * 1900})
    assert len(str(change["after"])) == facts.LONGEST_SHOWN + 1
    assert len(facts.changes({}, {str(n): n for n in range(999)})) == facts.MOST_CHANGES


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
        st.integers(0, 3) | st.text("ab", max_size=2),
        max_size=5,
    )
)
def test_the_hash_is_of_the_content_alone(told: dict[str, Any]) -> None:
    turned = dict(reversed(list(told.items())))
    assert facts.digest(told) == facts.digest(turned)
    assert (facts.digest(told) == facts.digest(told | {"a": 9})) is (told == told | {"a": 9})


@pytest.mark.parametrize(
    ("grains", "address"),
    [
        ({"ipv4": ["127.0.0.1", "169.254.1.1", "10.0.0.7", "10.0.0.8"]}, "10.0.0.7"),
        ({"ipv4": ["127.0.0.1"], "fqdn": "cellar.example.org"}, "cellar.example.org"),
        ({"ipv4": "10.0.0.7", "fqdn": "localhost.localdomain"}, None), ({"fqdn": "a.localhost"}, None),
        ({"ipv4": ["evil/path", "10.0.0.7@x"], "fqdn": "a b.c"}, None),
        ({"fqdn": "169.254.169.254"}, None), ({"fqdn": "cellar"}, None), ({}, None), ("no grains", None),
    ],
)  # fmt: skip
def test_only_an_address_of_another_machine_is_a_target(grains: Any, address: str | None) -> None:
    found = discovery.target("cellar-1", 9100, {"grains": grains}, {"app.kind": "pub"}, "")
    assert found == (
        address and {
            "targets": [f"{address}:9100"],
            "labels": {
                "__meta_saltcellar_account": "", "__meta_saltcellar_label_app_kind": "pub",
                "__meta_saltcellar_node": "cellar-1",
            },
        }
    )  # fmt: skip
