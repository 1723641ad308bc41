"""Exports that people bring in: a tar that leads to no bot is not kept."""

import io
from collections.abc import Callable

import pytest
from pouring import OWNER, owner, poured, tar

from pillar_service.core.errors import Conflict, ForkHazard, Full, NotFound
from pillar_service.settings import settings
from pillar_service.store.bots.transfers import Transfer
from pillar_service.store.service.audit import Audit
from pillar_service.usecases.bots import bots, pouring, transfers
from pillar_service.usecases.nodes import node_terms
from pillar_service.usecases.people import accounts, leaving

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def person(service: Callable[[], None]) -> str:
    return owner()


class Unread(io.BytesIO):
    """A tar that must not be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("it was read")


def kept() -> int:
    """How many tars are stored."""
    files = list(settings().files.iterdir())
    assert len(files) == Transfer.select().count()
    return len(files)


def test_an_identity_that_runs_here_leaves_no_tar(person: str) -> None:
    poured()
    with pytest.raises(ForkHazard, match="never runs twice"):
        pouring.bring_in(person, "other", "", tar(sequence=9), "k")
    assert kept() == 0
    assert Audit.select().where(Audit.action == "transfers.drop").count() == 1


def test_what_is_refused_without_the_tar_is_refused_before_it_is_read(person: str) -> None:
    node_terms.limit("test", "cellar-1", 0)
    with pytest.raises(Full):
        pouring.bring_in(person, "other", "", Unread(), "k")
    node_terms.limit("test", "cellar-1", None)
    accounts.set_state("test", OWNER, "suspended")
    with pytest.raises(Conflict, match="suspended"):
        pouring.bring_in(person, "other", "", Unread(), "k")
    assert kept() == 0


def test_what_fills_up_while_the_tar_comes_leaves_none(person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            node_terms.limit("test", "cellar-1", 0)
            return super().read(size)

    with pytest.raises(Full):
        pouring.bring_in(person, "other", "", Slow(tar(sequence=9).getvalue()), "k")
    assert kept() == 0


def test_who_leaves_while_their_tar_comes_gets_no_bot(person: str) -> None:
    class Slow(io.BytesIO):
        """While the tar comes in, the person deletes their account in another tab."""

        def read(self, size: int | None = -1, /) -> bytes:
            if accounts.listed():
                leaving.delete(person, OWNER, "long enough 1", None)
            return super().read(size)

    with pytest.raises(NotFound, match="account was deleted"):
        pouring.bring_in(person, "other", "", Slow(tar(sequence=9).getvalue()), "k")
    assert (bots.listed(), kept()) == ([], 0)


def test_a_tar_that_is_brought_in_stays_for_its_node_and_its_twin_does_not(person: str) -> None:
    class Twice(io.BytesIO):
        """While the second tar comes in, the bot of the first is made."""

        def read(self, size: int | None = -1, /) -> bytes:
            if not bots.listed():
                pouring.bring_in(person, "other", "", tar(sequence=9), "k")
            return super().read(size)

    made = pouring.bring_in(person, "other", "", Twice(tar(sequence=9).getvalue()), "k")
    assert kept() == 1
    assert transfers.for_node("cellar-1", made["job"]["id"]).sequence == 9
