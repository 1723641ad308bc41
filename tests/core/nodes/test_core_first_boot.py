"""What a machine does at its first boot, run by the shell that will run it there."""

import subprocess
from pathlib import Path

import pytest

from pillar_service.core.errors import Failed, Forbidden, Unavailable
from pillar_service.core.nodes import first_boot, machine_orders

TOKEN = "T'oken; touch /nowhere $(id)"


def test_it_brings_the_machine_in_without_telling_the_token_to_who_lists_processes(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    told = f'printf "%s|%s|%s" "$CELLAR_ENROL_TOKEN" "$CELLAR_ENROL_NAME" "$(tr "\\0" " " </proc/$$/cmdline)" >{seen}\n'
    (tmp_path / "enrol.sh").write_text(told)
    script = first_boot.script(f"file://{tmp_path}", "rack-1", TOKEN, None)
    done = subprocess.run(["sh", "-s"], input=script, text=True, capture_output=True, timeout=60, check=True)
    token, name, line = seen.read_text().split("|")
    assert (token, name) == (TOKEN, "rack-1")
    assert line.startswith("sh /tmp/")
    assert TOKEN not in line + done.stdout + done.stderr
    assert "mkfs" not in script


@pytest.mark.parametrize("device", [None, "/dev/vdb", "/dev/disk/by id/it's"])
def test_it_is_a_script_that_a_shell_can_read(device: str | None) -> None:
    script = first_boot.script("https://butt.nz", "rack-1", "Yk3v", device)
    assert script.startswith("#!/bin/sh\n")
    subprocess.run(["shellcheck", "-s", "sh", "-"], input=script, text=True, timeout=60, check=True)


def test_a_volume_that_has_a_file_system_keeps_it() -> None:
    assert 'blkid "$device" >/dev/null || mkfs.ext4' in first_boot.script("s", "n", "t", "/dev/vdb")


def test_waits_grow_and_are_never_shorter_than_the_provider_said() -> None:
    away = Unavailable("away")
    waits = [machine_orders.pause_s(tries, away) for tries in (1, 2, 3, 7, 99)]
    assert waits == [5, 10, 20, 300, 300]
    away.retry_after_s = 900  # type: ignore[misc]
    assert machine_orders.pause_s(1, away) == 900
    assert machine_orders.pause_s(1, Forbidden("no")) == machine_orders.LONGEST_PAUSE_S


def test_only_who_does_not_answer_is_asked_again() -> None:
    assert not machine_orders.has_failed(1, Unavailable("away"))
    assert machine_orders.has_failed(machine_orders.TRIES, Unavailable("away"))
    assert machine_orders.has_failed(1, Forbidden("no"))
    assert machine_orders.has_failed(1, Failed("no"))
