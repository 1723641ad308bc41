"""Accounts' configuration for their nodes, by pages, the API, the nodes' door and the masters' app."""

from collections.abc import Callable
from typing import Any

import pytest
from accounts_with_nodes import account
from flask import Flask
from flask.testing import FlaskClient
from visiting import send, sign_in

from pillar_service.core.people import tokens as node_tokens
from pillar_service.usecases.nodes import configuration, governors
from pillar_service.usecases.people import tokens

KEY = "pub/restart-after"


@pytest.fixture
def ann(public_app: Flask, service: Callable[[], None]) -> str:
    """An account with a node, `garden`."""
    return account("ann", "garden")


def api(app: Flask, person: str, *scopes: str) -> FlaskClient:
    client = app.test_client()
    secret = tokens.create(person, "test", list(scopes or ("read", "operate")))["secret"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def door(app: Flask, node: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {node_tokens.node_token(str(app.secret_key), node)}"
    return client


def put(client: FlaskClient, value: Any, path: str = f"/configuration/{KEY}", **headers: str) -> Any:
    return client.put(
        path, json={"value": value}, headers={name.replace("_", "-"): one for name, one in headers.items()}
    )


def test_the_api_sets_reads_and_deletes_with_conditions(public_app: Flask, ann: str) -> None:
    mine = api(public_app, ann)
    made = put(mine, {"s": 60}, If_None_Match="*")
    assert (made.status_code, made.json["revision"], made.headers["ETag"]) == (200, 1, '"1"')
    assert made.json["by"] == f"account:{ann}"
    again = put(mine, 90, If_Match='"1"')
    assert (again.status_code, again.headers["ETag"]) == (200, '"2"')
    for headers in ({"If_Match": '"1"'}, {"If_None_Match": "*"}):
        late = put(mine, 120, **headers)
        assert (late.status_code, late.mimetype) == (412, "application/problem+json")
        assert (late.json["current"]["value"], late.json["current"]["revision"]) == (90, 2)
    shown = mine.get(f"/configuration/{KEY}")
    assert (shown.json["value"], shown.headers["ETag"]) == (90, '"2"')
    assert mine.get("/configuration").json["keys"] == [shown.json]
    assert mine.delete(f"/configuration/{KEY}", headers={"If-Match": '"1"'}).status_code == 412
    assert mine.delete(f"/configuration/{KEY}", headers={"If-Match": '"2"'}).status_code == 204
    gone = put(mine, 1, If_Match='"2"')
    assert (gone.status_code, gone.json["current"]) == (412, None)
    told = mine.get("/configuration-changes", query_string={"key": KEY}).json["changes"]
    assert [(one["revision"], one["deleted"]) for one in told] == [(3, True), (2, False), (1, False)]
    assert mine.get("/configuration-changes?before=2").json["changes"][0]["revision"] == 1


@pytest.mark.parametrize(
    "headers", [{"If_Match": "*"}, {"If_Match": "7"}, {"If_Match": '"a"'}, {"If_None_Match": '"1"'},
                {"If_Match": '"1"', "If_None_Match": "*"}],
)  # fmt: skip
def test_a_condition_that_is_none_is_refused(public_app: Flask, ann: str, headers: dict[str, str]) -> None:
    assert put(api(public_app, ann), 1, **headers).status_code == 422
    assert configuration.listed(ann)["keys"] == []


@pytest.mark.parametrize("path", ["a..b", "..%2fa", "a%20b", "-a", "a%0a"])
def test_what_is_no_key_and_a_value_that_is_missing_are_refused(public_app: Flask, ann: str, path: str) -> None:
    mine = api(public_app, ann)
    assert put(mine, 1, f"/configuration/{path}").status_code in (404, 422)
    assert mine.put(f"/configuration/{KEY}", json={}).status_code == 422
    assert mine.put(f"/configuration/{KEY}", json={"value": 1, "other": 2}).status_code == 422
    assert put(mine, "x" * 20_000).status_code == 422
    deep = '{"value": ' + "[" * 20_000 + "]" * 20_000 + "}"
    assert mine.put(f"/configuration/{KEY}", data=deep, content_type="application/json").status_code == 422


def test_a_scope_is_asked_for(public_app: Flask, ann: str) -> None:
    reader = api(public_app, ann, "read")
    assert reader.get("/configuration").status_code == 200
    assert put(reader, 1).status_code == 403
    assert reader.delete(f"/configuration/{KEY}").status_code == 403
    assert api(public_app, ann, "operate").get("/configuration").status_code == 403


def test_a_node_reads_and_writes_at_its_door(public_app: Flask, ann: str) -> None:
    garden, path = door(public_app, "garden"), f"/node/configuration/{KEY}"
    assert put(garden, [1], path, If_None_Match="*").json["by"] == "node:garden"
    assert put(garden, [2], path, If_None_Match="*").json["current"]["value"] == [1]
    assert configuration.show(ann, KEY)["value"] == [1]
    assert garden.delete(path, headers={"If-Match": '"1"'}).status_code == 204
    assert put(door(public_app, "cellar-1"), 1, path).status_code == 200
    assert configuration.listed(ann)["keys"] == [], "the place's own node sets the place's own"
    assert put(public_app.test_client(), 1, path).status_code == 401


def test_a_node_takes_renews_and_gives_back_a_lease(public_app: Flask, ann: str) -> None:
    configuration.set("test", ann, "governors/restarts", 1)
    garden = door(public_app, "garden")

    def ask(what: str, **told: Any) -> Any:
        return garden.post(f"/governors/restarts/{what}", json=told)

    assert ask("take", holder="a", seconds=60).json == {
        "granted": True,
        "fence": 1,
        "seconds": 60,
        "most": 1,
        "held": 1,
    }
    assert ask("take", holder="b", seconds=60).json == {
        "granted": False,
        "fence": None,
        "seconds": 60,
        "most": 1,
        "held": 1,
    }
    assert ask("renew", holder="a", fence=1, seconds=60).json["granted"] is True
    assert ask("renew", holder="b", fence=1, seconds=60).status_code == 409
    assert ask("release", holder="a", fence=1).status_code == 204
    assert ask("release", holder="a", fence=1).status_code == 204
    assert ask("take", holder="b", seconds=60).json["fence"] == 2
    assert ask("take", holder="b", seconds="soon").status_code == 422
    assert garden.post("/governors/others/take", json={"holder": "a", "seconds": 60}).status_code == 404
    [one] = governors.listed(ann)
    assert [lease["holder"] for lease in one["leases"]] == ["garden/b"]


def test_a_person_sets_a_key_sees_what_changed_and_is_not_overrun(visitor: FlaskClient, ann: str) -> None:
    sign_in(visitor, "ann@example.org")
    assert send(visitor, "/account/configuration", key=KEY, value='{"s": 60}', revision="0").status_code == 302
    page = visitor.get("/account/configuration").text
    assert KEY in page
    assert "is set: your nodes get it in a moment." in page
    taken = send(visitor, "/account/configuration", key=KEY, value="1", revision="0")
    assert taken.status_code == 412
    assert "Somebody else changed it first" in taken.text
    configuration.set("node:garden", ann, KEY, "set by the node")
    late = send(visitor, "/account/configuration", key=KEY, value='"typed"', revision="1")
    assert late.status_code == 412
    assert "set by the node" in late.text
    assert "&#34;typed&#34;" in late.text
    assert send(visitor, "/account/configuration", key=KEY, value='"typed"', revision="2").status_code == 302
    one = visitor.get(f"/account/configuration/{KEY}").text
    assert "Revision 3" in one
    assert "node:garden" in one
    assert send(visitor, "/account/configuration/delete", key=KEY, revision="2").status_code == 412
    assert send(visitor, "/account/configuration/delete", key=KEY, revision="3").status_code == 302
    assert visitor.get(f"/account/configuration/{KEY}").status_code == 404
    lost = send(visitor, "/account/configuration", key=KEY, value='"typed long"', revision="3")
    assert lost.status_code == 412
    assert "&#34;typed long&#34;" in lost.text


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("a", "once an hour", "not JSON"),
        ("../a", "1", "be a key"),
        ("a", "", "Enter the value"),
        ("a", "[" * 15_000, "not JSON"),
    ],
)
def test_what_a_person_typed_wrong_is_said_and_stays_typed(
    visitor: FlaskClient, ann: str, key: str, value: str, says: str
) -> None:
    sign_in(visitor, "ann@example.org")
    answered = send(visitor, "/account/configuration", key=key, value=value, revision="0")
    assert answered.status_code == 422
    assert says in answered.text
    assert f'value="{key}"' in answered.text


