"""
Run commands of the catalogue on this node.

A command is run only if the node's pillar has it (``saltcellar: meeseeks: commands``) and once the service has said that it
may begin; never through a shell, as the user that the command names, in a folder of its own, within limits. Its lines are
sent to the service as they come.

Setup: ``pip install saltcellar[node]`` into the minion's Python; ``saltcellar: {data: DIRECTORY}`` in the minion's
configuration (default ``/var/lib/saltcellar``). A function that can't do its work raises ``CommandExecutionError`` with
one sentence for people.
"""

from salt.exceptions import CommandExecutionError

try:
    from pillar_service.node import paths
    from pillar_service.node import told as pillars
    from pillar_service.node.executor import capacities as having
    from pillar_service.node.executor import leftovers, stopping
    from pillar_service.node.executor.running import Executor
    from pillar_service.node.saying import said as _said  # private: Salt offers each public name here

    MISSING = None
except ImportError as error:
    MISSING = f"meeseeks needs `pip install saltcellar[node]` in the minion's Python ({error})."

    def _said(function):
        return function


def __virtual__():
    return (False, MISSING) if MISSING else "meeseeks"


def _home():
    return paths.Home.at(__salt__["config.get"]("saltcellar:data"))


def _told():
    return pillars.told_now(__salt__, __opts__["id"])


def _fetch(source):
    return __salt__["cp.cache_file"](source)


def _call(name, arguments, keywords):
    if name not in __salt__:
        raise CommandExecutionError(f"This minion has no function {name}.")
    __context__.pop("retcode", None)
    result = __salt__[name](*arguments, **keywords)
    return result, __context__.get("retcode", 0)


@_said
def run(job, attempt, command, arguments=None):
    """
    Run an attempt of a job once, and return its outcome: state (done, failed, timed_out, killed, not_begun), exit_code,
    lines, dropped, head, tail, seconds, error. The return code is 0 only if the state is "done". An attempt that was not
    begun can be asked for again; any other returns the same outcome again.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 meeseeks.run 9e0f1f3a9c2e5b7d 1 disk '{"at": 80}'
    """
    home, told = _home(), _told()
    outcome = Executor(home, __opts__["id"], told, _fetch, _call).run(job, attempt, command, arguments or {})
    having.tell(home, told)
    leftovers.deliver(home, told)
    __context__["retcode"] = 0 if outcome["state"] == "done" else 1
    return outcome


@_said
def stop(job, force=False):
    """
    End all processes of a job that runs here, with SIGTERM and after 5 s SIGKILL, or with SIGKILL at once (``force``):
    job, stopped, state.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 meeseeks.stop 9e0f1f3a9c2e5b7d force=True
    """
    return stopping.stop(_home(), job, force is True)


def jobs():
    """
    The runs that are under way here: job, attempt, command, user, since (Unix seconds), pid (the warden's).

    CLI Example:

    .. code-block:: bash

        salt cellar-1 meeseeks.jobs
    """
    return stopping.running(_home())


def capacities():
    """
    What this node has for running commands: has (names), slots. Also tells the service if it has changed.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 meeseeks.capacities
    """
    having.tell(_home(), _told())
    return having.found()


@_said
def outcome(job, attempt=None):
    """
    The outcome of a job's ``attempt``, or of the last one that began here, as ``run`` returned it; while it runs, its record;
    nothing if there is none. Kept for a day.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 meeseeks.outcome 9e0f1f3a9c2e5b7d
    """
    return stopping.outcome(_home(), job, attempt)
