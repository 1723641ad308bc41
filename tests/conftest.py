"""Fixtures for all tests of the service: a real database of either kind, and the service's settings."""

import logging
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from databases import Postgres

from pillar_service.settings import settings

# Salt's handlers keep writing to streams that pytest has closed, and pages of tracebacks would hide the real failure.
logging.raiseExceptions = False
# How long an example takes depends on how busy the machine is, not on the code.
hypothesis.settings.register_profile("cellar", deadline=None)
hypothesis.settings.load_profile("cellar")
# At DEBUG, peewee would make a log record of each query.
logging.getLogger("peewee").setLevel(logging.INFO)

# Each test sets what it needs; the settings of this machine must not matter.
for name in [name for name in os.environ if name.startswith("CELLAR_") and not name.startswith("CELLAR_TEST_")]:
    del os.environ[name]

DATABASES = os.environ.get("CELLAR_TEST_DATABASES", "sqlite postgresql").split()
"""The kinds of database that the tests run on; `make check` leaves PostgreSQL to `make test`."""

MEMORY = Path("/dev/shm")
ENOUGH = 2**30
"""How many bytes must be free in memory before databases are put there: a container may have next to none."""

HAD_NETWORK = pytest.StashKey[bool]()
SECRET = "only-for-tests-0123456789abcdef0123456789"


def pytest_sessionstart(session: pytest.Session) -> None:
    session.stash[HAD_NETWORK] = hasattr(session.config, "workerinput") or _network("inspect")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the pubs' network after the whole run, unless it is in use or was there before; parallel workers share it."""
    if not session.stash[HAD_NETWORK]:
        _network("rm")


def _network(verb: str) -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "network", verb, "saltcellar"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The address of a PostgreSQL database that has the schema; each test that uses it empties it first."""
    from pillar_service.store import database, schema

    address = postgres.new("migrated")
    database.connect(address)
    schema.migrate()
    return address


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database that has the schema; each test copies it."""
    from pillar_service.store import database, schema

    file = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite"
    database.connect(f"sqlite:///{file}")
    schema.migrate()
    database.release()
    return file


def _emptied(address: str) -> str:
    import psycopg

    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        connection.execute("SET session_replication_role = replica")  # The audit refuses to be emptied.
        # Few tables have rows, and TRUNCATE would make new files for each: a third of a second for all of them.
        connection.execute("; ".join(f"DELETE FROM {name}" for (name,) in found if name != "schema_migration"))
        connection.execute("INSERT INTO audit_head VALUES (1, 0, repeat('0', 64), 0, repeat('0', 64))")
        connection.execute("INSERT INTO change (id, serial, fingerprint) VALUES (1, 0, '')")
    return address


@pytest.fixture(params=DATABASES)
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/fresh.sqlite"
    else:
        yield request.getfixturevalue("postgres").new(f"fresh_{secrets.token_hex(4)}")


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Path]:
    """A folder for an SQLite database, in memory if there is room: on a disk, each commit would wait for it."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ENOUGH:
        yield tmp_path
        return
    # A thread may still write while the folder is removed; that is not the test's fault.
    with tempfile.TemporaryDirectory(prefix="cellar-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def sqlite_url(migrated_file: Path, swift: Path) -> str:
    """The address of an SQLite database with the schema."""
    return f"sqlite:///{shutil.copy(migrated_file, swift / 'service.sqlite')}"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    """The address of a database with the schema, once for each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    # A new address for each test: what this process remembers of a database is wrong once that has been emptied.
    return f"{_emptied(request.getfixturevalue('migrated'))}&application_name={secrets.token_hex(4)}"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a service in the test's own folder, without the database."""
    return {
        "CELLAR_FILES": str(tmp_path / "files"),
        "CELLAR_SECRET_KEY": SECRET,
        "CELLAR_PASSWORD_KIB": "64",  # With the usual cost, hashing passwords took a quarter of these tests' time.
        "CELLAR_PUBLIC_URL": "http://cellar.test",
        "CELLAR_BOT_PORTS": "20000-20019",
        "CELLAR_MINION_D": str(Path(__file__).parent.parent / "salt" / "minion.d"),
        "CELLAR_CATALOGUE": str(Path(__file__).parent.parent / "salt" / "meeseeks"),
    }


@pytest.fixture
def service(url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """The service in this process, with one node, `cellar-1`; gives the function that makes it read its settings again."""
    from pillar_service.usecases.nodes import nodes
    from pillar_service.usecases.service import storage

    for name, value in {**environment, "CELLAR_DATABASE": url}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    storage.prepare()
    nodes.add("test", "cellar-1")
    yield settings.cache_clear
    storage.release()
    settings.cache_clear()
