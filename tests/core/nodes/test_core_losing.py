"""Which nodes can hardly be lost, and from which tars a bot can be restored."""

import pytest

from pillar_service.core.errors import Conflict, ForkHazard, NotFound
from pillar_service.core.nodes import losing
from pillar_service.core.nodes.losing import Tar

PUB, OTHER = "@a.ed25519", "@b.ed25519"
TAR = Tar(PUB, 10, 1.0)


@pytest.mark.parametrize(
    ("heard_at", "is_refused"), [(None, False), (700.0, False), (700.1, True), (1000.0, True), (2000.0, True)]
)
def test_a_node_that_was_heard_of_lately_is_refused(heard_at: float | None, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(Conflict, match="seems to be alive"):
            losing.refuse_if_heard("shed", heard_at, 1000.0)
    else:
        losing.refuse_if_heard("shed", heard_at, 1000.0)


@pytest.mark.parametrize(
    ("is_lost", "pub_id", "tar", "error", "said"),
    [
        (False, PUB, TAR, ForkHazard, "never runs twice"),
        (True, PUB, None, NotFound, "No export"),
        (True, None, TAR, NotFound, "No export"),
        (True, OTHER, TAR, Conflict, "is of @a.ed25519"),
    ],
)
def test_what_a_restore_is_refused_for(
    is_lost: bool, pub_id: str | None, tar: Tar | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        losing.refuse_restore("my", "shed", is_lost, pub_id, tar)


def test_a_lost_bot_with_its_own_tar_may_be_restored() -> None:
    assert losing.refuse_restore("my", "shed", True, PUB, TAR) is TAR


@pytest.mark.parametrize(
    ("known", "typed", "is_refused"),
    [
        (None, None, False),
        (10, None, False),
        (9, None, False),
        (11, None, True),
        (11, "other", True),
        (11, "my", False),
    ],
)
def test_an_old_tar_takes_the_bots_name(known: int | None, typed: str | None, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(ForkHazard, match="type its name"):
            losing.refuse_unread("my", known, TAR, typed)
    else:
        losing.refuse_unread("my", known, TAR, typed)
