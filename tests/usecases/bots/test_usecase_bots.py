import json
import threading

import pytest
from pouring import OTHER_PUB, OWNER, PUB, answer, bot, carry_out, event, owner, poured, report, state, tar, told
from trails import trail

from pillar_service.core.errors import Conflict, ForkHazard, Full, Invalid, NotFound, SaltcellarError
from pillar_service.core.people import tokens
from pillar_service.core.people.agents import Belonging, Desired, Hold
from pillar_service.store import database
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes.pillars import Pillar
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots, health, own_bots, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import nodes, pillars
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import storage

pytestmark = pytest.mark.usefixtures("service", "person")


@pytest.fixture
def person(service: None) -> None:
    owner()


def test_a_bot_its_job_its_pillar_and_its_audit_come_together() -> None:
    made = bot()
    id = made["agent"]["id"]
    assert made["agent"]["account"] == [{"email": OWNER, "role": "owner"}]
    assert (made["job"]["command"], made["job"]["state"]) == ("bots.create", "queued")
    assert told()[id]["state"] == "running"
    assert told()[id]["port"] == 20000
    assert [row["action"] for row in trail(f"agent:{id}")] == ["bots.create"]


def test_the_same_key_gives_the_same_bot_and_another_request_is_refused() -> None:
    first = bot(key="k")
    assert bot(key="k")["job"]["id"] == first["job"]["id"]
    assert len(bots.listed()) == 1
    with pytest.raises(Conflict, match="another request"):
        bot("other", key="k")


def test_a_name_is_taken_until_its_bot_is_gone() -> None:
    poured()
    with pytest.raises(Conflict, match="taken"):
        bot()
    bots.delete("test", "my", purge=False)
    with pytest.raises(Conflict, match="taken"):
        bot()
    carry_out()
    assert bot()["agent"]["name"] == "my"


def test_pouring_makes_it_alive_and_tells_its_id() -> None:
    alive = poured()
    assert (alive["actual"], alive["pub_id"], alive["detail"]) == ("alive", PUB, "")


def test_a_bot_that_is_stopped_is_not_started_by_a_restart() -> None:
    poured()
    bots.desire("test", "my", Desired.STOPPED)
    with pytest.raises(Conflict, match="my is stopped: start it instead"):
        jobs.submit("test", "bots.restart", "my")
    bots.desire("test", "my", Desired.RUNNING)
    assert jobs.submit("test", "bots.restart", "my")["job"]["state"] == "queued"


def test_a_bot_whose_owner_is_suspended_is_restarted_by_no_member() -> None:
    id, member = poured()["id"], owner("member@example.org")
    with database.transaction():
        agents.join(member, id, Belonging.MEMBER)
    accounts.set_state("test", OWNER, "suspended", Hold.PAYMENT)
    with pytest.raises(Conflict, match="my can't restart: every account that owns it is suspended"):
        own_bots.submit(member, "bots.restart", id, {})
    assert [job["command"] for job in jobs.listed(state="queued")] == ["bots.stop"]


@pytest.mark.parametrize("command", ["bots.start", "bots.restart"])
def test_a_pub_that_answers_as_another_is_no_success(command: str) -> None:
    id = poured()["id"]
    assert told()[id]["pub_id"] == PUB
    asked = jobs.submit("test", command, "my")["job"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "1")
    another = {"pub_id": OTHER_PUB, "sequence": 0, "version": "1"}
    returned = state(id, pub=another) if run["function"] == "state.apply" else another
    runs.result(run["id"], "1", "cellar-1", returned, True, 0)
    ended = jobs.show(asked["id"])["job"]
    assert ended["state"] == "failed"
    assert f"should be {PUB}, but it is {OTHER_PUB}" in ended["error"]
    assert bots.show("my")["pub_id"] == PUB


def test_a_failed_pouring_keeps_the_bot_and_a_start_heals_it() -> None:
    made = bot()
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "1")
    broken = state(made["agent"]["id"], "container", result=False, comment="port is already allocated")
    runs.result(run["id"], "1", "cellar-1", broken, True, 2)
    sick = bots.show("my")
    assert (sick["actual"], sick["desired"]) == ("sick", "running")
    assert "port is taken" in sick["detail"]
    assert jobs.show(made["job"]["id"])["job"]["state"] == "failed"
    jobs.submit("test", "bots.start", "my")
    carry_out()
    assert (bots.show("my")["actual"], bots.show("my")["detail"]) == ("alive", "")


def test_stop_and_start_are_told_to_the_node() -> None:
    id = poured()["id"]
    bots.desire("test", "my", Desired.STOPPED)
    assert told()[id]["state"] == "stopped"
    carry_out()
    assert bots.show("my")["actual"] == "stopped"
    bots.desire("test", "my", Desired.RUNNING)
    carry_out()
    assert bots.show("my")["actual"] == "alive"


