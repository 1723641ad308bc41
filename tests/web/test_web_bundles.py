"""A bundle's way: published at the private app, offered at the door, fetched from its signed address, used by a node."""

import base64
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from eventful import told as event
from flask import Flask
from flask.testing import FlaskClient
from machine_rooms import Told as Spool
from pouring import owner

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import facts
from pillar_service.core.people import tokens
from pillar_service.master import packing
from pillar_service.node import told as pillars
from pillar_service.node.bundles.duty import Bundles
from pillar_service.node.bundles.keeping import Keeping
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import bundles, nodes, shipping
from pillar_service.usecases.nodes import pillars as bodies
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import rebuilding

LAMP = b"machine: lamp\nabout: a\ninitial: x\nstates: {x: {}}\n"
SHIPPED = Path(__file__).resolve().parents[2] / "salt" / "machines"
NEVER = b"""machine: lamp
about: a
initial: x
states: {x: {}}
transitions: [{on: it, from: x, to: x}]
watchers: {it: {kind: schedule, cron: "%s", in: x, fires: it}}
"""


@pytest.fixture
def signing(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_BUNDLE_KEY", bundles.new_key())
    service()
    assert bodies.refresh()


def given(content: bytes = LAMP, **more: Any) -> dict[str, Any]:
    return {"files": {"machines/lamp.yaml": base64.b64encode(content).decode()}, **more}


def offer(node: FlaskClient) -> Any:
    return node.get("/bundle").get_json()["bundle"]


def test_it_is_published_offered_and_fetched(
    signing: None, master: FlaskClient, node: FlaskClient, visitor: FlaskClient
) -> None:
    assert offer(node) is None
    made = master.post("/bundles", json=given(days=3))
    assert made.status_code == 201, made.text
    assert made.get_json()["bundle"]["files"] == ["machines/lamp.yaml"]
    offered = offer(node)
    assert visitor.get(offered["path"]).status_code == 200
    assert [one["serial"] for one in master.get("/bundles").get_json()["bundles"]] == [offered["serial"]] == [1]


def test_an_address_is_one_nodes_for_a_while(
    signing: None, master: FlaskClient, node: FlaskClient, visitor: FlaskClient
) -> None:
    for _ in range(2):
        master.post("/bundles", json=given())
    path = urlsplit(offer(node)["path"])
    query = {name: one[0] for name, one in parse_qs(path.query).items()}
    for change in (
        {"node": "cellar-2"},
        {"until": str(int(time.time()) + 9000)},
        {"until": "x"},
        {"signature": "é"},
        {"signature": ""},
    ):
        assert visitor.get(f"{path.path}?{urlencode({**query, **change})}").status_code == 403
    assert visitor.get(f"/bundles/1?{path.query}").status_code == 403
    assert visitor.get("/bundles/2").status_code == 403


def test_only_those_it_is_for_are_offered_it(signing: None, master: FlaskClient, node: FlaskClient) -> None:
    assert master.post("/bundles", json=given(deny=["cellar-*"])).status_code == 201
    assert offer(node) is None
    assert master.post("/bundles", json=given(allow=["cellar-?"])).status_code == 201
    assert offer(node)["serial"] == 2
    for nobody in ("0" * 16, "nobody@example.org", "x", 7):
        assert master.post("/bundles", json=given(account=nobody)).status_code == 404


def test_an_account_is_named_by_its_address_or_its_id(signing: None, master: FlaskClient) -> None:
    own = accounts.create("test", "ann@example.org")[0]["id"]
    for named in (own, "Ann@example.org"):
        assert master.post("/bundles", json=given(account=named)).get_json()["bundle"]["account"] == own


def test_one_whose_facts_do_not_fit_hides_no_older_one(signing: None, master: FlaskClient, node: FlaskClient) -> None:
    def newest() -> int | None:
        offered = offer(node)
        return offered and int(offered["serial"])

    def tell(sequence: int, **grains: str) -> None:
        data = {"facts": {"grains": grains, "docker": {}}}
        assert events.take("cellar-1", [event(sequence, facts.EVENT_TYPE, data=data)])["refused"] == []

    for wanted in ({}, {"os": "Debian"}, {"labels:site": "north-*"}, {"os": "Plan 9"}):
        assert master.post("/bundles", json=given(facts=wanted)).status_code == 201
    assert newest() == 1  # It has told no facts yet, so bundles that ask for some are not for it.
    tell(1, os="Debian")
    assert newest() == 2
    nodes.label("test", "cellar-1", {"site": "north-1"})
    assert newest() == 3
    tell(2, os="Plan 9")
    assert newest() == 4


def test_an_accounts_own_goes_before_those_for_all(signing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    own = owner()
    id = f"web-1.{own}"
    nodes.add("test", id)
    nodes.add("test", "cellar-2")

    def newest(node: str) -> int | None:
        offered = bundles.offered(node)
        return offered and int(offered["serial"])

    assert bundles.publish("test", given())["warning"] is None
    assert "do not use the one for all (1)" in bundles.publish("test", given(account=own, days=1))["warning"]
    assert own in bundles.publish("test", given())["warning"]
    assert (newest(id), newest("cellar-2")) == (2, 3)
    later = time.time() + 2 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    assert newest(id) == 3


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"files": {}}, "needs at least one file"),
        ({"files": {"../x": ""}}, "can't be in a bundle"),
        ({"files": {"checks/x": "!"}}, "must be sent as base64"),
        (given(b"machine: window"), "machines/lamp.yaml:1: The machine must have the name of its file: lamp."),
        (given(NEVER % b"99 * * * *"), "machines/lamp.yaml:6: No time ever fits"),
        (given(NEVER % b"0 0 30 2 *"), "machines/lamp.yaml:6: No time ever fits"),
        (given(NEVER % b"0 0 1 janvier *"), "machines/lamp.yaml:6: No time ever fits"),
        (given(allow="x y"), "must contain patterns"),
        (given(facts=["x"]), "Facts must be names with texts"),
        (given(days=0.5), "number of days"),
    ],
)
def test_what_cannot_be_published_says_why(
    signing: None, master: FlaskClient, told: dict[str, Any], sentence: str
) -> None:
    answer = master.post("/bundles", json=told)
    assert (answer.status_code, sentence in answer.get_json()["detail"]) == (422, True), answer.text


