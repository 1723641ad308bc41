"""What people do with a pub, from the first invite to moving to another node, by salt-run and with real peers."""

import io
import json
import secrets
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from campaigns import let_go, of_bot, only, person, poured
from daemons import until
from peers import IMAGE, invited
from salt_daemons import Master, Minion

ACCOUNT = "use@example.org"
HELLO = "hello through the pub"
NAME = f"use-{secrets.token_hex(3)}"
HOST = f"{NAME}.butt.nz"


@dataclass
class Use:
    """A pub that two peers have joined, and what is known of it."""

    bot: str
    ann: Any
    bob: Any
    invite: dict[str, Any]
    lines: list[dict[str, Any]]


@pytest.fixture(scope="module")
def run(master: Master):
    """Runs salt-run, which must work; returns the result."""

    def run(function: str, *arguments: str) -> Any:
        code, told = master.run(function, *arguments)
        assert code == 0, told
        return told

    return run


@pytest.fixture(scope="module")
def refused(master: Master):
    """Runs salt-run, which must fail; returns its sentence."""

    def refused(function: str, *arguments: str) -> str:
        code, told = master.run(function, *arguments)
        assert code != 0, told
        assert set(told) == {"error", "retcode"}, told
        return told["error"]

    return refused


@pytest.fixture(scope="module")
def peer(engine, cellar):
    with invited(engine, cellar / "peers", [HOST]) as peer:
        yield peer


@pytest.fixture(scope="module")
def newer(engine):
    """A newer pub image."""
    tag = f"saltcellar/pub:test-{secrets.token_hex(3)}"
    dockerfile = io.BytesIO(f"FROM {IMAGE}\nLABEL test={tag}\n".encode())
    engine.images.build(fileobj=dockerfile, tag=tag, rm=True, forcerm=True)
    yield tag
    engine.images.remove(tag)


@pytest.fixture(scope="module")
def used(run, client, cellar_1: Minion, cellar_2: Minion, peer, newer):  # It must outlive the pub.
    """A pub on cellar-1; Ann and Bob have joined by the same invite, and Ann has written something."""
    person(client, ACCOUNT)
    made = run("bots.create", NAME, f"account={ACCOUNT}", "node=cellar-1", "description='for the garden'")
    assert (made["desired"], made["actual"], made["node"]) == ("running", "alive", "cellar-1")
    ann, bob = peer("ann"), peer("bob")
    invite = run("bots.invite", NAME, "uses=2", "note='for the two'")
    lines = ann.does("accept", invite["code"], "publish", HELLO) + bob.does("accept", invite["code"])
    yield Use(made["id"], ann, bob, invite, lines)
    let_go(client, [bot["id"] for bot in client.agents(type="bot", account=ACCOUNT)])


@pytest.fixture
def known(master, engine, used):
    """What must survive everything: the pub's identity, whom it follows, and how many messages it has written."""

    def info() -> dict[str, Any] | None:
        told = master.salt("cellar-1", "pubs.info", used.bot)
        return told if isinstance(told, dict) else None  # It may just have been started again after an export.

    def known() -> tuple[Any, ...]:
        told = until(info, 60, "the pub tells who it is")
        return told["id"], told["follows"], told["sequence"]

    return known


def container(engine, used):
    """The pub's container: its id, start time and image."""
    one = only(engine, used.bot)
    return one.id, one.attrs["State"]["StartedAt"], one.attrs["Config"]["Image"]


def test_a_message_travels_from_peer_to_peer(used):
    ann = used.ann.id
    waited = used.bob.does("follow", ann, "wait", HELLO, ann)[-1]
    assert (waited["text"], waited["feed"]) == (HELLO, ann)


def test_it_is_known_who_used_an_invite(run, used):
    (entry,) = [one for one in run("bots.invites", NAME) if one["id"] == used.invite["id"]]
    assert (entry["state"], entry["used"], entry["remaining"], entry["note"]) == ("used", 2, 0, "for the two")
    assert [row["id"] for row in entry["used_by"]] == [used.ann.id, used.bob.id]


def test_a_spent_and_a_revoked_invite_are_refused(run, refused, used, peer):
    eve = peer("eve")
    assert "error" in eve("use", used.invite["code"])[0]
    invite = run("bots.invite", NAME, "uses=5")
    assert run("bots.revoke", NAME, f"'{invite['id']}'")["state"] == "revoked"
    assert "error" in eve("use", invite["code"])[0]
    (entry,) = [one for one in run("bots.invites", NAME) if one["id"] == invite["id"]]
    assert (entry["state"], entry["used"], entry["used_by"]) == ("revoked", 0, [])
    assert "is not an invite's id" in refused("bots.revoke", NAME, "nonsense")


def test_restart_stop_and_start_keep_everything(run, used, engine, known):
    before, who = container(engine, used), known()
    told = run("bots.restart", NAME)
    assert (told["pub_id"], told["follows"], told["sequence"]) == who
    assert container(engine, used)[0] == before[0]
    assert container(engine, used)[1] != before[1]
    assert run("bots.stop", NAME)["actual"] == "stopped"
    assert only(engine, used.bot).status == "exited"
    assert run("bots.start", NAME)["actual"] == "alive"
    assert known() == who
    assert any("control: ready" in line for line in run("bots.logs", NAME, "lines=20")["lines"])


