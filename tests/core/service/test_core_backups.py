"""When backups are due, what is kept, and what a snapshot says about itself."""

import json

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.service import backups
from pillar_service.core.service.backups import Manifest

HOUR = 3600.0
TOLD = Manifest(
    1.0, "0.1.0", "sqlite:////srv/cellar.db", True, "/srv/files", ["/etc/salt"], ["127.0.0.1:8080"], {"bot": 2}
)


@pytest.mark.parametrize(
    ("began_at", "succeeded", "now", "due"),
    [
        (None, False, 0.0, True),
        (0.0, True, 6 * HOUR - 1, False),
        (0.0, True, 6 * HOUR, True),
        (0.0, False, 899.0, False),
        (0.0, False, 900.0, True),
        (7 * HOUR, True, 0.0, True),  # The clock was set back.
        (5 * HOUR, True, 0.0, False),
    ],
)
def test_a_round_is_due(began_at: float | None, succeeded: bool, now: float, due: bool) -> None:
    assert backups.is_due(began_at, succeeded, 6 * HOUR, now) is due


def test_who_says_nothing_is_dead_and_so_is_who_was_heard_in_the_future() -> None:
    assert not backups.is_dead(0.0, 120.0)
    assert backups.is_dead(0.0, 121.0)
    assert backups.is_dead(1000.0, 0.0)


def test_what_is_kept() -> None:
    assert backups.keep(backups.KEPT) == {"within": "3d", "daily": "14", "weekly": "8", "monthly": "12"}
    for wrong in (
        "",
        " ",
        "daily=0",
        "daily=-1",
        "daily",
        "within=3",
        "daily=3d",
        "prune=1",
        "tag=x",
        "last=1 daily=x",
        "last=१",
    ):
        with pytest.raises(ValueError, match="within=3d"):
            backups.keep(wrong)


def test_where_a_repository_may_be() -> None:
    for good in ("", "/srv/backups", "sftp:cellar@host:/srv/x", "s3:https://s3.example.org/bucket"):
        assert backups.address(good) == good
    for wrong in ("backups", "rest:https://a:b@host/", "/srv/with blank", "sftp:a\n", "-r"):
        with pytest.raises(ValueError, match="absolute folder"):
            backups.address(wrong)


def test_a_manifest_comes_back_as_it_was() -> None:
    assert backups.manifest(TOLD.text()) == TOLD
    assert TOLD.copy == "/cellar/database.sqlite"


@pytest.mark.parametrize(
    "wrong",
    [
        "", "[]", "{}", "null", json.dumps({"format": 1}), TOLD.text().replace("/etc/salt", "etc/salt"),
        TOLD.text().replace("/etc/salt", "/etc/../root"), TOLD.text().replace('"taken_at"', '"taken"'),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid, match="can't be read"):
        backups.manifest(wrong)


def test_a_newer_snapshot_is_left_to_a_newer_version() -> None:
    with pytest.raises(Invalid, match="newer Saltcellar"):
        backups.manifest(TOLD.text().replace('"format": 1', '"format": 2'))


def test_what_differs_is_named() -> None:
    assert backups.differences(TOLD, {"bot": 2, "job": 9}) == ""
    assert backups.differences(TOLD, {"bot": 1}) == "'bot': 1 of 2"