def test_a_page_shows_a_value_as_text_whatever_it_is(visitor: FlaskClient, ann: str) -> None:
    configuration.set("node:garden", ann, "a", "<script>alert(1)</script>")
    sign_in(visitor, "ann@example.org")
    for path in ("/account/configuration", "/account/configuration/a"):
        assert "<script>alert" not in visitor.get(path).text


def test_a_person_sees_who_holds_a_governor(visitor: FlaskClient, ann: str) -> None:
    sign_in(visitor, "ann@example.org")
    assert send(visitor, "/account/configuration", key="governors/restarts", value="2").status_code == 302
    governors.take(ann, "restarts", "garden/pub-healer", 60)
    assert "garden/pub-healer" in visitor.get("/account/configuration").text
    assert send(visitor, "/account/configuration", key="governors/No", value="2").status_code == 422


def test_operators_set_and_read_for_any_account_through_the_masters_app(master: FlaskClient) -> None:
    ann = account("ann", "garden")
    serial = master.get("/changes").json["serial"]
    told = master.put(
        "/configuration/ann@example.org/pub/after", json={"value": 5}, headers={"X-Actor": "root", "If-None-Match": "*"}
    )
    assert (told.status_code, told.json["by"]) == (200, "operator:root")
    assert master.get(f"/changes?after={serial}").json["configured"] == ["garden"]
    assert master.get(f"/configuration/{ann}/pub/after").json["value"] == 5
    assert master.get(f"/configuration/{ann}").json["revision"] == 1
    lost = master.put(f"/configuration/{ann}/pub/after", json={"value": 6}, headers={"If-None-Match": "*"})
    assert (lost.status_code, lost.json["current"]["value"]) == (412, 5)
    assert master.delete(f"/configuration/{ann}/pub/after").status_code == 204
    assert len(master.get(f"/configuration-changes/{ann}").json["changes"]) == 2
    assert master.get("/configuration/nobody@example.org").status_code == 404
    governor = "/configuration/operators/governors/restarts"
    assert master.put(governor, json={"value": 1}).json["value"] == 1
    assert master.get("/governors/operators").json["governors"] == [{"name": "restarts", "most": 1, "leases": []}]
    assert master.get(f"/governors/{ann}").json["governors"] == []