def test_a_deleted_bot_is_a_tombstone_until_its_node_says_that_it_is_gone() -> None:
    id = poured()["id"]
    asked = bots.delete("test", "my", purge=True)
    assert (told()[id]["state"], told()[id]["purge"]) == ("absent", True)
    with pytest.raises(Conflict, match="being deleted"):
        bots.desire("test", "my", Desired.RUNNING)
    with pytest.raises(Conflict, match="being deleted"):
        jobs.submit("test", "bots.invite", "my")
    carry_out()
    assert jobs.show(asked["job"]["id"])["job"]["state"] == "succeeded"
    assert told() == {}
    assert bots.listed() == []
    with pytest.raises(NotFound):
        bots.show(id)


def test_a_state_run_of_an_older_pillar_does_not_count_as_removal() -> None:
    id = poured()["id"]
    asked = bots.delete("test", "my", purge=False)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "1")
    runs.result(run["id"], "1", "cellar-1", state(id, "alive"), True, 0)
    again = jobs.show(asked["job"]["id"])["job"]
    assert (again["state"], "older pillar" in again["error"]) == ("queued", True)
    assert told()[id]["state"] == "absent"
    with database.transaction():
        Job.update(not_before=0).execute()
    carry_out()
    assert bots.listed() == []


def test_a_deletion_cancels_what_is_queued_for_the_bot() -> None:
    made = bot()
    bots.delete("test", "my", purge=True)
    assert jobs.show(made["job"]["id"])["job"]["state"] == "cancelled"


