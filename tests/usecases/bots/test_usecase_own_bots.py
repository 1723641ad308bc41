"""What people ask of bots is refused to those who may not, even if that changes at the very moment."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pouring import OWNER, owner, poured

from pillar_service.core.errors import Forbidden, NotFound, SaltcellarError, TooMany
from pillar_service.core.jobs import jobs as rules
from pillar_service.core.people.agents import Belonging, Desired
from pillar_service.store import database
from pillar_service.store.bots import bots
from pillar_service.store.jobs import jobs
from pillar_service.store.people import agents
from pillar_service.usecases.bots import invites, own_bots
from pillar_service.usecases.jobs import jobs as usecase
from pillar_service.usecases.people import leaving

pytestmark = pytest.mark.usefixtures("service")

ASKED: dict[str, Callable[[str, str], Any]] = {
    "submit": lambda person, bot: own_bots.submit(person, "bots.restart", bot, {}),
    "desire": lambda person, bot: own_bots.desire(person, bot, Desired.STOPPED),
    "describe": lambda person, bot: own_bots.describe(person, bot, "mine"),
    "delete": lambda person, bot: own_bots.delete(person, bot),
    "again": lambda person, bot: own_bots.again(person, failed(bot)),
    "export": lambda person, bot: own_bots.submit(person, "bots.export", bot, {}),
}
OF_MEMBERS = ("submit", "desire", "again")


def a_bot() -> str:
    """A living bot with a failed restart; return its id."""
    bot = str(poured()["id"])
    job = usecase.submit("test", "bots.restart", bot)["job"]["id"]
    with database.transaction():
        jobs.move(job, "queued", "failed", ended_at=time.time())
    return bot


def failed(bot: str) -> str:
    """The id of the bot's failed restart."""
    found = jobs.newest(bot, "bots.restart", "failed")
    assert found is not None
    return found.id


@pytest.mark.parametrize("act", ASKED)
def test_each_is_refused_to_whom_it_is_not_allowed(act: str) -> None:
    person, member, stranger = owner(), owner("member@example.org"), owner("stranger@example.org")
    bot = a_bot()
    with database.transaction():
        agents.join(member, bot, Belonging.MEMBER)
    with pytest.raises(NotFound):
        ASKED[act](stranger, bot)
    if act not in OF_MEMBERS:
        with pytest.raises(Forbidden):
            ASKED[act](member, bot)
    assert jobs.open_of(bot) == []
    assert ASKED[act](member if act in OF_MEMBERS else person, bot)["agent"]["id"] == bot


def test_a_deleted_bot_is_brought_back_by_its_owner_alone() -> None:
    person, stranger = owner(), owner("stranger@example.org")
    bot = str(poured()["id"])
    own_bots.delete(person, "my")
    with pytest.raises(NotFound):
        own_bots.bring_back(stranger, bot)
    assert own_bots.bring_back(person, bot)["job"]["command"] == "bots.bring_back"


@pytest.mark.parametrize("act", ASKED)
def test_who_stops_belonging_to_a_bot_while_asking_is_refused(act: str) -> None:
    person, bot = owner(), a_bot()
    refused: list[SaltcellarError] = []

    def ask() -> None:
        try:
            ASKED[act](person, bot)
        except NotFound as error:
            refused.append(error)
        finally:
            database.release()

    asking = threading.Thread(target=ask)
    with database.transaction():
        asking.start()
        time.sleep(0.3)  # Meanwhile it waits for its turn to write.
        agents.part_all(bot)
    asking.join(10)
    assert len(refused) == 1
    found = bots.find(bot)
    assert found is not None
    assert (jobs.open_of(bot), found.desired, found.agent.description) == ([], "running", "")


@pytest.mark.parametrize("act", OF_MEMBERS)
def test_of_one_bot_no_more_is_queued_than_a_claim_reads_at_once(act: str) -> None:
    person, bot = owner(), a_bot()
    failed_one = failed(bot)
    first = own_bots.submit(person, "bots.logs", bot, {}, "once")
    for _ in range(rules.MOST_OF_BOT - 1):
        own_bots.submit(person, "bots.logs", bot, {})
    with pytest.raises(TooMany, match="not over yet"):
        ASKED[act](person, bot)
    with pytest.raises(TooMany, match="not over yet"):
        invites.make(person, bot, 1, "")
    assert own_bots.submit(person, "bots.logs", bot, {}, "once")["job"] == first["job"]
    usecase.cancel("test", first["job"]["id"])
    own_bots.again(person, failed_one)
    own_bots.delete(person, bot)  # This lets go of everything that waits.
    assert len(jobs.open_of(bot)) == 1


def test_addresses_of_others_are_for_who_may_share() -> None:
    person, member = owner(), owner("member@example.org")
    bot = a_bot()
    with database.transaction():
        agents.join(member, bot, Belonging.MEMBER)
    whole = [{"email": OWNER, "role": "owner"}, {"email": "member@example.org", "role": "member"}]
    for who, sees in ((person, whole), (member, whole[1:])):
        asked = own_bots.submit(who, "bots.restart", bot, {})["agent"]
        told = (asked, own_bots.show(who, bot), *own_bots.listed(who), *leaving.data(who)["bots"])
        assert [one["account"] for one in told] == [sees] * 4
