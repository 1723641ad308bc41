"""What PostgreSQL's own programs are given."""

import pytest

from pillar_service.backups import postgres


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
    """libpq knows an address by its two slashes, which the one of a socket on this machine has for nobody's name."""
    assert postgres.without_password(url) == (without or url)