def test_an_upgrade_gives_the_newest_image(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    id = poured()["id"]
    monkeypatch.setenv("CELLAR_PUB_IMAGE", "saltcellar/pub:9")
    service()  # type: ignore[operator]
    assert told()[id]["image"] != "saltcellar/pub:9"
    jobs.submit("test", "bots.upgrade", "my")
    assert told()[id]["image"] == "saltcellar/pub:9"


def test_placement_and_ports(service: object) -> None:
    nodes.add("test", "cellar-2", 30000, 30000)
    assert [bot(f"b{n}")["agent"]["node"] for n in range(3)] == ["cellar-1", "cellar-2", "cellar-1"]
    assert bot("chosen", node="cellar-1")["agent"]["port"] == 20002
    with pytest.raises(Full):
        bot("no-room", node="cellar-2")
    with pytest.raises(NotFound, match="no node"):
        bot("nowhere", node="cellar-9")


@pytest.mark.parametrize("purge", [False, True])
def test_a_bot_that_is_deleted_and_made_anew_gets_another_port(purge: bool) -> None:
    """Another program may have taken the first port."""
    assert bot()["agent"]["port"] == 20000
    bots.delete("test", "my", purge=purge)
    carry_out()
    assert bot()["agent"]["port"] == 20001


def test_an_import_gets_the_port_that_its_invites_name() -> None:
    poured()
    bots.delete("test", "my", purge=True)
    carry_out()
    made = bot("again", upload=transfers.upload("test", tar(sequence=9))["upload"])
    assert made["agent"]["port"] == 20000
    assert told()[made["agent"]["id"]]["port"] == 20000


def test_eight_people_at_once_get_eight_ports() -> None:
    together, failed = threading.Barrier(8), []

    def create(n: int) -> None:
        together.wait()
        try:
            bot(f"b{n}")
        except SaltcellarError as error:
            failed.append(error)
        storage.release()

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(facts["port"] for facts in told().values()) == list(range(20000, 20008))


def test_new_settings_rewrite_every_pillar_once(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    poured()
    pillars.refresh()
    before = pillars.changes(None)[0]
    assert pillars.refresh() == 0
    monkeypatch.setenv("CELLAR_PUBLIC_URL", "https://elsewhere.test")
    service()  # type: ignore[operator]
    assert pillars.refresh() == 1
    assert pillars.changes(before)[1] == ["cellar-1"]
    assert '"url":"https://elsewhere.test"' in (pillars.ready("cellar-1") or ("", ""))[0]


def test_a_nodes_token_is_told_and_never_kept(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    pillars.refresh()
    told = []
    for key in ("first-key-" * 4, "second-key-" * 4):
        monkeypatch.setenv("CELLAR_SECRET_KEY", key)
        service()  # type: ignore[operator]
        assert pillars.refresh() == 1
        body, etag = pillars.ready("cellar-1") or ("", "")
        assert json.loads(body)["saltcellar"]["service"]["token"] == tokens.node_token(key, "cellar-1")
        assert tokens.node_token(key, "cellar-1").partition(":")[2] not in str(list(Pillar.select().dicts()))
        told.append(etag)
    assert told[0] != told[1]  # Otherwise a master would go on with the old token.


def test_a_change_that_changes_nothing_gives_no_new_serial() -> None:
    poured()
    before = pillars.changes(None)[0]
    nodes.add("test", "cellar-1")
    jobs.submit("test", "bots.start", "my")
    assert pillars.changes(before) == (before, [], [])
    assert pillars.changes(before + 7) == (before, [], []), "a backup was put back"


def test_suspending_stops_every_bot_and_resuming_starts_those_that_should_run() -> None:
    ids = [poured(name)["id"] for name in ("one", "two")]
    bots.desire("test", "two", Desired.STOPPED)
    carry_out()
    done = accounts.set_state("test", OWNER, "suspended")
    assert [job["command"] for job in done["jobs"]] == ["bots.stop"]
    assert {told()[id]["state"] for id in ids} == {"stopped"}
    carry_out()
    assert bots.show("one")["actual"] == "stopped"
    with pytest.raises(Conflict, match="suspended"):
        bots.desire("test", "one", Desired.RUNNING)
    with pytest.raises(Conflict, match="suspended"):
        bot("three")
    accounts.set_state("test", OWNER, "active")
    assert [told()[id]["state"] for id in ids] == ["running", "stopped"]


def test_an_export_comes_to_life_elsewhere_only_when_the_first_is_gone() -> None:
    poured()
    asked = jobs.submit("test", "bots.export", "my")["job"]
    [run] = claims.claim("salt")["runs"]
    assert (run["function"], run["arguments"][1:]) == ("pubs.export", [asked["id"], "everything"])
    runs.started("salt", run["id"], "1")
    kept = transfers.deliver("cellar-1", asked["id"], tar(sequence=7))
    runs.result(run["id"], "1", "cellar-1", {"pub_id": PUB, "sequence": 7, **kept}, True, 0)
    assert jobs.show(asked["id"])["job"]["state"] == "succeeded"
    with transfers.path(transfers.exported(asked["id"]).id).open("rb") as file:
        upload = transfers.upload("test", file)  # type: ignore[arg-type]
    with pytest.raises(ForkHazard, match="never runs twice"):
        bot("again", upload=upload["upload"])
    bots.delete("test", "my", purge=False)
    carry_out()
    old = transfers.upload("test", tar(sequence=6))
    with pytest.raises(ForkHazard, match="older than the pub"):
        bot("again", upload=old["upload"])
    made = bot("again", upload=upload["upload"])
    entry = told()[made["agent"]["id"]]["import"]
    assert entry == {"job": made["job"]["id"], "sha256": kept["sha256"], "size": kept["size"], "pub_id": PUB}
    assert transfers.for_node("cellar-1", made["job"]["id"]).sha256 == kept["sha256"]
    with pytest.raises(NotFound):
        transfers.for_node("cellar-2", made["job"]["id"])
    with pytest.raises(ForkHazard):
        bot("third", upload=upload["upload"])
    carry_out()
    health.take("cellar-1", [event(report(made["agent"]["id"], sequence=8))])
    jobs.submit("test", "bots.start", "again")
    with pytest.raises(ForkHazard, match="has written 8 messages"):
        transfers.for_node("cellar-1", made["job"]["id"])


def delete_by(node_says: dict[str, object]) -> None:
    """Delete the bot `my`; its node reports this about it."""
    id = bots.show("my")["id"]
    bots.delete("test", "my", purge=False)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, state(id, "gone", pub=node_says))
    assert bots.listed() == []


def test_what_a_pub_wrote_after_its_last_report_counts_once_it_is_gone() -> None:
    poured()
    old = transfers.upload("test", tar(sequence=3))["upload"]
    delete_by({"data": "kept", "pub_id": PUB, "sequence": 4})
    with pytest.raises(ForkHazard, match="ends at message 3, and the pub has written 4 since"):
        bot("again", upload=old)
    bot("again", upload=transfers.upload("test", tar(sequence=4))["upload"])


@pytest.mark.parametrize(
    "said", [{"data": "kept"}, {"data": "kept", "pub_id": OTHER_PUB, "sequence": 9}], ids=["older node", "another pub"]
)
def test_a_node_that_does_not_tell_how_far_its_log_went_can_delete_it(said: dict[str, object]) -> None:
    poured()
    delete_by(said)
    made = bot("again", upload=transfers.upload("test", tar(sequence=3))["upload"])
    assert made["agent"]["pub_id"] == PUB


def test_what_can_not_be_imported_leaves_nothing_behind(tmp_path: object) -> None:
    for wrong in (tar(**{"flume/log.offset": b""}), tar(**{"../x": b"1"}), tar(secret=b"{}")):
        with pytest.raises((Invalid, ForkHazard)):
            transfers.upload("test", wrong)
    assert list(transfers.settings().files.iterdir()) == []


def test_an_export_of_another_identity_is_not_taken() -> None:
    poured()
    asked = jobs.submit("test", "bots.export", "my")["job"]
    with pytest.raises(Conflict, match="takes no tar"):
        transfers.deliver("cellar-1", asked["id"], tar())
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "1")
    with pytest.raises(NotFound):
        transfers.deliver("cellar-2", asked["id"], tar())
    with pytest.raises(Conflict, match="not taken"):
        transfers.deliver("cellar-1", asked["id"], tar(pub_id=OTHER_PUB))
    with pytest.raises(Conflict, match="being exported"):
        bots.delete("test", "my", purge=True)
    runs.result(run["id"], "1", "cellar-1", {"pub_id": PUB}, True, 0)
    assert "never arrived" in jobs.show(asked["id"])["job"]["error"]
    assert list(transfers.settings().files.iterdir()) == []