@pytest.fixture
def _newest(service, newer):
    """For a while, the service gives the newer image to bots that are upgraded."""
    service.stop()
    service.environment["CELLAR_PUB_IMAGE"] = newer
    service.start()
    yield
    service.stop()
    del service.environment["CELLAR_PUB_IMAGE"]
    service.start()


@pytest.mark.usefixtures("_newest")
def test_upgrade_keeps_everything(run, used, engine, known, newer):
    before, who = container(engine, used), known()
    assert run("bots.upgrade", NAME)["image"] == newer
    after = container(engine, used)
    assert after[0] != before[0]
    assert after[2] == newer
    assert known() == who


def test_going_back_and_rebuild_keep_everything(run, used, engine, known):
    who = known()
    assert run("bots.upgrade", NAME)["image"] == IMAGE
    run("bots.rebuild", NAME)
    assert container(engine, used)[2] == IMAGE
    assert known() == who


def test_an_unlisted_container_is_left_alone_and_reported(run, client, master, used, engine):
    stranger = engine.containers.create(
        IMAGE,
        name=f"stranger-{secrets.token_hex(8)}",
        labels={"saltcellar.node": "cellar-1", "saltcellar.bot": secrets.token_hex(8)},
    )
    stranger.rename(f"stranger-{stranger.labels['saltcellar.bot']}")
    stranger.start()
    stranger.reload()
    try:
        before = (stranger.id, stranger.attrs["State"]["StartedAt"])
        run("bots.start", NAME)
        assert stranger.name in master.salt("cellar-1", "pubs.unlisted")
        stranger.reload()
        assert (stranger.id, stranger.attrs["State"]["StartedAt"]) == before
        until(lambda: stranger.name in facts(client)["unlisted"], 30, "the service knows of the stranger")
    finally:
        stranger.remove(force=True, v=True)
    assert stranger.name not in master.salt("cellar-1", "pubs.unlisted")


def facts(client):
    """The latest facts of cellar-1."""
    nodes = client._json("GET", "/nodes")["nodes"]
    return next(node["facts"] for node in nodes if node["id"] == "cellar-1") or {"unlisted": []}


def without_log(tar: Path) -> Path:
    """A copy of an export, without the log."""
    cut = tar.with_name("no-log.tar")
    with tarfile.open(tar) as old, tarfile.open(cut, "w") as new:
        for member in old:
            if member.name != "flume/log.offset":
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return cut


def test_export_and_import_move_a_pub_and_never_fork_it(run, refused, used, engine, peer, known, tmp_path, cellar):
    old, new = str(tmp_path / "old.tar"), str(tmp_path / "new.tar")
    again = (f"account={ACCOUNT}", "node=cellar-2")
    assert run("bots.export", NAME, old)["pub_id"] == known()[0]
    assert Path(old).stat().st_mode & 0o777 == 0o600
    cid = peer("cid")
    cid.does("accept", run("bots.invite", NAME)["code"])  # The pub has written one more message, to follow Cid.
    told, who = run("bots.export", NAME, new), known()
    assert (told["pub_id"], told["sequence"]) == (who[0], who[2])

    assert "an identity never runs twice" in refused("bots.import", f"{NAME}-twin", new, *again)
    data = cellar / "cellar-1" / "node" / "bots" / used.bot
    assert run("bots.delete", NAME)["actual"] == "gone"
    assert of_bot(engine, used.bot) == []
    assert (data / "secret").exists()  # Without purge the data is kept.

    assert "older than the pub" in refused("bots.import", NAME, old, *again)
    assert "no log" in refused("bots.import", NAME, str(without_log(Path(new))), *again)
    moved = run("bots.import", NAME, new, *again)
    assert (moved["node"], moved["actual"], moved["pub_id"]) == ("cellar-2", "alive", who[0])

    info = run_info(run, moved)
    assert info == who
    dan, ann = peer("dan"), used.ann.id
    code = run("bots.invite", NAME)["code"]
    waited = dan.does("accept", code, "follow", ann, "wait", HELLO, ann)[-1]
    assert waited["text"] == HELLO  # Ann's message has come along, although Ann is not there.
    used.bot = moved["id"]


def run_info(run, bot):
    """A pub's identity, whom it follows and how many messages it has written, as its restart tells."""
    told = run("bots.restart", bot["name"])
    return told["pub_id"], told["follows"], told["sequence"]


def test_delete_with_purge_removes_the_data(run, refused, client, engine, cellar):
    (bot,) = poured(client, [f"{NAME}-p"], ACCOUNT, "cellar-1")
    data = cellar / "cellar-1" / "node"
    assert (data / "bots" / bot / "secret").exists()
    run("bots.delete", f"{NAME}-p", "purge=True")
    assert of_bot(engine, bot) == []
    assert not (data / "bots" / bot).exists()
    assert not (data / "configs" / f"{bot}.json").exists()
    assert "There is no bot or account" in refused("bots.show", f"{NAME}-p")


def test_what_is_listed_is_json(run, used):
    listed = run("bots.list", f"account={ACCOUNT}")
    assert [bot["name"] for bot in listed] == [NAME]
    assert json.dumps(run("accounts.show", ACCOUNT)["bots"]) == json.dumps([NAME])
