"""What bootstrap.sh does when something goes wrong, in a scratch folder instead of the machine's own."""

import os
import re
import subprocess
from pathlib import Path

import pytest

VAGRANT = Path(__file__).parent.parent / "vagrant"
FUNCTION = re.compile(r"^(\w+)\(\) [{(]\n(.*?)^[})]", re.MULTILINE | re.DOTALL)
TREE = (
    "README.md",
    "beacons",
    "pillar_service",
    "pyproject.toml",
    "requirements.txt",
    "runners",
    "salt",
    "setup.cfg",
    "states",
)


class Machine:
    """A folder in which bootstrap.sh takes what it would take in /etc, /opt and /var, from a release with hardly a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.release = folder, folder / "release"
        vagrant = self.release / "vagrant"
        vagrant.mkdir(parents=True)
        for file in VAGRANT.glob("*.sh"):
            text = re.sub(r"/(etc|opt|var/lib)/cellar", rf"{folder}/\1/cellar", file.read_text())
            (vagrant / file.name).write_text(text.replace("((EUID == 0))", "true").replace("/run/systemd/system", "/"))
        for name in TREE:
            (self.release / name).touch()

    def bootstrap(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the whole script."""
        return self._bash(["bash", str(self.release / "vagrant/bootstrap.sh"), *arguments])

    def does(self, code: str) -> "subprocess.CompletedProcess[str]":
        """Run a piece of shell that knows the script's functions; `release` and `before` are its own."""
        functions = (
            'source <(sed "/^true ||/,\\$d" "$0"); mkdir -p "$CELLAR_DIR"/{log,run}; release=$releases/new before='
        )
        return self._bash(["bash", "-c", f"{functions}\n{code}", str(self.release / "vagrant/bootstrap.sh")])

    def _bash(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False)

    def stand_in(self, script: str, code: str) -> None:
        """Put other code in place of one of the release's scripts."""
        file = self.folder / "opt/cellar/releases/new/vagrant" / script
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/bash\n{code}\n")
        file.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_who_says_too_little_is_told_what_to_say(machine: Machine) -> None:
    told = machine.bootstrap()
    assert told.returncode == 1
    assert "reason  Say what this machine is to be: bootstrap.sh DOMAIN MAIL, or bootstrap.sh FILE\n" in told.stdout


def test_a_function_that_ends_the_script_is_a_step_apart_so_that_its_reason_is_told() -> None:
    scripts = [file.read_text() for file in sorted(VAGRANT.glob("*.sh"))]
    ends = {name for text in scripts for name, body in FUNCTION.findall(text) if re.search(r"\b(exit|fail)\b", body)}
    steps = {name for text in scripts for name in re.findall(r"^[^#]*\bstep [\w-]+ (\w+)", text, re.MULTILINE)}
    assert steps & ends == set()
    assert "write_pillar" in ends


def test_a_release_that_was_copied_in_part_does_not_count_as_there(machine: Machine) -> None:
    """As when the disk is full."""
    told = machine.does('tar() { command tar "$@" && [[ $* != *-x* ]]; }; step tree apart copy_tree')
    assert "FAILED" in told.stdout, told
    assert not (machine.folder / "opt/cellar/releases/new").exists()
    assert machine.does("step tree apart copy_tree").returncode == 0
    assert (machine.folder / "opt/cellar/releases/new/.release").read_text() == "new\n"


def test_python_is_not_there_if_its_packages_are_not(machine: Machine) -> None:
    machine.stand_in("python.sh", "echo pip could not install saltcellar >&2; exit 1")
    machine.stand_in("../.venv/bin/python", "true")
    told = machine.does("step python apart install_python")
    assert told.returncode == 1
    assert "reason  pip could not install saltcellar\n" in told.stdout


def test_the_way_back_stays_when_a_release_is_installed_again(machine: Machine) -> None:
    releases = machine.folder / "opt/cellar/releases"
    for name in ("older", "old", "new"):
        (releases / name).mkdir(parents=True)
    assert machine.does("before=$releases/old; tidy").returncode == 0
    assert machine.does("before=$release; tidy").returncode == 0
    assert sorted(folder.name for folder in releases.iterdir()) == ["new", "old"]


def test_a_python_environment_that_was_killed_while_it_was_made_is_made_anew(machine: Machine) -> None:
    half = machine.release / ".venv/bin/python"
    half.parent.mkdir(parents=True)
    half.symlink_to("/bin/true")  # venv puts its Python there first, then pip, which takes seconds
    python = machine.folder / "python"
    python.write_text('#!/bin/bash\n[[ $* != "-m venv"* ]] || install -m 755 /bin/true "${@: -1}/bin/pip"\n')
    python.chmod(0o755)
    told = machine.does('CELLAR_PYTHON="$(dirname "$top")/python" PIP_NO_INDEX=1 bash "$here/python.sh"')
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        '/mnt/backups "$etc/secrets/backup-password"',
        'sftp:me@vault:/cellar "$file" --sftp-command "ssh -i $etc/key me@vault -s sftp"',
        '/mnt/backups "$(dirname "$etc")/../etc/cellar/secrets/backup-password"',
    ],
)
def test_a_restore_does_not_move_away_what_it_needs(machine: Machine, words: str) -> None:
    begin = 'mkdir -p "$etc/secrets"; file=$(dirname "$etc")/password; echo key | tee "$file" >"$etc/secrets/backup-password"'
    told = machine.does(f"{begin}; told=({words}); refuse_over_a_living_one")
    assert told.returncode == 1
    assert f"{machine.folder}/etc/cellar is moved aside" in told.stderr
    elsewhere = machine.does(f'{begin}; told=(/mnt/backups "$file"); refuse_over_a_living_one')
    assert elsewhere.returncode == 0, elsewhere.stderr
