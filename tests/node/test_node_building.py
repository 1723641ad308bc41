"""How a build of the image is reported, with a script in place of the real one."""

from pathlib import Path

import pytest

from pillar_service.core.jobs import outcomes
from pillar_service.node import building

BOT = "a" * 16


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path


def script(scripts: Path, *lines: str) -> None:
    file = scripts / "pub-image.sh"
    file.write_text("\n".join(("#!/usr/bin/env bash", "log=$SALTCELLAR_LOG_DIR/pub-image.log", *lines, "")))
    file.chmod(0o755)


def build(scripts: Path, base: str = "", timeout_s: float = 20) -> building.Built:
    return building.build(scripts, scripts / "log", base, timeout_s)


def test_what_was_built_tells_its_log_and_then_what_the_script_said(scripts: Path) -> None:
    script(scripts, 'printf "Step 1\\n\\033[31mStep 2\\033[0m of $BASE\\n" >"$log"', "echo 'pub-image: it is ready'")
    made = build(scripts, "debian:bookworm")
    assert (made.result, made.comment) == (True, "pub-image: it is ready")
    assert made.lines == ["Step 1", "Step 2 of debian:bookworm", "pub-image: it is ready"]


def test_what_failed_says_the_last_words_of_its_log_and_of_the_script(scripts: Path) -> None:
    script(scripts, 'echo "npm ERR! no such package" >"$log"', "echo 'pub-image: docker build failed' >&2", "exit 1")
    made = build(scripts)
    assert not made.result
    assert made.comment == (
        "The pub's image could not be built: pub-image: docker build failed. "
        "The last words of its log: npm ERR! no such package"
    )
    assert made.lines[0] == "npm ERR! no such package"
    returned = {"pub_|-b_|-b_|-built": {"__id__": "pubs image build", "result": False, "comment": made.comment}}
    assert outcomes.of_bot(returned, BOT).error == made.comment


def test_a_base_that_is_not_there_is_not_told_as_an_image_to_rebuild(scripts: Path) -> None:
    script(scripts, 'echo "pull access denied for base" >"$log"', "exit 1")
    returned = {"pub_|-b_|-b_|-built": {"__id__": "b", "result": False, "comment": build(scripts).comment}}
    assert "pull access denied for base" in str(outcomes.of_bot(returned, BOT).error)


def test_the_last_lines_alone_are_told_and_none_of_an_older_build(scripts: Path) -> None:
    (scripts / "log" / "base-image.log").write_text("long ago\n")
    script(scripts, 'seq 500 >"$log"', "echo done")
    lines = build(scripts).lines
    assert (len(lines), lines[-2:]) == (building.MOST_LINES, ["500", "done"])
    script(scripts, "echo 'it is there already'")
    assert build(scripts).lines == ["it is there already"]


def test_what_is_written_is_told_while_it_is_built(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "EVERY_S", 0.1)
    go_on, heard = scripts / "go-on", []
    script(
        scripts, 'seq 250 >"$log"', 'printf half >>"$log"', f"until [[ -e {go_on} ]]; do sleep 0.05; done",
        'echo " done" >>"$log"', "echo ready",
    )  # fmt: skip

    def tell(first: int, lines: list[str]) -> None:
        heard.append((first, lines))
        go_on.touch()

    made = building.build(scripts, scripts / "log", "", 20, tell)
    assert heard[0] == (50, [str(n) for n in range(51, 251)])
    assert (made.lines[-3:], made.first) == (["250", "half done", "ready"], 52)
    told = {first + n: line for first, lines in heard for n, line in enumerate(lines)}
    assert all(told.get(n, line) == line for n, line in enumerate(made.lines, made.first))


def test_a_build_that_does_not_end_is_ended_with_all_it_started(scripts: Path) -> None:
    script(scripts, 'echo "Step 1" >"$log"', "sleep 600 & wait")
    made = build(scripts, timeout_s=0.5)
    assert not made.result
    assert "took longer than 0.5 s" in made.comment
    assert "Step 1" in made.comment


def test_a_script_that_is_not_there_is_said(scripts: Path) -> None:
    assert "can't be run here: No such file" in build(scripts).comment
