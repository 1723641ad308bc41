"""
Run commands of the catalogue on nodes, as in chat; operators at the master may run all of them.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.core.errors import Invalid
from pillar_service.master import following, runners


@runners.asked
def commands():
    """
    Every command of the catalogue, with its parameters; ``fault`` says why the files can't be taken now, if so.

    CLI Example: ``salt-run meeseeks.commands --out=json``
    """
    return runners.answer(__opts__, lambda service: service.commands())


@runners.asked
def run(command, *args, selector="", preview=False, wait=True, secrets=None, **kwargs):
    """
    Run a command, and show its lines until it is over; returns what came of it.

    command
        Its name.
    selector
        On which nodes: ``environment=prd,type!=X,app in (a,b),!gpu``, or ``node=cellar-1``.
    preview
        Only tell on which nodes it would run, and with what.
    wait
        Return at once with the job if False.
    secrets
        A file with a line ``NAME=VALUE`` for each argument that may not be read in the list of processes.

    Everything else is an argument of the command.

    CLI Example::

        salt-run meeseeks.run disk selector=environment=prd
        salt-run meeseeks.run bot-logs bot=my lines=20
        salt-run meeseeks.run disk preview=True
        salt-run meeseeks.run log-in secrets=/root/arguments
    """
    if args:
        return {"error": f"Name the argument: write {command} NAME={args[0]}.", "retcode": 1}
    given = {name: value for name, value in kwargs.items() if not name.startswith("__")}
    told = {"arguments": given, "selector": str(selector), "preview": bool(preview)}

    def ask(service):
        if secrets is not None:
            given.update(_named(runners.lines(secrets)))
        job = service.run({"command": runners.text(command), **told})
        return following.followed(service, job) if wait and not preview else job

    return runners.answer(__opts__, ask)


def _named(lines):
    named = [line.partition("=") for line in lines if line.strip()]
    if any(not equals for _, equals, _ in named):
        raise Invalid("Each line of the file of secrets is NAME=VALUE.")
    return {name.strip(): value for name, _, value in named}


@runners.asked
def jobs(actor=""):
    """
    The newest jobs of commands; of one actor (``chat:T01/U02``, ``operator:root``).

    CLI Example: ``salt-run meeseeks.jobs``
    """
    return runners.answer(__opts__, lambda service: service.command_jobs(str(actor)))


@runners.asked
def show(job):
    """
    A job: how it stands on each node, what it waits for. The first characters of its id will do.

    CLI Example: ``salt-run meeseeks.show 1f2e3d4c``
    """

    def ask(service):
        told = service.command_job(runners.text(job))
        return {key: told[key] for key in ("job", "parts", "waits_for")}

    return runners.answer(__opts__, ask)


@runners.asked
def logs(job, follow=False):
    """
    What a job printed, a line each with the node before it; ``follow`` goes on until it is over.

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
    Cancel a job, or those parts of it that do not run yet.

    CLI Example: ``salt-run meeseeks.cancel 1f2e3d4c``
    """
    return runners.answer(__opts__, lambda service: service.cancel_command(runners.text(job)))


@runners.asked
def kill(job, force=False):
    """
    End a job wherever it runs, with all its processes; ``force`` gives them no time to end by themselves.

    CLI Example: ``salt-run meeseeks.kill 1f2e3d4c``
    """
    return runners.answer(__opts__, lambda service: service.kill(runners.text(job), bool(force)))


@runners.asked
def can(user, command, selector="", channel=""):
    """
    Whether a user may run a command, on which nodes, and why: each role and grant that counted for or against it.

    user
        ``T01/U02`` (team and user in chat), or an account's e-mail address.
    command
        A command, or a whole line: ``'restart-bot my'``.
    selector, channel
        On which nodes; in which channel (its id, or ``direct``).

    CLI Example: ``salt-run meeseeks.can ann@example.org disk selector=environment=prd``
    """
    told = {"user": str(user), "line": str(command), "selector": str(selector), "channel": str(channel)}
    return runners.answer(__opts__, lambda service: service.can(told))


@runners.asked
def reload():
    """
    Read the catalogue, the roles and the personas anew; a file with faults changes nothing, and every fault is told.

    CLI Example: ``salt-run meeseeks.reload``
    """
    return runners.answer(__opts__, lambda service: service.reload())


@runners.asked
def audit(verify=False, actor="", action="", subject="", since="", until="", limit=100, n=None, chain=""):
    """
    What was done, the newest first; with ``verify=True`` whether every row is still the one that was written.

    actor, action, subject
        Only rows that say exactly this.
    since, until
        Days such as 2026-11-24, both included.
    n, chain
        A head that a verification told before and somebody noted: rows up to it must not have been written anew.

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
    Remove jobs, with their lines and runs, and rows of the audit that are older than the service's settings
    ``CELLAR_KEEP_JOBS_DAYS`` and ``CELLAR_KEEP_AUDIT_DAYS`` say. The master's schedule runs this every hour.

    CLI Example: ``salt-run meeseeks.forget``
    """
    return runners.answer(__opts__, lambda service: service.forget())
