"""A place with a repository, keys and configuration, for the tests of backups."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pillar_service.usecases.service import backup_rounds

KEYS = {
    "etc/pki/master.pem": "the master's key",
    "etc/pki/minions/cellar-1": "a node's key",
    "etc/master": "interface: ::",
}


def keys(folder: Path) -> None:
    """Write the files that a snapshot holds besides the database and tars."""
    for name, text in KEYS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)


def kept_in(repository: str, folder: Path, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the place keep its backups in this repository; the password is stored beside the keys, as people may do."""
    keys(folder)
    password = folder / "etc" / "password"
    password.write_text("only for tests\n")
    password.chmod(0o600)
    monkeypatch.setenv("CELLAR_BACKUP_REPOSITORY", repository)
    monkeypatch.setenv("CELLAR_BACKUP_PASSWORD_FILE", str(password))
    monkeypatch.setenv("CELLAR_BACKUP_PATHS", str(folder / "etc"))
    service()


def last() -> dict[str, object]:
    """The newest round."""
    return backup_rounds.listed()[0]