def test_of_a_machine_that_is_no_yaml_nothing_else_is_said(signing: None, master: FlaskClient) -> None:
    detail = master.post("/bundles", json=given(b"machine: [")).get_json()["detail"]
    assert detail.startswith("machines/lamp.yaml:1: This is not YAML: ")
    assert len(detail.splitlines()) == 1


def test_without_a_key_nothing_is_published(master: FlaskClient) -> None:
    assert "CELLAR_BUNDLE_KEY is not set" in master.post("/bundles", json=given()).get_json()["detail"]


@pytest.fixture
def shipped(signing: None, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None], tmp_path: Path) -> Path:
    """The folder of the machines that come with Saltcellar, copied as it is."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "shipped"))
    monkeypatch.setenv("CELLAR_MACHINES", str(folder))
    service()
    return folder


def test_what_comes_along_is_signed_once_and_again_when_it_changed_or_ends(
    shipped: Path, node: FlaskClient, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    names = sorted(f"machines/{one.name}" for one in SHIPPED.iterdir())
    assert [shipping.ship(), shipping.ship()] == [1, None]
    [first] = bundles.listed()
    assert (first["files"], first["account"], first["shipped"]) == (names, None, True)
    assert offer(node)["serial"] == 1
    (shipped / "lamp.yaml").write_bytes(LAMP)
    assert [shipping.ship(), shipping.ship(), offer(node)["serial"]] == [2, None, 2]
    (shipped / "lamp.yaml").unlink()
    assert [shipping.ship(), shipping.ship()] == [3, None]
    monkeypatch.setenv("CELLAR_BUNDLE_KEY", bundles.new_key())
    service()
    assert [shipping.ship(), shipping.ship()] == [4, None]
    later = time.time() + 200 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    assert [shipping.ship(), shipping.ship()] == [5, None]
    (shipped / "lamp.yaml").write_bytes(b"machine: window")
    with pytest.raises(Invalid, match="must have the name of its file"):
        shipping.ship()


def test_nobody_signs_what_is_not_there_or_without_a_key(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    for name, value in (("CELLAR_MACHINES", "/nowhere"), ("CELLAR_BUNDLE_KEY", "")):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            service()
            assert shipping.ship() is None
    assert bundles.listed() == []


def test_what_comes_along_is_for_whom_no_other_is_and_who_publishes_hears_what_goes(shipped: Path) -> None:
    own = owner()
    id = f"web-1.{own}"
    nodes.add("test", id)
    nodes.add("test", "cellar-2")

    def serials() -> list[int]:
        return [int((bundles.offered(node) or {})["serial"]) for node in (id, "cellar-1", "cellar-2")]

    shipping.ship()
    assert serials() == [1, 1, 1]
    said = bundles.publish("test", given(account=own))["warning"]
    assert "do without them: machines/certificate-watch.yaml, " in said
    assert "do not use the one for all" not in said
    bundles.publish("test", given(deny=["cellar-2"]))
    (shipped / "lamp.yaml").write_bytes(LAMP)
    assert shipping.ship() == 4
    assert serials() == [2, 3, 4], "a newer one of what comes along displaces nobody's own"
    whole = {f"machines/{one.name}": base64.b64encode(one.read_bytes()).decode() for one in shipped.iterdir()}
    assert "come" not in bundles.publish("test", {"files": whole})["warning"]


def test_a_node_takes_what_comes_along_leaves_what_it_denies_and_comes_back_to_it(
    shipped: Path, public_app: Flask, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, spool = tokens.node_token(str(public_app.secret_key), "cellar-1"), Spool()
    told = pillars.Told(service={"url": address, "token": token}, bundle_key=bundles.public_key())
    keeping = Keeping(Home(tmp_path), "cellar-1", denied=["machines/self-*"], now=lambda: time.time())
    duty = Bundles(keeping, lambda: told, Telling(spool))

    def used() -> set[str]:
        duty.run()
        return {one.name for one in (keeping.folder / "machines").iterdir()}

    along = {one.name for one in SHIPPED.iterdir()} - {"self-upgrade.yaml"}
    shipping.ship()
    assert used() == along
    bundles.publish("test", given(days=1))
    assert used() == {"lamp.yaml"}
    later = time.time() + 2 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    assert used() == along
    assert [one[0].rsplit(".")[-1] for one in spool.events if one[0].endswith("refused")] == ["refused"]


def test_after_a_restore_none_has_the_number_of_one_that_was_lost(signing: None) -> None:
    """Nodes had the lost bundles: they would mistake another with the same number for those, and refuse a lower number."""
    assert bundles.publish("test", given())["serial"] == 1
    before = time.time()
    rebuilding.settle("20da5180")
    assert bundles.publish("test", given())["serial"] > before
    assert bundles.publish("test", given())["serial"] < time.time() + 3


def test_old_ones_are_let_go(signing: None) -> None:
    for _ in range(23):
        bundles.publish("test", given())
    assert [one["serial"] for one in bundles.listed()] == list(range(23, 3, -1))


def test_a_node_takes_it_and_tells_of_it(
    signing: None, public_app: Flask, address: str, tmp_path: Path, service: Callable[[], None]
) -> None:
    id = "web-1.9e0f1f3a9c2e5b7d"
    nodes.add("test", id)
    token, spool = tokens.node_token(str(public_app.secret_key), id), Spool()
    told = pillars.Told(service={"url": address, "token": token}, bundle_key=bundles.public_key())
    keeping = Keeping(Home(tmp_path), id, now=time.time)
    duty = Bundles(keeping, lambda: told, Telling(spool))
    duty.run()
    assert not spool.events
    bundles.publish("test", given())
    duty.run()
    assert (keeping.folder / "machines/lamp.yaml").read_bytes() == LAMP
    assert [one[0].rsplit(".")[-1] for one in spool.events] == ["taken"]
    (keeping.folder / "machines/lamp.yaml").write_text("forged")
    duty.run()
    assert (keeping.folder / "machines/lamp.yaml").read_bytes() == LAMP
    nodes.label("test", id, {"site": "north-1"})
    bundles.publish("test", given(facts={"labels:site": "north-*"}))
    for _ in range(2):  # The node's own pillar may not yet have what the service knows of it.
        duty.run()
    assert [one[0].rsplit(".")[-1] for one in spool.events] == ["taken", "mended", "refused"]
    assert (keeping.folder / "machines/lamp.yaml").read_bytes() == LAMP


def test_after_a_new_key_nothing_old_is_used_until_it_is_published_again(
    signing: None,
    public_app: Flask,
    address: str,
    tmp_path: Path,
    service: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, spool = tokens.node_token(str(public_app.secret_key), "cellar-1"), Spool()
    keeping = Keeping(Home(tmp_path), "cellar-1", now=time.time)
    way = {"url": address, "token": token}
    duty = Bundles(keeping, lambda: pillars.Told(service=way, bundle_key=bundles.public_key()), Telling(spool))
    bundles.publish("test", given())
    duty.run()
    lamp = keeping.folder / "machines/lamp.yaml"
    assert lamp.exists()
    monkeypatch.setenv("CELLAR_BUNDLE_KEY", bundles.new_key())
    service()
    duty.run()
    assert not lamp.exists()
    bundles.publish("test", given())
    duty.run()
    assert lamp.exists()


def test_a_node_is_told_the_key_in_its_pillar(signing: None) -> None:
    body = json.loads(bodies.ready("cellar-1")[0])
    assert pillars.told(body, "cellar-1").bundle_key == bundles.public_key()


def test_a_directory_is_packed_without_links(tmp_path: Path) -> None:
    (tmp_path / "machines").mkdir()
    (tmp_path / "machines/lamp.yaml").write_bytes(LAMP)
    assert packing.files(str(tmp_path)) == given()["files"]
    (tmp_path / "checks").symlink_to("/usr/bin")
    with pytest.raises(Invalid):
        packing.files(str(tmp_path))
    (tmp_path / "checks").unlink()
    (tmp_path / "machines/other.yaml").symlink_to("/etc/passwd")
    with pytest.raises(Invalid, match="is a link"):
        packing.files(str(tmp_path))
    with pytest.raises(Invalid, match="not a directory"):
        packing.files("relative")
