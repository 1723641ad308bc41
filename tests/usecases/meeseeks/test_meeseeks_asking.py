"""Asking for commands: who may ask, for what, and how often."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from chatting import (
    ANN,
    SECRET,
    ZOE,
    ask,
    begin,
    chat,
    claim_all,
    everything,
    finish,
    grant,
    keep,
    link,
    nodes_of,
    said,
    user,
)
from pouring import answer, owner

from pillar_service.catalogue import loading
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound, SaltcellarError, TooMany
from pillar_service.core.meeseeks.roles import Role
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.usecases.jobs import claims
from pillar_service.usecases.meeseeks import asking, catalogue, looking
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("service", "_scene")
ROOT = Asker("operator:root")


def test_who_has_no_role_may_ask_for_nothing_and_it_is_written_down() -> None:
    assert asking.tasks(chat(ZOE)) == []
    for line in ("say hi", "list-bots"):
        with pytest.raises(Forbidden, match="No role names you"):
            ask(line, ZOE)
    rows = said("meeseeks.denied")
    assert [(row.actor, row.subject) for row in rows] == [
        ("chat:T01/U09", "command:say"),
        ("chat:T01/U09", "command:list-bots"),
    ]
    assert jobs.of_commands(None, 9) == []


def test_the_same_user_id_of_another_team_is_somebody_else() -> None:
    asker = chat(ANN, team="T02")
    with pytest.raises(Forbidden):
        asking.read(asker, "say hi")


def test_somebody_is_their_account_too_while_it_is_active() -> None:
    link(ZOE, owner("ann@example.org"))
    assert nodes_of("say hi", id=ZOE) == ["cellar-1", "cellar-2"]
    accounts.set_state("test", "ann@example.org", "suspended")
    with pytest.raises(Forbidden, match="suspended"):
        asking.read(chat(ZOE), "say hi")


def test_a_secret_reaches_the_node_and_stands_nowhere_else() -> None:
    job = ask(f"log-in {SECRET}")
    assert job["arguments"] == {"password": "(secret)"}
    [run] = claim_all()
    assert SECRET not in json.dumps([run, looking.show(chat(), job["id"])]) + everything()
    assert begin(run) == {"password": SECRET}
    finish(run)
    found = jobs.find(job["id"])
    assert found is not None
    assert "secrets" not in found.plan
    assert SECRET not in everything()


@pytest.mark.parametrize(
    "line",
    [
        f"log-in '{SECRET}!'", f"log-in {SECRET} canary-7f3a-more", f"log-in password={SECRET}_", "log-in canary-7f3a=x",
        f"log-in x --password {SECRET}",
    ],
)  # fmt: skip
def test_no_error_repeats_a_secret(line: str) -> None:
    with pytest.raises(SaltcellarError) as raised:
        ask(line)
    assert "canary" not in str(raised.value)
    assert "canary" not in everything()


def test_arguments_are_checked_and_what_is_not_to_be_given_is_refused() -> None:
    for line in ("say", "say hi there", "say hi shout=yes", "fixed hi mode=fast", "one on=../etc"):
        with pytest.raises(Invalid):
            ask(line)
    with pytest.raises(NotFound, match="did you mean say"):
        ask("sayy hi")
    found = jobs.find(ask("fixed hi")["id"])
    assert found is not None
    assert found.plan["arguments"] == ["fixed", {"text": "hi", "mode": "slow"}]


def test_the_same_key_twice_is_one_job_though_another_node_is_less_busy_by_then() -> None:
    ids = {ask("any", key="event-1")["id"] for _ in range(5)}
    assert len(ids) == 1
    assert len(jobs.of_commands(None, 9)) == 1
    with pytest.raises(Conflict, match="another request"):
        ask("say hi", key="event-1")
    assert len(said("meeseeks.ask")) == 1


def test_the_same_key_with_another_secret_is_another_request() -> None:
    ask("log-in first", key="event-1")
    with pytest.raises(Conflict):
        ask("log-in second", key="event-1")


def test_who_has_many_jobs_waits_for_one_to_end(monkeypatch: pytest.MonkeyPatch, service: object) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "2")
    service()  # type: ignore[operator]
    for _ in range(2):
        ask("say hi")  # Parts do not count.
    with pytest.raises(TooMany, match="2 of your jobs"):
        ask("any")
    asking.ask(ROOT, asking.wish(ROOT, "any", {}))
    for run in claim_all():
        if run["arguments"]:
            begin(run)
            finish(run)
    ask("any")


def test_a_job_whose_preview_is_one_too_many_is_not_made(monkeypatch: pytest.MonkeyPatch, service: object) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "2")
    service()  # type: ignore[operator]
    first = ask("any")
    with pytest.raises(TooMany, match="2 of your jobs"):
        asking.ask_shown(chat(), asking.read(chat(), "fell hi"), "event-1")
    assert [one["id"] for one in looking.listed(chat())] == [first["id"]]
    assert [row.subject for row in said("meeseeks.ask")] == [f"job:{first['id']}"]
    claim_all()
    with database.transaction():
        jobs.Job.update(state="succeeded").execute()
    job, shown = asking.ask_shown(chat(), asking.read(chat(), "fell hi"), "event-1")
    assert shown is not None
    assert (job["command"], shown["command"]) == ("fell", "say")
    assert asking.ask_shown(chat(), asking.read(chat(), "fell hi"), "event-1") == (job, shown)


def test_a_preview_runs_on_the_nodes_that_are_shown_and_waits_for_nothing() -> None:
    wanted = asking.read(chat(), "fell hi -l disk=ssd")
    shown = asking.preview(chat(), wanted)
    assert shown is not None
    told = shown["job"]
    assert (told["command"], told["node"], told["state"], told["arguments"]) == (
        "say",
        "cellar-1",
        "queued",
        {"text": "hi"},
    )
    assert asking.ask(chat(), wanted)["job"]["state"] == "asked"
    assert asking.preview(chat(), asking.read(chat(), "any")) is None


def test_a_preview_is_nothing_that_somebody_asked_for_by_itself() -> None:
    wanted = asking.read(chat(), "fell hi")
    job = asking.ask(chat(), wanted)["job"]
    shown = asking.preview(chat(), wanted)
    assert shown is not None
    assert looking.last(chat()).id == job["id"]
    assert [one["id"] for one in looking.listed(chat())] == [job["id"]]
    assert looking.found(chat(), shown["job"]["id"]).command == "say"
    ask("say hi")
    assert looking.last(chat()).command == "say"


def test_a_runner_runs_on_the_master_with_what_it_is_given() -> None:
    job = ask("list-bots")
    assert (job["node"], job["parts"]) == (None, 0)
    [run] = claim_all()
    assert (run["node"], run["function"], run["arguments"], run["keywords"]) == (None, "bots.list", [], {})
    ask("show-bot my")
    [run] = claim_all()
    assert (run["function"], run["arguments"], run["keywords"]) == ("bots.show", ["my"], {"long": True})


def test_what_a_runner_returns_is_no_outcome_of_the_executors() -> None:
    job = ask("list-bots")
    [run] = claim_all()
    answer(run, {"state": "making", "id": "1f2e"})
    told = looking.show(chat(), job["id"])["job"]
    assert (told["state"], told["result"]) == ("succeeded", {"state": "making", "id": "1f2e"})


def test_a_grant_counts_in_its_channels_alone() -> None:
    keep(roles=[Role("tester", frozenset({user(ANN)}), (), (grant("say", channels=("direct", "C07")),))])
    for fits in ("direct", "C07"):
        ask("say hi", channel=fits)
    for other in ("C01", "", "any"):
        with pytest.raises(Forbidden, match="You may not run say here"):
            ask("say hi", channel=other)


def test_a_catalogue_that_could_never_be_read_says_so_and_allows_nothing(
    monkeypatch: pytest.MonkeyPatch, service: object, tmp_path: object
) -> None:
    from pillar_service.store.meeseeks import catalogues

    with database.transaction():
        catalogues.KeptCatalogue.delete().execute()
    monkeypatch.setenv("CELLAR_CATALOGUE", str(tmp_path))
    service()  # type: ignore[operator]
    catalogue._Looked.at = 0.0
    assert catalogue.current().catalogue.commands == {}
    assert "commands.yaml" in (catalogue.fault() or "")


def test_a_file_that_is_still_being_written_waits_for_its_end(
    monkeypatch: pytest.MonkeyPatch, service: object, tmp_path: Path
) -> None:
    def look() -> set[str]:
        catalogue._Looked.at = 0.0
        return set(catalogue.current().catalogue.commands)

    for file in settings().catalogue.glob("*.yaml"):
        shutil.copyfile(file, tmp_path / file.name)
    monkeypatch.setenv("CELLAR_CATALOGUE", str(tmp_path))
    service()  # type: ignore[operator]
    before = look()
    half = "commands:\n  just-this: {summary: Says hello., program: [/bin/echo, hello]}\n"
    (tmp_path / "roles.yaml").write_text("roles: {}\n")
    (tmp_path / "commands.yaml").write_text(half)
    assert look() == before
    for file in tmp_path.iterdir():
        os.utime(file)  # writes go on
    assert look() == before
    time.sleep(loading.SETTLED_S)
    assert look() == {"just-this"}, catalogue.fault()


def test_a_catalogue_that_another_version_kept_of_the_same_files_is_read_from_them_anew() -> None:
    from pillar_service.store.meeseeks import catalogues

    catalogue.reload("test")
    was = catalogue.current()
    with database.transaction():
        body = catalogues.find().body  # type: ignore[union-attr]
        catalogues.put(body.replace('"summary":', '"of_the_next_version":1,"summary":'), was.fingerprint, 1.0)
    catalogue._Looked.known, catalogue._Looked.stamp, catalogue._Looked.where = (
        catalogue.EMPTY,
        None,
        None,
    )  # as in a new process
    assert catalogue.current() == was
    assert claims.claim("salt")["runs"] == []
