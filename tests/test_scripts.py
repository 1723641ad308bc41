"""What the scripts of `make` do when something goes wrong, each in a scratch folder of its own."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ports import free_port

from pillar_service.settings.texts import absolutes

VAGRANT = Path(__file__).parent.parent / "vagrant"
FROZEN = "runs, but does not answer"
Docker = Callable[[dict[str, str]], dict[str, str]]


class Place:
    """A folder for the scripts to work in, with its own settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "place"
        self.port = free_port()
        self.settings = {"CELLAR_DIR": str(self.folder), "CELLAR_PUBLIC_PORT": str(self.port), "CELLAR_NODE": "here-1"}

    def bash(self, code: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a piece of shell; `$v` is the folder of the scripts."""
        told = os.environ | self.settings | {"v": str(VAGRANT)} | more
        return subprocess.run(["bash", "-c", code], env=told, capture_output=True, text=True, timeout=60)

    def pid(self, name: str) -> int:
        """The pid of a process that was started here."""
        return int((self.folder / "run" / f"{name}.pid").read_text())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def frozen(place: Place) -> Iterator[Place]:
    """A public app that has its port but hangs."""
    (place.folder / "pages").mkdir(parents=True)
    (place.folder / "pages" / "healthz").write_text("ok")
    serve = f"{sys.executable} -m http.server {place.port} --bind 127.0.0.1 --directory {place.folder}/pages"
    begin = f'. $v/settings.sh; start_process public {serve}; wait_for 20 healthy "$public_url"'
    started = place.bash(begin)
    assert started.returncode == 0, started.stderr
    try:
        assert re.search(r"public +running", place.bash("$v/status.sh").stdout)
        os.killpg(os.getpgid(place.pid("public")), signal.SIGSTOP)
        yield place
    finally:
        os.killpg(os.getpgid(place.pid("public")), signal.SIGKILL)


@pytest.fixture
def fetching(place: Place, tmp_path: Path) -> Callable[[str], subprocess.Popen[bytes]]:
    """Starts `prepare up` in a tree where fetching Python's packages takes forever; takes the code of its step docker."""
    (tmp_path / "tree" / "vagrant").mkdir(parents=True)
    (place.folder / "log").mkdir(parents=True)
    shutil.copy(VAGRANT / "settings.sh", tmp_path / "tree" / "vagrant")
    begun = place.folder / "begun"

    def begin(docker: str) -> subprocess.Popen[bytes]:
        does = {"packages": "echo all there", "python": f"touch {begun}; sleep 300; true", "docker": docker}
        for name, code in does.items():
            script = tmp_path / "tree" / "vagrant" / f"{name}.sh"
            script.write_text(f"#!/bin/bash\n{code}\n")
            script.chmod(0o755)
        told = f". {tmp_path}/tree/vagrant/settings.sh; take_turn; prepare up"
        # Under nohup, whatever the tests start ignores SIGHUP.
        hears = ["env", "--default-signal=HUP,INT", "bash", "-c", told]
        going = subprocess.Popen(hears, env=os.environ | place.settings, start_new_session=True)
        ends = time.monotonic() + 30
        while not begun.exists() and time.monotonic() < ends:
            time.sleep(0.05)
        return going

    return begin


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """Puts a fake `docker` on the PATH: for arguments that start with a key, it prints the value. Returns the settings."""
    script = tmp_path / "bin" / "docker"
    script.parent.mkdir()

    def answers(told: dict[str, str]) -> dict[str, str]:
        cases = "".join(f"'{asked}'*) cat <<'LINES'\n{lines}\nLINES\n;;\n" for asked, lines in told.items())
        script.write_text(f'#!/bin/bash\ncase "$*" in\n{cases}*) exit 9 ;;\nesac\n')
        script.chmod(0o755)
        return {"PATH": f"{script.parent}:{os.environ['PATH']}"}

    return answers


def test_a_process_that_hangs_does_not_count_as_one_that_lives(frozen: Place) -> None:
    told = frozen.bash("$v/status.sh")
    assert told.returncode == 1
    assert re.search(rf"public +{FROZEN} \(pid {frozen.pid('public')}\)", told.stdout), told.stdout


def test_nobody_waits_without_end_for_a_process_that_hangs(frozen: Place) -> None:
    assert frozen.bash('. $v/settings.sh; healthy "$public_url"').returncode == 28  # curl's exit code for a timeout


def test_who_ended_is_not_waited_for_and_its_last_word_is_told(place: Place) -> None:
    """salt-master ends like this if a port is taken. On a slow machine, half a minute is no reason to give up."""
    begin = '. $v/settings.sh; start_process master /bin/sh -c "echo The ports are not available to bind; sleep 1"; '
    asleep = "start_process minion /bin/sleep 60; trap 'stop_process minion' EXIT; "
    told = place.bash(f'{begin}{asleep}wait_started "minion master" "salt-master made no key" false')
    assert told.returncode == 1
    log = place.folder / "log" / "master.out"
    said = "salt-master made no key: master ended, with: The ports are not available to bind"
    assert told.stderr == f"{said} (its log is {log})\n"


def test_who_lives_is_waited_for(place: Place) -> None:
    begin = ". $v/settings.sh; start_process public /bin/sleep 60; trap 'stop_process public' EXIT; "
    told = place.bash(f'{begin}wait_started public "It did not answer" eval "((SECONDS > 1))"')
    assert (told.returncode, told.stderr) == (0, "")


def test_whatever_is_asked_over_http_is_asked_for_a_time() -> None:
    lines = [line for file in VAGRANT.rglob("*.sh") for line in file.read_text().splitlines()]
    asked = [line for line in lines if re.search(r"(?<![\w(])curl -", line)]
    assert len(asked) >= 3
    assert [line for line in asked if not re.search(r" (-m|--max-time) ?\d", line)] == []


def has_turn(place: Place, within_s: float = 0) -> bool:
    """Whether the next `make` may work in the place, within so many seconds at most."""
    ends = time.monotonic() + within_s
    while not (free := is_free(place)) and time.monotonic() < ends:
        time.sleep(0.1)
    return free


def is_free(place: Place) -> bool:
    """Whether nobody holds the place's lock."""
    with (place.folder / "run" / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_what_fails_ends_what_it_began_beside_the_steps(
    place: Place, fetching: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    going = fetching(f"until [[ -e {place.folder}/begun ]]; do sleep 0.05; done; echo no engine; exit 1")
    assert (going.wait(30), has_turn(place)) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_interrupted_ends_what_it_began_beside_the_steps(
    place: Place, fetching: Callable[[str], subprocess.Popen[bytes]], number: signal.Signals
) -> None:
    going = fetching("sleep 300")
    assert not has_turn(place)
    os.killpg(going.pid, number)
    going.wait(30)
    assert has_turn(place, within_s=10)


def test_a_node_whose_name_another_copy_has_here_is_refused(place: Place, docker: Docker) -> None:
    (place.folder / "node" / "bots" / "1f3a9c2e5b7d9e0f").mkdir(parents=True)
    need, asked = ". $v/settings.sh; need_node here-1 node", "ps -a --no-trunc --filter label=saltcellar.node=here-1 "
    moved = "1f3a9c2e5b7d9e0f my-1f3a9c2e5b7d9e0f /before/it/was/moved"
    unmounted = f"2f3a9c2e5b7d9e0f new-2f3a9c2e5b7d9e0f {place.folder}/node/bots/2f3a9c2e5b7d9e0f,/elsewhere"
    other = "3f3a9c2e5b7d9e0f garden-3f3a9c2e5b7d9e0f /srv/other/node/bots/3f3a9c2e5b7d9e0f"
    assert place.bash(need, **docker({asked: f"{moved}\n{unmounted}"})).returncode == 0
    told = place.bash(need, **docker({asked: f"{moved}\n{other}"}))
    assert told.returncode == 1
    assert "belong to a node here-1, too (garden-3f3a9c2e5b7d9e0f): another copy" in told.stderr
    assert "CELLAR_NODE to another, and CELLAR_BOT_PORTS" in told.stderr


@pytest.mark.parametrize("base", ["", "registry.example.org:5000/debian:bookworm-slim"])
def test_what_builds_the_image_on_the_node_knows_the_base_that_was_named(place: Place, base: str) -> None:
    etc, data = place.folder / "etc", place.folder / "node"
    etc.mkdir(parents=True)
    done = place.bash(f". $v/settings.sh; . $v/minion.sh; write_minion minion here-1 {etc} {data}", CELLAR_BASE=base)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load((etc / "minion").read_text())["saltcellar"]
    assert told == {"data": str(data)} | ({"base_image": base} if base else {})
    assert 'salt["config.get"]("saltcellar:base_image"' in (VAGRANT.parent / "states/pubs/map.jinja").read_text()


def test_the_readme_shows_the_steps_in_their_order() -> None:
    scripts = (VAGRANT / "settings.sh").read_text() + (VAGRANT / "up.sh").read_text()
    steps = [name for name in re.findall(r"^[^#\n]*\bstep ([a-z][a-z-]*) ", scripts, re.M) if name != "chat"]
    shown = (VAGRANT.parent / "README.md").read_text().split("/.cellar\n", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^ +(\S+)", shown, re.M) == steps


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a test run before which the engine was empty."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "engine.json").write_text("[]")
    return folder


def left(run: Path, settings: dict[str, str]) -> list[str]:
    """What that run left behind; the exit code must say the same."""
    command = [sys.executable, VAGRANT / "left_over.py", "look", run, "0"]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=60)
    assert done.returncode == bool(done.stdout), done.stderr
    return done.stdout.splitlines()


@contextlib.contextmanager
def sleeping(**told: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not end on its own."""
    process = subprocess.Popen(["sleep", "300"], **told)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


NOTHING = {"ps -aq": "", "volume ls": ""}


@pytest.mark.parametrize("is_marked", [True, False])
def test_a_process_that_the_tests_left_is_named(run: Path, docker: Docker, is_marked: bool) -> None:
    told = {"CELLAR_TEST_RUN": str(run)} if is_marked else {}
    with (run / "out").open("w") as out, sleeping(env=told, stdout=out) as process:
        assert left(run, docker(NOTHING)) == [f"  left: process {process.pid} sleep 300 "]
    with sleeping():
        assert left(run, docker(NOTHING)) == []


def test_containers_and_volumes_that_the_tests_left_are_named_and_no_others(run: Path, docker: Docker) -> None:
    pub, label = "saltcellar/pub:0.1.0", {"saltcellar.bot": "1f3a9c2e5b7d9e0f"}
    made = [("poured", pub, label, f"{run}/node"), ("bare", "debian:12", label, ""), ("copys", pub, label, "/srv/node")]
    made.append(("strangers", "postgres:15", {}, ""))
    found = [
        {"Id": f"{name:0>64}", "Name": f"/{name}", "Config": {"Image": image, "Labels": labels},
         "Mounts": [{"Source": source}] if source else []}
        for name, image, labels, source in made
    ]  # fmt: skip
    ids = {"ps -aq": "\n".join(str(one["Id"]) for one in found), "volume ls": "heap"}
    told = left(run, docker(ids | {f"inspect {found[0]['Id']}": json.dumps(found)}))
    assert [line.split()[-2] for line in told] == ["poured", "bare", "volume"]
    (run / "engine.json").write_text(json.dumps([*(one["Id"] for one in found), "heap"]))
    assert left(run, docker(ids)) == []


COPIED = """. $v/settings.sh; . $v/changing.sh
service_python() { echo "$4" >"$4"; }
as_its_user() { echo "$1" >>"$asked"; "$@"; }
copy_database "$1"
"""
"""`copy_database FOLDER` as an upgrade calls it, but instead of copying the database it writes one line into the file."""


def test_an_upgrade_keeps_three_whole_copies_of_the_database_whatever_its_folder_is_called(
    place: Place, tmp_path: Path
) -> None:
    copies, other = tmp_path / "my cellar" / "copies", tmp_path / "my"
    copies.mkdir(parents=True)
    other.write_text("somebody else's")
    whole = [copies / f"before-2026010{day}T120000" for day in range(1, 5)]
    killed = [copies / f"before-2026020{day}T120000.part" for day in range(1, 4)]
    for file in (*whole, *killed):
        file.touch()
    asked = tmp_path / "asked"
    done = place.bash(f'set -- "{copies}"; {COPIED}', asked=str(asked))
    assert done.returncode == 0, done.stderr
    assert sorted(asked.read_text().split()) == ["find", "find", "mkdir", "xargs"], "root does nothing in that folder"
    kept = sorted(copies.iterdir())
    assert kept[:-1] == whole[-2:]
    assert kept[-1].read_text() == f"{kept[-1]}\n", "the one that was just made"
    assert other.exists()


CHANGED = """. $v/settings.sh; . $v/changing.sh; mkdir -p "$CELLAR_DIR/log"
as_its_user() { "$@"; }
is_over() { false; }
stop_service() { :; }
old_goes_on() { say "The old version goes on."; }
service_python() (
  echo "${*:3}" | tee -a "$asked"
  case "${*:3}" in
    'migrate --pending') echo "At 0041_before." ;;
    migrate) sleep 300 ;;
  esac
)
change_database "$CELLAR_DIR/copies"
"""
"""An upgrade that is at its migration for a long time, with a list of what it asked the service for."""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_upgrade_that_is_interrupted_goes_back(place: Place, tmp_path: Path, how: signal.Signals) -> None:
    asked = tmp_path / "asked"
    hears = ["env", "--default-signal=HUP,INT", "bash", "-c", CHANGED]
    settings = os.environ | place.settings | {"v": str(VAGRANT), "asked": str(asked)}
    going = subprocess.Popen(hears, env=settings, start_new_session=True, stdout=subprocess.PIPE, text=True)
    assert going.stdout is not None
    ends = time.monotonic() + 30
    while not (asked.exists() and asked.read_text().endswith("\nmigrate\n")):
        assert time.monotonic() < ends, "it does not come to its migration"
        time.sleep(0.05)
    if how == signal.SIGHUP:
        going.stdout.close()  # as a terminal that is gone
    os.killpg(going.pid, how)
    said = "" if how == signal.SIGHUP else going.stdout.read()
    assert going.wait(30) == 128 + how
    assert asked.read_text().splitlines()[-1] == "migrate --to 0041_before"
    if how == signal.SIGHUP:
        said = (place.folder / "log" / "hangup.log").read_text()
    assert said.endswith("The old version goes on.\n")


def test_a_step_that_has_nothing_to_say_is_done(place: Place) -> None:
    told = place.bash('. $v/settings.sh; mkdir -p "$CELLAR_DIR/log"; step quiet true; say "and on"')
    assert (told.returncode, told.stdout.splitlines()[-1:]) == (0, ["and on"])


def test_clean_takes_nothing_that_it_did_not_make(place: Place) -> None:
    place.folder.mkdir()
    (place.folder / "precious").write_text("keep")
    assert "stays as it is" in place.bash("$v/clean.sh").stderr
    place.bash("$v/down.sh")  # It stops nothing, and does not make the folder a place.
    assert "stays as it is" in place.bash("$v/clean.sh").stderr
    assert (place.folder / "precious").read_text() == "keep"
    (place.folder / "log").mkdir()
    assert "is gone" in place.bash("$v/clean.sh").stdout
    assert not place.folder.exists()


def test_a_place_may_have_a_blank_in_its_name(place: Place) -> None:
    place.settings["CELLAR_DIR"] = f"{place.folder} of Ann's"
    told = place.bash('. $v/settings.sh; printf "%s" "$CELLAR_BACKUP_PATHS"').stdout
    assert absolutes(told) == [f"{place.folder} of Ann's/{name}" for name in ("secrets", "etc")]


@pytest.mark.parametrize("script", ["settings.sh", "demo-settings.sh"])
def test_scripts_know_where_they_stand_though_cd_speaks(place: Place, script: str) -> None:
    told = place.bash(f'cd $v/..; . vagrant/{script}; printf "%s" "$here" "$top"', CDPATH=".:..")
    assert told.stdout == f"{VAGRANT}{VAGRANT.parent}"
