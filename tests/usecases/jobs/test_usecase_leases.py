import time

import pytest
from pouring import bot, owner

from pillar_service.core.errors import Forbidden
from pillar_service.store.database import transaction
from pillar_service.store.jobs import leases as rows
from pillar_service.usecases.jobs import claims, leases, runs

pytestmark = pytest.mark.usefixtures("service")

NAME = leases.PUBLISHING


def take(holder: str, now: float) -> int | None:
    with transaction():
        return leases.take(NAME, holder, now)


def test_one_holds_it_until_it_runs_out_and_each_new_holder_has_a_higher_fence() -> None:
    assert leases.is_due(NAME, "one", 1000)
    assert (take("one", 1000), take("two", 1001), take("one", 1002)) == (1, None, 1)
    assert leases.holds(NAME, "one", 1000 + leases.HELD_S - 1)
    assert not leases.holds(NAME, "one", 1000 + leases.HELD_S + 1)
    assert take("two", 1000 + leases.HELD_S + 1) == 2
    assert take("one", 1000 + leases.HELD_S + 2) is None
    assert take("one", 1000 + 3 * leases.HELD_S) == 3


def test_its_holder_renews_it_in_good_time_and_not_at_every_poll() -> None:
    take("one", 1000)
    assert not leases.is_due(NAME, "one", 1001)
    assert leases.is_due(NAME, "one", 1000 + leases.HELD_S * 0.6)
    take("one", 1000 + leases.HELD_S * 0.6)
    assert take("two", 1000 + leases.HELD_S * 1.2) is None


def test_a_clock_that_was_set_back_keeps_nobody_out() -> None:
    take("one", 1_000_000)
    assert leases.is_due(NAME, "two", 1000)
    assert take("two", 1000) == 2


def test_a_new_holder_has_the_runs_of_the_one_before_and_the_old_one_can_start_none() -> None:
    owner()
    bot()
    told = claims.claim("one")
    [run] = told["runs"]
    assert (told["fence"], claims.claim("two")) == (1, {"runs": [], "fence": None})
    assert not claims.is_claimable("two")
    with transaction():
        rows.Lease.update(expires_at=time.time() - 1).execute()
    assert claims.is_claimable("two")
    assert claims.claim("two") == {"runs": [], "fence": 2}
    assert [(held["id"], held["taken_over"]) for held in runs.held("two")] == [(run["id"], True)]
    with pytest.raises(Forbidden, match="held by the master two"):
        runs.started("one", run["id"], "1")
