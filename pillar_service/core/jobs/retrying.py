"""When people and operators may try again a job that is over, and which command does it.

How often the queue itself tries again is decided by `core.jobs.jobs.after_failure`.
"""

from pillar_service.core.errors import Conflict
from pillar_service.core.jobs import commands
from pillar_service.core.jobs.jobs import OVER, JobState


def by_person(command: str, state: JobState) -> str:
    """The command by which a person tries a job again.

    Raises Conflict if the job is not over, or succeeded, or must be asked for anew (a deletion, an export).
    """
    if state not in OVER or state is JobState.SUCCEEDED:
        raise Conflict("That job has not failed: there is nothing to try again.")
    name = commands.again(command)
    if name is None:
        raise Conflict(f"{command} can't simply be tried again: ask for it anew on the bot's page.")
    return name


def by_operator(command: str, state: JobState, has_bot: bool) -> str:
    """The command by which an operator tries a job again, even if it succeeded or was a deletion.

    Raises Conflict if the job is not over, has no bot, or must be asked for anew.
    """
    if state not in OVER:
        raise Conflict(f"The job is {state}: wait until it is over, or cancel it while it is queued.")
    if not has_bot:
        raise Conflict("Ask for a command of the catalogue anew: it may need a yes, a code or an approval again.")
    if command == "bots.purge":
        raise Conflict("Data whose time is over is deleted by a job every hour: there is nothing to try again.")
    if command == "bots.export":
        raise Conflict("Ask for an export anew on the bot's page, with the password: it contains the bot's secret.")
    return commands.again(command) or command
