"""Who may try what again, and by which command."""

import pytest

from pillar_service.core.errors import Conflict
from pillar_service.core.jobs import retrying
from pillar_service.core.jobs.commands import COMMANDS
from pillar_service.core.jobs.jobs import OPEN, OVER, JobState

ANEW = {"bots.delete", "bots.purge", "bots.vacate", "bots.export"}
NEVER_BY_OPERATORS = {"bots.purge", "bots.export"}
STARTED = {"bots.create", "bots.import", "bots.bring_back"}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_failed_is_tried_again_by_its_own_command_or_by_starting(command: str) -> None:
    name = "bots.start" if command in STARTED else command
    for state in JobState:
        if state in OPEN or state is JobState.SUCCEEDED or command in ANEW:
            with pytest.raises(Conflict):
                retrying.by_person(command, state)
        else:
            assert retrying.by_person(command, state) == name
        if state in OPEN or command in NEVER_BY_OPERATORS:
            with pytest.raises(Conflict):
                retrying.by_operator(command, state, has_bot=True)
        else:
            assert retrying.by_operator(command, state, has_bot=True) == name


def test_a_command_of_the_catalogue_is_asked_for_anew() -> None:
    for state in OVER:
        with pytest.raises(Conflict, match="Ask for a command of the catalogue anew"):
            retrying.by_operator("log-in", state, has_bot=False)
