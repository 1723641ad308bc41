"""
Run commands of the catalogue on nodes, as in chat. Operators at the master may run all of them.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.core.errors import Invalid
from pillar_service.master import following, runners


@runners.asked
def commands():
    """
    Every command of the catalogue, with its parameters; if the files can't be read now, ``fault`` says why.

    CLI Example: ``salt-run meeseeks.commands --out=json``
    """
    return runners.answer(__opts__, lambda service: service.commands())


@runners.asked
def run(command, *args, selector="", preview=False, wait=True, secrets=None, **kwargs):
    """
    Run a command, and show its lines until it is over; returns its results.

    command
        The command's name.
    selector
        The nodes to run it on: ``environment=prd,type!=X,app in (a,b),!gpu``, or ``node=cellar-1``.
    preview
        If True, only say on which nodes it would run, and with what.
    wait
        If False, return the job at once.
    secrets
        A file with a line ``NAME=VALUE`` for each argument that must not appear in the list of processes.

    All other keywords are arguments of the command. One that is called like one of these goes into the file.

    CLI Example::

        salt-run meeseeks.run disk selector=environment=prd
        salt-run meeseeks.run bot-logs bot=my lines=20
        salt-run meeseeks.run disk preview=True
        salt-run meeseeks.run log-in secrets=/root/arguments
    """
    if args:
        return {"error": f"Name the argument: write {command} NAME={args[0]}.", "retcode": 1}
    given = {name: _typed(value) for name, value in kwargs.items() if not name.startswith("__")}
    told = {"arguments": given, "selector": str(selector), "preview": preview}

    def ask(service):
        if secrets is not None:
            given.update(_named(runners.lines(secrets)))
        job = service.run({"command": runners.text(command), **told})
        return following.followed(service, job) if wait and not preview else job

    return runners.answer(__opts__, ask)


def _typed(value):
    # The command line turns '2024' into a number; the service knows whether the argument is one.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _named(lines):
    named = [line.partition("=") for line in lines if line.strip()]
    if any(not equals for _, equals, _ in named):
        raise Invalid("Each line of the file with secrets must be NAME=VALUE.")
    return {name.strip(): value for name, _, value in named}


@runners.asked
def jobs(actor=""):
    """
    The newest jobs of commands, of all actors or of one (``chat:T01/U02``, ``operator:root``).

    CLI Example: ``salt-run meeseeks.jobs``
    """
    return runners.answer(__opts__, lambda service: service.command_jobs(str(actor)))


@runners.asked
def show(job):
    """
    A job: its state on each node, and what it waits for. The first characters of its id are enough.

    CLI Example: ``salt-run meeseeks.show 1f2e3d4c``
    """

    def ask(service):
        told = service.command_job(runners.text(job))
        return {key: told[key] for key in ("job", "parts", "waits_for")}

    return runners.answer(__opts__, ask)


@runners.asked
def logs(job, follow=False):
    """
    The lines that a job printed, each with its node in front. With ``follow=True``, show them until the job is over.

    CLI Example: ``salt-run meeseeks.logs 1f2e3d4c``
    """

    def ask(service):
        if follow:
            return following.followed(service, service.command_job(runners.text(job))["job"])
        return [f"{line['place']}: {line['text']}" for line in following.printed(service, runners.text(job))]

    return runners.answer(__opts__, ask)


@runners.asked
def cancel(job):
    """
    Cancel a job that has not begun, or those of its parts that have not begun.

    CLI Example: ``salt-run meeseeks.cancel 1f2e3d4c``
    """
    return runners.answer(__opts__, lambda service: service.cancel_command(runners.text(job)))


@runners.asked
def kill(job, force=False):
    """
    End a job wherever it runs, with all its processes; ``force=True`` gives them no time to end by themselves.

    CLI Example: ``salt-run meeseeks.kill 1f2e3d4c``
    """
    return runners.answer(__opts__, lambda service: service.kill(runners.text(job), force))


@runners.asked
def can(user, command, selector="", channel=""):
    """
    Whether a user may run a command, on which nodes, and why: each role and grant that spoke for or against it.

    user
        ``T01/U02`` (team and user in chat), or an account's e-mail address.
    command
        A command, or a whole line: ``'restart-bot my'``.
    selector, channel
        The nodes; the channel (its id, or ``direct``).

    CLI Example: ``salt-run meeseeks.can ann@example.org disk selector=environment=prd``
    """
    told = {"user": str(user), "line": str(command), "selector": str(selector), "channel": str(channel)}
    return runners.answer(__opts__, lambda service: service.can(told))


@runners.asked
def reload():
    """
    Read the catalogue, the roles and the personas again. If a file has faults, nothing changes, and every fault is shown.

    CLI Example: ``salt-run meeseeks.reload``
    """
    return runners.answer(__opts__, lambda service: service.reload())


@runners.asked
def audit(verify=False, actor="", action="", subject="", since="", until="", limit=100, n=None, chain=""):
    """
    What was done, newest first; with ``verify=True``, whether every row is still as it was written.

    actor, action, subject
        Only rows with exactly this value.
    since, until
        Days such as 2026-11-24, both inclusive.
    n, chain
        A head that an earlier verification showed and somebody noted: the rows up to it must not have been rewritten.

    CLI Example::

        salt-run meeseeks.audit subject=job:1f2e3d4c5b6a7988
        salt-run meeseeks.audit verify=True
    """
    wanted = {"actor": actor, "action": action, "subject": subject, "since": since, "until": until, "limit": limit}

    def ask(service):
        if not verify:
            return service.audit(**{name: str(value) for name, value in wanted.items() if value})
        told = service.verify_audit(n, str(chain))
        return told if told["first_fault"] is None else told | {"retcode": 1}

    return runners.answer(__opts__, ask)


@runners.asked
def forget():
    """
    Delete jobs (with their lines and runs) and rows of the audit that are older than the service's settings
    ``CELLAR_KEEP_JOBS_DAYS`` and ``CELLAR_KEEP_AUDIT_DAYS`` allow. The master's schedule runs this every hour.

    CLI Example: ``salt-run meeseeks.forget``
    """
    return runners.answer(__opts__, lambda service: service.forget())
