"""bots.export, whether or not it waits for its job: the tar arrives where it should, complete and private."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def done(job: str) -> None:
    """Let the node carry out an export."""
    from pouring import PUB, answer, tar

    from pillar_service.usecases.bots import transfers
    from pillar_service.usecases.jobs import claims, runs

    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    kept = transfers.deliver("cellar-1", job, tar(sequence=7))
    answer(run, {"pub_id": PUB, "sequence": 7, **kept})


def test_an_export_is_asked_for_now_and_written_later(runners: dict[str, Callable[..., Any]], tmp_path: Path) -> None:
    export, file = runners["bots.export"], tmp_path / "stands.tar"
    asked = export("stands", str(file), wait=False)
    assert (asked["command"], asked["state"], file.exists()) == ("bots.export", "queued", False)
    done(asked["id"])
    told = export("stands", str(file), job=asked["id"])
    assert (told["sequence"], told["path"], told["size"]) == (7, str(file), file.stat().st_size)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob("*stands*")] == ["stands.tar"]


def test_what_is_no_export_of_this_bot_is_not_written(runners: dict[str, Callable[..., Any]], tmp_path: Path) -> None:
    file = tmp_path / "x.tar"
    [made] = [one for one in runners["bots.list"]() if one["name"] == "stands"]
    invite = runners["bots.invite"]("stands", wait=False)
    export = runners["bots.export"]
    assert "is not an export of 'stands'" in export("stands", str(file), job=invite["id"])["error"]
    assert "absolute path" in export(made["id"], "x.tar", wait=False)["error"]
    asked = export(made["id"], str(file), wait=False)
    assert "is not an export of 'other'" in export("other", str(file), job=asked["id"])["error"]
    assert not file.exists()
