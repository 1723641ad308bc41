"""What PostgreSQL's own programs are given."""

import secrets

import pytest
from databases import Postgres

from pillar_service.backups import postgres as programs


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("postgresql:///saltcellar?host=/var/run/postgresql", None),
        ("postgresql://cellar@db/cellar", None),
        ("postgresql://cellar:se%40cret@db:5433/cellar?sslmode=require", "postgresql://cellar@db:5433/cellar?sslmode=require"),
        ("sqlite:////var/lib/cellar/service/cellar.db", None),
    ],
)  # fmt: skip
def test_an_address_keeps_all_but_its_password(url: str, without: str | None) -> None:
    """libpq recognises an address by its two slashes; that of a local socket has nobody's name between them."""
    assert programs.without_password(url) == (without or url)


def test_a_database_of_a_socket_is_reached_and_has_room_beside_it(postgres: Postgres) -> None:
    """Its address names nobody between the slashes, as on an installed control plane."""
    name = f"socket_{secrets.token_hex(4)}"
    postgres.new(name)
    url = f"postgresql:///{name}?host={postgres.folder}&user={postgres.user}"
    assert programs.tables(url) == 0
    with programs.scratch(url) as beside:
        assert programs.tables(beside) == 0
        assert postgres.sql(f"SELECT count(*) FROM pg_database WHERE datname = '{name}_scratch'").strip() == "1"
    assert postgres.sql(f"SELECT count(*) FROM pg_database WHERE datname = '{name}_scratch'").strip() == "0"
