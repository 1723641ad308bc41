"""The shipped files load and say what they must, and each script does what it says."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pillar_service.catalogue import load, loading, stamp
from pillar_service.core.chat.personas import WORDS, Moment
from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.commands import OF_CHAT
from pillar_service.core.meeseeks import catalogue, loaded, runs, typed
from pillar_service.core.meeseeks.loaded import Loaded
from pillar_service.core.meeseeks.roles import Caller
from pillar_service.core.meeseeks.runs import Action
from pillar_service.core.nodes.selectors import EVERYTHING
from pillar_service.core.people.agents import AccountState

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "states" / "meeseeks" / "scripts"

OPERATOR = Caller(email="operator@example.org", state=AccountState.ACTIVE, is_proved=True)


@pytest.fixture(scope="module")
def shipped() -> Loaded:
    return load(ROOT / "salt" / "meeseeks", ROOT / "states")


def test_what_is_promised_is_there(shipped: Loaded) -> None:
    assert set(shipped.catalogue.listed()) == {
        "restart-bot", "start-bot", "stop-bot", "upgrade-bot", "rebuild-bot", "delete-bot", "bring-back-bot", "invite",
        "invites", "revoke-invite", "export-bot",
        "bot-logs", "node-status", "disk", "memory", "on-call", "state-apply", "package-upgrades",
        "upgrade-packages", "kube-pods", "kube-restart",
    }  # fmt: skip
    actions = {one.runs.command for one in shipped.catalogue.commands.values() if isinstance(one.runs, Action)}
    assert actions == OF_CHAT
    assert len(actions) == 12


def test_each_command_has_help_and_an_example(shipped: Loaded) -> None:
    for name in shipped.catalogue.listed():
        command = shipped.catalogue.command(name)
        assert command.help, name
        assert command.examples, name
        assert all(typed.read(example, shipped.catalogue.flags).command == name for example in command.examples)


def test_states_are_shown_before_they_are_applied(shipped: Loaded) -> None:
    command = shipped.catalogue.command("state-apply")
    preview = shipped.catalogue.preview(command)
    assert preview is not None
    assert preview.name == "state-apply.preview"
    assert (preview.runs.keywords, preview.requires, preview.hidden) == (
        {"queue": 10, "test": True},
        catalogue.Requires(),
        True,
    )
    assert command.requires == catalogue.Requires(confirm=True, otp=True)


def test_packages_are_upgraded_when_another_operator_agrees(shipped: Loaded) -> None:
    requires = shipped.catalogue.command("upgrade-packages").requires
    assert requires.approval == catalogue.Approval("operator", 1, 30)
    assert requires.otp


def test_kubernetes_is_routed_by_label_and_capacity(shipped: Loaded) -> None:
    command = shipped.catalogue.command("kube-restart")
    assert command.capacities == {"kubectl"}
    assert "kube-restart" not in catalogue.for_node(shipped.catalogue, {"environment": "prd"})
    assert "kube-restart" in catalogue.for_node(shipped.catalogue, {"kubernetes": ""})
    assert runs.argv(command.runs, command.checked({"deployment": "web"})) == [
        "kubectl", "--namespace=default", "rollout", "restart", "--", "deployment/web",
    ]  # fmt: skip


def test_who_is_on_call_is_read_where_it_is_written(shipped: Loaded) -> None:
    assert shipped.catalogue.command("on-call").capacities == {"bash", "on-call"}


def test_nobody_may_do_anything_who_is_not_named(shipped: Loaded) -> None:
    for name in (*shipped.catalogue.commands, *catalogue.PRIVILEGES):
        assert not shipped.policy.decide(
            Caller("T01", "U01", "x@example.org", AccountState.ACTIVE), name, None, "direct"
        ).allowed
        may = shipped.policy.decide(OPERATOR, name, None, "direct")
        assert may.allowed is not name.endswith(catalogue.PREVIEW)
        assert not may.allowed or may.nodes(EVERYTHING, {"a": {}}) == ["a"]


def test_meeseeks_says_what_meeseeks_say(shipped: Loaded) -> None:
    persona = shipped.personas.of("C01")
    assert persona.says(Moment.GREETING, {}) == "I'm Mr Meeseeks! Look at me!"
    assert persona.says(Moment.ACCEPTED, {}) == "Uuuuh, yeah! Can do!"
    assert persona.says(Moment.DONE, {"user": "@ann"}) == "@ann All done!"
    assert set(shipped.personas.known) == {"meeseeks", "marvin", "boring"}


def test_every_sentence_is_whole(shipped: Loaded) -> None:
    for persona in shipped.personas.known.values():
        for moment in Moment:
            for number in range(5):
                assert "{" not in persona.says(moment, dict.fromkeys(WORDS[moment], "x"), number)


def test_what_is_kept_is_read_again(shipped: Loaded) -> None:
    kept = loaded.to_json(shipped)
    assert loaded.from_json(kept) == shipped
    assert loaded.to_json(loaded.from_json(kept)) == kept


def test_what_was_kept_of_another_shape_is_refused(shipped: Loaded) -> None:
    kept = loaded.to_json(shipped)
    for was, becomes in (
        ('{"is":"Persona"', '{"is":"Person"'),
        ('"timeout_s":90', '"timeout_s":"90"'),
        ('"hidden":false', '"hid":false'),
    ):
        assert was in kept
        with pytest.raises(Invalid, match="can't be read"):
            loaded.from_json(kept.replace(was, becomes, 1))


@pytest.mark.parametrize(
    "wrong", ["", "[]", "{}", "null", '{"is":"Policy"}', '{"is":"Loaded","catalogue":5}', "x" * 100]
)
def test_what_was_kept_badly_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid, match="can't be read"):
        loaded.from_json(wrong)


def test_a_file_that_others_may_read_now_changes_the_stamp(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").touch(0o600)
    before = stamp(tmp_path)
    time.sleep(0.02)  # the kernel's clock ticks every few milliseconds
    (tmp_path / "roles.yaml").chmod(0o644)
    assert stamp(tmp_path) != before


def test_a_changed_file_changes_stamp_and_fingerprint(tmp_path: Path, shipped: Loaded) -> None:
    assert stamp(tmp_path) == (None, None, None)
    for file in (ROOT / "salt" / "meeseeks").glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = stamp(tmp_path)
    assert load(tmp_path).fingerprint == shipped.fingerprint
    (tmp_path / "roles.yaml").write_bytes((tmp_path / "roles.yaml").read_bytes() + b"\n# more\n")
    assert stamp(tmp_path) != before
    assert load(tmp_path).fingerprint != shipped.fingerprint


def test_files_have_settled_when_nobody_wrote_to_them_lately(tmp_path: Path) -> None:
    assert loading.is_settled(stamp(tmp_path), time.time()), "there is nothing to wait for"
    (tmp_path / "roles.yaml").touch()
    written, seen = time.time(), stamp(tmp_path)
    assert not loading.is_settled(seen, written + 0.1)
    assert loading.is_settled(seen, written + loading.SETTLED_S + 0.1)
    assert loading.is_settled(seen, written - 3600), "the clock was set back"


def test_a_pipe_in_a_files_place_holds_nobody(tmp_path: Path) -> None:
    for file in (ROOT / "salt" / "meeseeks").glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "roles.yaml").unlink()
    os.mkfifo(tmp_path / "roles.yaml")
    with pytest.raises(Invalid, match=r"roles\.yaml:1: This is not a file"):
        load(tmp_path)


def test_a_script_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"commands\.yaml:\d+: There is no script salt://meeseeks/scripts/disk\.sh"):
        load(ROOT / "salt" / "meeseeks", tmp_path)


def test_a_script_with_another_text_than_the_catalogue_names_is_a_fault(tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "meeseeks" / "scripts")
    script = tmp_path / "meeseeks" / "scripts" / "package-upgrades.sh"
    load(ROOT / "salt" / "meeseeks", tmp_path)
    script.write_text(f"{script.read_text()}# changed\n")
    with pytest.raises(
        Invalid, match=r"commands\.yaml:\d+: salt://meeseeks/scripts/package-upgrades\.sh has the sha256"
    ):
        load(ROOT / "salt" / "meeseeks", tmp_path)


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, check=False
    )


def test_scripts_tell_of_this_machine() -> None:
    for words, part in (
        (("bash", f"{SCRIPTS}/node-status.sh"), "load "),
        (("python3", f"{SCRIPTS}/memory.py", "2"), "MiB available"),
        (("bash", f"{SCRIPTS}/disk.sh", "0"), "%"),
        (("bash", f"{SCRIPTS}/package-upgrades.sh", "list"), "packages"),
    ):
        told = run(*words)
        assert (told.returncode, told.stderr) == (0, "")
        assert part in told.stdout
    assert run("bash", f"{SCRIPTS}/package-upgrades.sh", "burn").returncode == 2


def test_who_is_on_call_is_the_last_whose_week_has_begun(tmp_path: Path) -> None:
    file = tmp_path / "on-call"
    assert run("bash", f"{SCRIPTS}/on-call.sh", str(file)).returncode == 1
    file.write_text("# a remark\n2999-01-01 Eve\n2001-01-01 Bob\n2002-01-01 Ann +64 1\n")
    assert run("bash", f"{SCRIPTS}/on-call.sh", str(file)).stdout == "On call since 2002-01-01: Ann +64 1\n"
    file.write_text("2999-01-01 Eve\n")
    assert "Nobody is on call yet" in run("bash", f"{SCRIPTS}/on-call.sh", str(file)).stderr
