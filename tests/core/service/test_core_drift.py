from pathlib import Path

import pytest
import yaml

from pillar_service.core.service import drift
from pillar_service.core.service.drift import Kind

SALT = Path(__file__).resolve().parents[3] / "salt"


def shipped(folder: str, file: str = "*.conf") -> dict[str, object]:
    """The values in the shipped configuration."""
    texts = [path.read_text() for path in (SALT / folder).glob(file)]
    return {name: value for text in texts for name, value in yaml.safe_load(text).items()}


@pytest.mark.parametrize(
    ("wanted", "folder", "left_out"),
    [
        (drift.MASTER, "master.d", {"autosign_file", "autosign_grains_dir", "cluster_id"}),
        (drift.NODE, "minion.d", {"file_client"}),
    ],
)
def test_what_should_be_is_what_is_shipped(wanted: dict[str, object], folder: str, left_out: set[str]) -> None:
    ships = shipped(folder)
    assert {name: ships[name] for name in wanted if name not in left_out} == {
        name: value for name, value in wanted.items() if name not in left_out
    }
    assert not left_out & set(ships)
    assert set(shipped(folder, "security.conf")) <= set(wanted), "all of it is looked at"


def test_the_units_words_are_those_of_the_states() -> None:
    files = SALT.parent / "states/controlplane/files"
    lines = f"{(files / 'hardening.jinja').read_text()}{(files / 'master.service.jinja').read_text()}".splitlines()
    shipped = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    shipped["CapabilityBoundingSet"] = " ".join(sorted(shipped["CapabilityBoundingSet"].lower().split()))
    assert {word: shipped[word] for word in drift.UNIT} == drift.UNIT
    told_otherwise = {"RestrictNamespaces", "SystemCallArchitectures", "SystemCallErrorNumber"}
    hardening = {line.split("=")[0] for line in (files / "hardening.jinja").read_text().splitlines() if "=" in line}
    assert hardening - told_otherwise <= set(drift.UNIT), "all of it is looked at"


def test_a_unit_that_a_drop_in_opens_is_told() -> None:
    assert not list(drift.of_unit("u", drift.UNIT))
    for word in drift.UNIT:
        (told,) = drift.of_unit("u", {**drift.UNIT, word: "no"})
        assert (told.about, "is no, should be" in told.told) == (f"u: {word}", True)


@pytest.mark.parametrize(
    ("path", "size", "rotated", "is_wrong"),
    [
        ("/var/log/cellar/master", 1, "/var/log/cellar/master /var/log/cellar/key {\n weekly\n}", False),
        ("/var/log/cellar/master", 1, '"/var/log/cellar/*" {', False),
        ("/var/log/cellar/master", 1, "/var/log/cellar/key {", True),
        ("/var/log/cellar/master", 1, "", True),
        ("/var/log/cellar/master", drift.LOG_MOST + 1, "/var/log/cellar/master {", True),
        ("/srv/try/log", 1, "", False),
        ("/srv/try/log", drift.LOG_MOST + 1, "", True),
    ],
)
def test_logs(path: str, size: int, rotated: str, is_wrong: bool) -> None:
    assert bool(list(drift.of_logs({path: size}, rotated))) is is_wrong


def test_an_option_that_differs_is_told() -> None:
    assert not list(drift.of_options({**drift.MASTER}, drift.MASTER, "x"))
    for name in drift.MASTER:
        (told,) = drift.of_options({**drift.MASTER, name: "else"}, drift.MASTER, "x")
        assert (told.about, "'else'" in told.told) == (f"option {name}", True)


@pytest.mark.parametrize(
    ("kind", "mode", "is_wrong"),
    [
        (Kind.PRIVATE, 0o100600, False),
        (Kind.PRIVATE, 0o100640, True),
        (Kind.PRIVATE, 0o040701, True),
        (Kind.SHARED, 0o100640, False),
        (Kind.SHARED, 0o040750, False),
        (Kind.SHARED, 0o100644, True),
        (Kind.SHARED, 0o100660, True),
        (Kind.TRUSTED, 0o100644, False),
        (Kind.TRUSTED, 0o100664, True),
        (Kind.TRUSTED, 0o100646, True),
    ],
)
def test_modes(kind: Kind, mode: int, is_wrong: bool) -> None:
    assert bool(list(drift.of_file("/x", kind, mode, 0, 0))) is is_wrong


@pytest.mark.parametrize(("owner", "ours", "is_wrong"), [(0, 0, False), (0, 7, False), (7, 7, False), (8, 7, True)])
def test_owners(owner: int, ours: int, is_wrong: bool) -> None:
    assert bool(list(drift.of_file("/x", Kind.PRIVATE, 0o100600, owner, ours))) is is_wrong


def test_keys_are_compared_both_ways() -> None:
    salts = {"same": "A\nB\n", "unknown": "A", "none": "A", "revoked": "A", "other": "A"}
    service = {
        "same": ("A\nB", "accepted"),
        "none": ("", "none"),
        "revoked": ("A", "revoked"),
        "other": ("B", "accepted"),
        "missing": ("A", "accepted"),
        "gone": ("A", "revoked"),
    }
    told = [one.about for one in drift.of_keys(salts, service)]
    assert told == ["key none", "key other", "key revoked", "key unknown", "key missing"]


@pytest.mark.parametrize(
    ("salts", "ours", "about"),
    [
        ("3008.3", "1", []),
        ("3008.12", "1", []),
        ("3008.2", "1", ["salt"]),
        ("3007.9", "1", ["salt"]),
        ("3009.1", "1", ["salt"]),
        ("3008.3", "2", ["saltcellar"]),
        ("nonsense", "1", ["salt"]),
    ],
)
def test_versions(salts: str, ours: str, about: list[str]) -> None:
    assert [one.about for one in drift.of_versions(salts, ours, "1")] == about
